# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The tables, and what they say of the goals. README.md defines the columns.

    report.py FILE.json      prints those of a run, also of one that was cut short
"""

import json
import math
import pathlib
import sys

import peers

ABSENT = "not measured"


def show(number, layout, unit=""):
    return ABSENT if number is None else format(number, layout) + unit


def ratio(row, peer):
    """Times that we are faster than a peer; None where it was not measured. Uncached, our side prepares too."""
    theirs = row["peers"].get(peer, {}).get("ms")
    ours = row["prepare_and_launch_ms"] if peer == "flex uncached" else row["ms"]
    return theirs / ours if theirs and ours else None


def over_dense(row):
    dense = row.get("fastest_dense_ms")
    return dense / row["ms"] if dense and row["ms"] else None


def markdown(headings, rows):
    return ["| " + " | ".join(cells) + " |" for cells in (headings, ["---"] * len(headings), *rows)]


def shape_cells(row):
    heads = f"{row['heads']}" if row["heads"] == row["key_heads"] else f"{row['heads']}:{row['key_heads']}"
    lengths = f"{row['keys']}" if row["queries"] == row["keys"] else f"{row['queries']} x {row['keys']}"
    return [row["pattern"], row["target"], heads, str(row["head_size"]), lengths]


def peer_cells(row):
    return [show(ratio(row, peer), ".2f", "x") for peer in peers.NAMES]


def progress(row):
    outcome = f"right, error {row['error']:.1e}" if row["ok"] else f"WRONG, error {row['error']:.1e}"
    return f"{' '.join(shape_cells(row))}: {outcome}, {show(row['ms'], '.4f', ' ms')}"


def pattern_cells(row):
    return [
        *shape_cells(row), f"{row['density']:.2%}", f"{row['error']:.1e}" if row["ok"] else "**WRONG**",
        show(row["ms"], ".4f"), show(row["tflops"], ".0f"), show(row["bound_share"], ".0%"),
        show(over_dense(row), ".2f", "x"), *peer_cells(row), show(row["plan_ms"], ".3f"), show(row["plan_bytes"], "d"),
    ]  # fmt: skip


def tree_cells(row):
    return [
        *shape_cells(row), f"{row['error']:.1e}" if row["ok"] else "**WRONG**", show(row["ms"], ".4f"),
        show(row["launch_us"], ".1f"), show(row["own_dense_ms"], ".4f"), *peer_cells(row), show(row["plan_ms"], ".3f"),
        show(row["plan_bytes"], "d"), launches_to_break_even(row),
    ]  # fmt: skip


def launches_to_break_even(row):
    """Launches of one plan whose savings over our dense kernel pay for the plan."""
    if row["ms"] is None or row["own_dense_ms"] is None:
        return ABSENT
    saved = row["own_dense_ms"] - row["ms"]
    return "never" if saved <= 0 else f"{math.ceil(row['plan_ms'] / saved)}"


def break_even_density(rows):
    """Where our time on block lists meets that of the fastest dense kernel, between two measured densities; 1 where it
    never does. None where the measured densities do not tell. `rows` share a shape."""
    points = sorted((row["density"], row["ms"], row["fastest_dense_ms"]) for row in rows if over_dense(row))
    below = (0.0, 0.0)
    for density, ours, dense in points:
        if ours > dense:
            return below[0] + (density - below[0]) * (dense - below[1]) / (ours - below[1])
        below = (density, ours)
    return 1.0 if below[0] == 1 else None


def block_lists(rows):
    """The rows of block lists, by shape."""
    groups = {}
    for row in rows:
        if row["list_density"] is not None:
            groups.setdefault(tuple(shape_cells(row)[1:]), []).append(row)
    return groups


def goals(rows):
    """Triples of a goal, the worst figure (None where nothing was measured), and what it is compared with."""
    sparse = [row for row in rows if not row["tree"] and row["pattern"] not in ("dense", "causal")]
    trees = [row for row in rows if row["tree"]]
    worst = lambda figures, pick=min: pick((f for f in figures if f is not None), default=None)
    at_128k = lambda pattern: worst(over_dense(r) for r in sparse if r["pattern"] == pattern and r["keys"] == 1 << 17)
    return [
        ("causal, d = 128, 32K: TFLOP/s", worst(
            r["tflops"] for r in rows if r["pattern"] == "causal" and r["head_size"] == 128 and r["keys"] == 1 << 15
        ), ">=", 620),
        ("every pattern over FlexAttention, mask cached", worst(
            ratio(r, "flex") for r in rows if r["pattern"] != "dense" and not r["tree"]
        ), ">=", 1.5),
        ("every pattern over FlexAttention, mask uncached, 64K and more", worst(
            ratio(r, "flex uncached") for r in rows if r["keys"] >= 1 << 16 and not r["tree"]
        ), ">=", 10),
        ("64 x 64 block lists of 10 % and more, d = 128: TFLOP/s", worst(
            r["tflops"] for r in sparse if (r["list_density"] or 0) >= 0.1 and r["head_size"] == 128
        ), ">=", 400),
        ("share of the skip bound", worst(r["bound_share"] for r in sparse), ">=", 0.9),
        ("break-even density of block lists", worst(
            break_even_density(group) for group in block_lists(rows).values() if len(group) > 1
        ), ">=", 0.8),
        ("128K, window 4096 over the fastest dense", at_128k("window_4096"), ">=", 10),
        ("128K, BigBird over the fastest dense", at_128k("bigbird"), ">=", 5),
        ("128K, dilated over the fastest dense", at_128k("dilated"), ">=", 5),
        ("tree masks: launch, us", worst((r["launch_us"] for r in trees), max), "<=", 10),
        ("tree masks: over our dense kernel", worst(
            r["own_dense_ms"] / r["ms"] for r in trees if r["ms"] and r["own_dense_ms"]
        ), ">=", 1),
    ]  # fmt: skip


def verdict(figure, relation, bar):
    if figure is None:
        return ABSENT
    return "met" if (figure >= bar if relation == ">=" else figure <= bar) else "missed"


def goal_records(rows):
    return [
        {"goal": name, "figure": figure, "bar": f"{relation} {bar}", "verdict": verdict(figure, relation, bar)}
        for name, figure, relation, bar in goals(rows)
    ]


def lines(results):
    """All that is printed."""
    rows, versions = results["rows"], results["versions"]
    yield f"{results['date']}; {results['device']}, driver {results['driver'] or 'none'}; seed {results['seed']}"
    yield "; ".join(f"{name} {version or 'not installed'}" for name, version in versions.items())
    shape = ["pattern", "target", "heads", "d", "tokens"]
    names = [f"over {name}" for name in peers.NAMES]
    yield ""
    yield from markdown(
        [
            *shape, "density", "error", "ms", "TFLOP/s", "skip bound", "over fastest dense", *names, "plan ms", "bytes",
        ],  # fmt: skip
        [pattern_cells(row) for row in rows if not row["tree"]],
    )
    trees = [tree_cells(row) for row in rows if row["tree"]]
    if trees:
        yield ""
        headings = [*shape, "error", "ms", "launch us", "our dense ms", *names, "plan ms", "bytes"]
        yield from markdown([*headings, "break-even launches"], trees)
    yield ""
    for (target, heads, head_size, tokens), group in block_lists(rows).items():
        if len(group) == 1:
            continue
        density = show(break_even_density(group), ".2f")
        yield f"break-even density of block lists, {target}, {heads} heads of {head_size}, {tokens} tokens: {density}"
    for record in results["goals"]:
        yield f"goal: {record['goal']}: {show(record['figure'], '.3g')} ({record['bar']}): {record['verdict']}"
    yield from reasons(rows)
    yield f"{sum(row['ok'] for row in rows)} of {len(rows)} rows are right"


def reasons(rows):
    """Why peers were not measured, each once."""
    found = {}
    for row in rows:
        for peer, result in row["peers"].items():
            if "reason" in result:
                found.setdefault((peer, result["reason"]), []).append(" ".join(shape_cells(row)))
    for (peer, reason), where in found.items():
        yield f"not measured: {peer}: {reason}: {where[0]}" + (f" and {len(where) - 1} more" if len(where) > 1 else "")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: report.py FILE.json")
    print("\n".join(lines(json.loads(pathlib.Path(sys.argv[1]).read_text()))))
