#!/usr/bin/env python3
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints the table of quickstart.sh from the reports of sparse-attn-run and sparse-attn-fma-peak in a folder."""

import json
import pathlib
import sys

HEADINGS = (
    "function",
    "tiles visited / all",
    "density",
    "time",
    "GFLOP/s",
    "of FMA peak",
    "speed-up over dense",
    "largest error (tolerance)",
)


def row(sparse, dense, peak):
    """The cells of one function."""
    # The dense kernel attends to every pair.
    density = sparse["active_pairs"] / dense["active_pairs"]
    error = float("inf") if sparse["max_error"] is None else sparse["max_error"]
    return (
        sparse["function"],
        f"{sparse['visited_tiles']:,} / {sparse['total_tiles']:,}",
        f"{density:.2%}",
        f"{sparse['time_ms']:.2f} ms",
        f"{sparse['gflops']:.0f}",
        f"{sparse['gflops'] / peak['gflops']:.0%}",
        f"{dense['time_ms'] / sparse['time_ms']:.1f}x",
        f"{error:.1e} ({sparse['tolerance']:.0e})",
    )


def main():
    folder = pathlib.Path(sys.argv[1])
    load = lambda name: json.loads((folder / f"{name}.json").read_text())
    peak = load("peak")
    rows = [row(load(f"longformer_{dtype}"), load(f"dense_{dtype}"), peak) for dtype in ("f32", "bf16")]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows)]
    lines = [HEADINGS, ["-" * width for width in widths], *rows]
    print()
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    threads = load("longformer_f32")["threads"]
    print(f"\nGFLOP/s on attending pairs, {threads} threads; FMA peak: {peak['gflops']:.0f}.")
    print("Density is attending pairs of all pairs; bf16 dot products can exceed the f32 FMA peak.")


if __name__ == "__main__":
    main()
