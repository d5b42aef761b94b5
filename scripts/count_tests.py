#!/usr/bin/env python3
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Adds up test results: JSON files of lit and JUnit files of ctest. Fails where a test failed or a file is missing."""

import collections
import json
import pathlib
import sys
import xml.etree.ElementTree

LIT_OUTCOMES = {"PASS": "passed", "XFAIL": "passed", "FLAKYPASS": "passed", "UNSUPPORTED": "skipped"}


def lit_outcomes(path):
    """An outcome for each test of a lit run."""
    for test in json.loads(path.read_text())["tests"]:
        yield test["name"], LIT_OUTCOMES.get(test["code"], "failed")


def ctest_outcomes(path):
    """An outcome for each test of a ctest run."""
    outcomes = {"run": "passed", "disabled": "skipped", "notrun": "skipped"}
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        skipped = case.find("skipped") is not None
        yield case.get("name"), "skipped" if skipped else outcomes.get(case.get("status"), "failed")


def outcomes_of(path):
    """The outcomes of a file; a run that left no results, or has no tests, counts as one failure."""
    try:
        found = list(lit_outcomes(path) if path.suffix == ".json" else ctest_outcomes(path))
    except (OSError, ValueError, KeyError, xml.etree.ElementTree.ParseError) as error:
        return [(f"{path.name}: no results: {error}", "failed")]
    return found or [(f"{path.name}: no tests", "failed")]


def main():
    counts = collections.Counter()
    for path in map(pathlib.Path, sys.argv[1:]):
        for name, outcome in outcomes_of(path):
            counts[outcome] += 1
            if outcome == "failed":
                print(f"failed: {path.stem}: {name}")
    if counts["skipped"]:
        print(f"{counts['skipped']} skipped, for want of what they require")
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
