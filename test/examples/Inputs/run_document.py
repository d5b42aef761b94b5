# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Does what a Markdown file tells its reader to do, in the current folder.

A comment before a code block says what the block is:
  <!-- file: NAME -->       the content of a file
  <!-- run -->              commands for bash, all of which succeed
  <!-- output -->           what the last commands print, in part: lines in order, `...` for lines or the rest of one;
                            names of values and numbers with a fraction may differ
  <!-- output: COMMAND -->  likewise, of a command that the reader does not see
"""

import pathlib
import re
import subprocess
import sys

BLOCK = re.compile(r"<!-- (file|run|output)(?:: (.*?))? -->\n+```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(commands):
    result = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"error: exit code {result.returncode} of\n{commands}\n{result.stdout}{result.stderr}")
    return result.stdout


def bare(line):
    """A line without what may change from one version or machine to another."""
    return re.sub(r"\d+\.\d+(e-\d+)?", "#", re.sub(r"[%^]\w+", "%", line.strip()))


def matches(expected, line):
    expected, line = bare(expected), bare(line)
    return line.startswith(expected[:-3]) if expected.endswith("...") else line == expected


def check_output(expected, printed):
    lines = iter(printed.splitlines())
    for line in expected.splitlines():
        if line.strip() not in ("", "...") and not any(matches(line, other) for other in lines):
            sys.exit(f"error: expects the line\n{line}\nin the order of the document, but got\n{printed}")


def main():
    printed, count = "", 0
    for kind, detail, content in BLOCK.findall(pathlib.Path(sys.argv[1]).read_text()):
        count += 1
        if kind == "file":
            pathlib.Path(detail).write_text(content)
        elif kind == "run":
            printed = run(content)
        else:
            check_output(content, run(detail) if detail else printed)
    print(f"{count} blocks")
    return 0 if count else 1


if __name__ == "__main__":
    sys.exit(main())
