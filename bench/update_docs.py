#!/usr/bin/env python3
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Puts the results of sparse-attn-bench --json, sparse-attn-mask-bench --json and peers.py --json into
docs/performance.md, in place of the tables between its markers `<!-- bench -->`, `<!-- masks -->`, `<!-- peers -->` and
`<!-- end -->`."""

import argparse
import itertools
import json
import pathlib
import re

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "performance.md"


def show(number, unit):
    """A figure or a bar, as sparse-attn-bench prints it."""
    if unit == "%":
        return f"{100 * number:.1f} %"
    return f"{number:.2f}" + (unit if unit in ("", "x") else " " + unit)


def bar_of(row):
    low, high = row.get("at_least"), row.get("at_most")
    if low is not None and high is not None:
        return f"{low:.2f} to {high:.2f}"
    if low is not None:
        return f">= {show(low, row['unit'])}"
    return f"<= {show(high, row['unit'])}" if high is not None else ""


def table(headings, rows):
    return ["| " + " | ".join(cells) + " |" for cells in (headings, ["---"] * len(headings), *rows)]


def bench_cells(row):
    if "error" in row:
        return (row["name"], "", "", "error: " + row["error"], "", "**missed**", "")
    verdict = {True: "met", False: "**missed**", None: ""}[row.get("pass")]
    figure = show(row["figure"], row["unit"])
    return (row["name"], row["measured"], row["reference"], figure, bar_of(row), verdict, row.get("note", ""))


def bench_tables(results):
    lines = []
    headings = ("row", "measured", "against", "figure", "bar", "", "")
    for section, rows in itertools.groupby(results["rows"], lambda row: row["section"]):
        lines += ["", f"### {section}", *table(headings, map(bench_cells, rows))]
    return lines + [""]


def peers_table(results):
    """One line for each pattern, type and peer; the ratios at each length side by side."""
    lengths = sorted({row["length"] for row in results["rows"]})
    groups = {}
    for row in results["rows"]:
        groups.setdefault((row["pattern"], row["dtype"], row["peer"]), {})[row["length"]] = row
    cell = lambda row: f"{row['theirs_ms']:.1f} / {row['ours_ms']:.1f} ms = **{row['ratio']:.1f}x**" if row else ""
    rows = [(*key, *(cell(found.get(length)) for length in lengths)) for key, found in groups.items()]
    headings = ("pattern", "type", "peer", *(f"{length:,} tokens" for length in lengths))
    return ["", f"PyTorch {results['torch']}.", "", *table(headings, rows), ""]


def replace(text, name, lines):
    pattern = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
    return re.sub(pattern, lambda found: found[1] + "\n".join(lines) + "\n" + found[2], text, flags=re.S)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=pathlib.Path, help="of sparse-attn-bench --json")
    parser.add_argument("--masks", type=pathlib.Path, help="of sparse-attn-mask-bench --json")
    parser.add_argument("--peers", type=pathlib.Path, help="of peers.py --json")
    options = parser.parse_args()
    text = PAGE.read_text()
    if options.bench:
        text = replace(text, "bench", bench_tables(json.loads(options.bench.read_text())))
    if options.masks:
        text = replace(text, "masks", bench_tables(json.loads(options.masks.read_text())))
    if options.peers:
        text = replace(text, "peers", peers_table(json.loads(options.peers.read_text())))
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
