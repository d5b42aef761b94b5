#!/usr/bin/env python3
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the table of patterns into docs/patterns.md, and its pictures into docs/images/patterns.

  pattern_table.py [--check] [BUILD]

Whatever the table says of tiles, the tools have said: how they are found, how many the picture has, and that the formula
for their number holds on a longer sequence. A new pattern is one more entry in OPS, or in EXAMPLES for a file of
examples/patterns. With --check nothing is written; exit code 1 tells that the table or a picture is out of date.
"""

import argparse
import dataclasses
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from typing import Callable, Optional

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs/patterns.md"
PICTURES = ROOT / "docs/images/patterns"
OP_FILE = ROOT / "dialect/Patterns.td"
EXAMPLE_FILES = ROOT / "examples/patterns"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"

# The name of an example that captures its numbers is that of the example, and this.
TWIN = "_n"
# A picture has so many tiles a side.
TILES = 32
# The formula is held to a sequence so many times as long, where ends matter less; it may be off by this share.
LONGER, TOLERANCE = 4, 0.08

# Sources, with their numbers at arXiv.
TRANSFORMER, SPARSE = ("Transformer", "1706.03762"), ("Sparse Transformer", "1904.10509")
LOGSPARSE, T5, BLOCKBERT = ("LogSparse", "1907.00235"), ("T5", "1910.10683"), ("BlockBERT", "1911.02972")
LONGFORMER, ETC, BIGBIRD = ("Longformer", "2004.05150"), ("ETC", "2004.08483"), ("BigBird", "2007.14062")
PACKING, LONGNET = ("Sequence packing", "2107.02027"), ("LongNet", "2307.02486")
STREAMING, MISTRAL = ("StreamingLLM", "2309.17453"), ("Mistral 7B", "2310.06825")
SPECINFER = ("SpecInfer", "2305.09781")
NATTEN, SLIDING_TILE = ("Generalized NA", "2504.16922"), ("Sliding tile attention", "2502.04507")
NEIGHBORHOOD = ("Neighborhood attention", "2204.07143")
QUEST, MINFERENCE, DUO = ("Quest", "2406.10774"), ("MInference", "2407.02490"), ("DuoAttention", "2410.10819")


@dataclasses.dataclass
class Capture:
    """A sample of what a pattern captures: its type, and its value for a length (an array, or a matrix of blocks)."""

    type: str
    sample: Callable


@dataclasses.dataclass
class Row:
    """A pattern of the table."""

    name: str
    attends: str  # The formula.
    source: Optional[tuple]  # Name and number at arXiv.
    tiles: str  # Of T x T that one head visits, n = S / T a side: a formula in the numbers of the pattern, or words.
    work: str  # What kernels compute in them.
    body: str = ""  # The ops that make %p; empty: a file of examples/patterns.
    captures: dict = dataclasses.field(default_factory=dict)  # By name.
    tile: int = 64
    length: int = 0  # Of the picture; 0: that of TILES tiles a side.
    heads: tuple = (0,)  # A picture each.

    @property
    def has_formula(self):
        return not self.tiles.startswith("those")

    @property
    def file_name(self):
        """Of pictures, without ending."""
        return re.sub(r"\W+", "-", self.name if self.body else f"example-{self.name}")

    @property
    def head_count(self):
        """Heads of the function."""
        return max(self.heads) + 1 if self.body else 8


EDGES, INSIDE = "masks at the edges", "dense"
MASKED, CLASSES = "masks", "dense, in residue classes"

OPS = [
    Row("dense", "always", TRANSFORMER, "n * n", INSIDE, "%p = sparse_attn.dense"),
    Row("causal", "k <= q", TRANSFORMER, "n * (n + 1) / 2", EDGES, "%p = sparse_attn.causal"),
    Row("window", "q - left <= k <= q + right", LONGFORMER, "n * ((left + right) / T + 1)", EDGES,
        "%p = sparse_attn.window left(256) right(128)"),
    Row("keys", "k < first", STREAMING, "n * first / T", INSIDE, "%p = sparse_attn.keys first(128)"),
    Row("queries", "q < first", LONGFORMER, "n * first / T", INSIDE, "%p = sparse_attn.queries first(128)"),
    Row("global", "k < first or q < first", LONGFORMER, "2 * n * first / T", INSIDE, "%p = sparse_attn.global first(128)"),
    Row("chunk", "q div size = k div size", BLOCKBERT, "n * size / T", INSIDE, "%p = sparse_attn.chunk size(256)"),
    Row("stride", "(q - k) mod step = 0", SPARSE, "n * n / step", CLASSES, "%p = sparse_attn.stride step(4)"),
    Row("exponential", "abs(q - k) is 0 or a power of base", LOGSPARSE, "n * (2 * log2(n) - 1)", MASKED,
        "%p = sparse_attn.exponential base(2)"),
    Row("columns", "k mod every >= every - last", SPARSE, "n * S / every", MASKED,
        "%p = sparse_attn.columns every(256) last(64)"),
    Row("segment", "q div length = k div length, q mod rate = k mod rate = 0", LONGNET,
        "n * length / T / rate / rate", CLASSES, "%p = sparse_attn.segment length(512) rate(2)"),
    Row("neighborhood", "on every axis, k is in the window around q; here 32 x 64 tokens in tiles of 8 x 8", NATTEN,
        "those whose boxes of tokens meet the windows", "masks at the edges of windows",
        "%p = sparse_attn.neighborhood shape(32, 64) window(9, 9) tile(8, 8)"),
    Row("prefix_lm", "k < length[batch] or k <= q", T5, "n * (n + 1) / 2 + (length / T) * (length / T) / 2", EDGES,
        "%p = sparse_attn.prefix_lm %length", {"length": Capture("memref<?xi32>", lambda s: np.array([s // 3]))}),
    Row("documents", "offsets[i] <= q, k < offsets[i + 1] for some i (or ids[q] = ids[k])", PACKING,
        "those of a square a document", EDGES, "%p = sparse_attn.documents offsets(%offsets)",
        {"offsets": Capture("memref<?xi32>", lambda s: sample_offsets(s))}),
    Row("tree", "k is before the tree, or q, or an ancestor of q; before the tree k <= q", SPECINFER,
        "those of the past, and of the tree", "masks in the tree", "%p = sparse_attn.tree parents(%parents)",
        {"parents": Capture("memref<?xi32>", lambda s: np.arange(s // 4) // 2 - 1)}),
    Row("vertical_slash", "k <= q, and k in columns or q - k in diagonals", MINFERENCE,
        "those with a column or a diagonal", MASKED,
        "%p = sparse_attn.vertical_slash columns(%columns) diagonals(%diagonals)",
        {"columns": Capture("memref<?xi32>", lambda s: np.arange(3) * (s // 5) + 7),
         "diagonals": Capture("memref<?xi32>", lambda s: np.array([0, 1, s // 8, s // 3]))}),
    Row("random", "`blocks` random blocks of `size` for each block of queries", BIGBIRD, "n * blocks", INSIDE,
        "%p = sparse_attn.random blocks(3) size(64) seed(7)"),
    Row("blocks", "a captured mask has the block of q and k", QUEST, "those of the mask", INSIDE,
        "%p = sparse_attn.blocks %mask : !sparse_attn.block_mask<64x64>",
        {"mask": Capture("!sparse_attn.block_mask<64x64>", lambda s: sample_blocks(s // 64))}),
    Row("predicate", "any condition; here (q div 128 + k div 128) mod 4 = 0", None,
        "those that intervals of the condition cannot rule out", "masks, unless intervals settle a tile", """
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    %side = arith.constant 128 : index
    %four = arith.constant 4 : index
    %zero = arith.constant 0 : index
    %i = arith.divui %q, %side : index
    %j = arith.divui %k, %side : index
    %sum = arith.addi %i, %j : index
    %rest = arith.remui %sum, %four : index
    %hit = arith.cmpi eq, %rest, %zero : index
    sparse_attn.yield %hit : i1
  }"""),
    Row("predicate, with a captured array", "document[q] = document[k]", PACKING, "those whose ranges of documents meet",
        "masks, unless intervals settle a tile", """
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    %i = sparse_attn.read %document[%q] : memref<?xi32>
    %j = sparse_attn.read %document[%k] : memref<?xi32>
    %hit = arith.cmpi eq, %i, %j : i32
    sparse_attn.yield %hit : i1
  }""", {"document": Capture("memref<?xi32>", lambda s: np.searchsorted([300, 470, 1100, 1800], np.arange(s), "right"))}),
    Row("union", "some operand holds; here a window and the first keys", None, "n * (left / T + first / T + 1)",
        EDGES, """
  %near = sparse_attn.window left(256) right(0)
  %sinks = sparse_attn.keys first(64)
  %p = sparse_attn.union %near, %sinks"""),
    Row("intersect", "every operand holds; here causal, by chunks", None, "n * (size / T + 1) / 2", EDGES, """
  %past = sparse_attn.causal
  %chunk = sparse_attn.chunk size(512)
  %p = sparse_attn.intersect %past, %chunk"""),
    Row("complement", "the operand does not hold; here far from the diagonal", None,
        "n * (n - (left + right) / T + 1)", EDGES, """
  %near = sparse_attn.window left(256) right(256)
  %p = sparse_attn.complement %near"""),
    Row("per_head", "the operand of number h mod operands holds; here heads 0 and 1", DUO, "those of each head's operand",
        "as each operand's", """
  %past = sparse_attn.causal
  %near = sparse_attn.window left(256) right(0)
  %p = sparse_attn.per_head [%past, %near]""", heads=(0, 1)),
]

EXAMPLES = [
    Row("local_window", "q - 1023 <= k <= q", MISTRAL, "n * (left / T + 1)", EDGES),
    Row("dilated_sparse", "abs(q - k) <= 1024, (q - k) mod 8 = 0", LONGFORMER,
        "n * ((left + right) / (step * T) + 1)", "dense, in residue classes; masks at the edges", length=4096),
    Row("global_local", "abs(q - k) <= 256, or q < 64, or k < 64", ETC, "n * ((left + right) / T + 2 * first / T + 1)",
        EDGES),
    Row("bigbird", "abs(q - k) <= 96, or q < 128, or k < 128, or 3 random blocks", BIGBIRD,
        "n * ((left + right) / T + 2 * first / T + blocks + 2)", EDGES),
    Row("streaming_llm", "k <= q, and k < 4 or q - k <= 1023", STREAMING, "n * (left / T + 2)", EDGES),
    Row("a_shape", "k <= q, and k < 128 or q - k <= 2048", MINFERENCE, "n * (left / T + first / T + 1)", EDGES,
        length=8192),
    Row("sparse_transformer_strided", "k <= q, and q - k <= 127 or (q - k) mod 128 = 0", SPARSE,
        "those of the window, and of the rest in residue classes", "dense, in residue classes; masks at the edges"),
    Row("sparse_transformer_fixed", "k <= q, and q div 128 = k div 128 or k mod 128 >= 120", SPARSE,
        "n * (S / (2 * every) + 1)", "masks in every other tile"),
    Row("log_sparse", "q - k is 0 or a power of 2", LOGSPARSE, "n * log2(n)", MASKED),
    Row("longnet_branch", "q div 2048 = k div 2048, q mod 4 = k mod 4 = h mod 4", LONGNET,
        "n * length / T / rate / rate", CLASSES, length=8192),
    Row("streaming_heads", "k <= q; for odd heads, and k < 64 or q - k <= 255", DUO, "those of each head's pattern", EDGES,
        heads=(0, 1)),
    Row("prefix_lm", "k < prefix[batch] or k <= q", T5, "n * (n + 1) / 2 + (prefix / T) * (prefix / T) / 2", EDGES,
        captures={"prefix": Capture("memref<?xi32>", lambda s: np.array([s // 3]))}),
    Row("packed_documents", "k <= q, in the same document", PACKING, "those of a triangle a document", EDGES,
        captures={"cu_seqlens": Capture("memref<?xi32>", lambda s: sample_offsets(s))}),
    Row("neighborhood_2d", "k is in the 13 x 13 around q, of 64 x 64", NEIGHBORHOOD,
        "those whose boxes of tokens meet the windows", "masks at the edges of windows", length=4096),
    Row("neighborhood_3d", "k is in the frame of q or the 3 before, of 16 x 64 x 64, and in the 12 x 12 around", NATTEN,
        "those whose boxes of tokens meet the windows", MASKED, length=65536),
    Row("sliding_tile", "the tile of k is one of 3 x 3 x 3 around that of q, of 30 x 48 x 80 tokens", SLIDING_TILE,
        "those of 27 tiles of tokens", INSIDE, length=115200),
    Row("token_tree", "k is in the prefix, or q, or an ancestor of q", SPECINFER, "those of the past, and of the tree",
        "masks in the tree", captures={"parents": Capture("memref<?xi32>", lambda s: np.arange(s // 4) // 2 - 1)}),
    Row("vertical_slash", "k <= q, and k in columns[h] or q - k in diagonals[h]", MINFERENCE,
        "those with a column or a diagonal", MASKED,
        captures={"columns": Capture("memref<?x?x?xi32>", lambda s: sample_lines(s, 97)),
                  "diagonals": Capture("memref<?x?x?xi32>", lambda s: sample_lines(s, 61))}),
]


def sample_offsets(length):
    """Where documents of unequal lengths begin, and where the last one ends."""
    return length * np.array([0, 3, 4, 9, 16]) // 16


def sample_lines(length, step):
    """Ascending numbers for one sequence of 8 heads."""
    return np.sort(np.arange(8 * 4).reshape(1, 8, 4) * step * 13 % length)


def sample_blocks(side):
    """A mask as a router makes it: some blocks of the past, and the diagonal."""
    q, k = np.indices((side, side))
    return (k <= q) & (((q * 37 + k * 101 + q * k * 7) % 11 < 2) | (q == k))


class Tools:
    """The tools of a build, and a folder for what they write."""

    def __init__(self, build, folder):
        self.bin, self.folder = build / "bin", folder

    def run(self, tool, *words):
        command = [str(self.bin / tool), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"error: exit code {done.returncode} of\n{' '.join(command)}\n{done.stderr}")
        return done.stdout + done.stderr

    def write_source(self, row):
        """The module of a row."""
        if not row.body:
            return EXAMPLE_FILES / f"{row.name}.mlir"
        path = self.folder / f"{row.file_name}.mlir"
        typed = ", ".join(f"%{name}: {capture.type}" for name, capture in row.captures.items())
        names = ", ".join(f"%{name}" for name in row.captures)
        types = ", ".join(capture.type for capture in row.captures.values())
        symbol = row.file_name.replace("-", "_")
        path.write_text(f"""!t = tensor<?x?x?x64xf32>
sparse_attn.pattern @{symbol}{f"({typed})" if typed else ""} {{
  {row.body.strip()}
  sparse_attn.yield %p
}}
func.func @attention(%query: !t, %key: !t, %value: !t{", " + typed if typed else ""}) -> !t {{
  %o = sparse_attn.attention %query, %key, %value pattern(@{symbol}{f"({names}) : ({types})" if names else ""})
    : (!t, !t, !t) -> !t
  return %o : !t
}}
""")
        return path

    def write_captures(self, row, length):
        """The options that give sample captures."""
        options = []
        for name, capture in row.captures.items():
            sample = capture.sample(length)
            array = self.folder / f"{name}.npy"
            np.save(array, sample if sample.dtype == bool else sample.astype(np.int32))
            options.append(f"--capture={name}={array}")
            if sample.dtype == bool:
                mask = self.folder / f"{name}.mask"
                self.run("sparse-attn-mask", "create", array, f"--block={row.tile}", "-o", mask)
                options[-1] = f"--mask={name}={mask}"
        return options

    def plot(self, row, artifact, length, head, picture):
        """Draws a picture; returns the numbers of full, partial and empty tiles."""
        self.run("sparse-attn-mask", "plot", artifact, f"--queries={length}", f"--head={head}", "--bare",
                 f"--cells={TILES}", *self.write_captures(row, length), "-o", picture)
        found = re.search(r"<desc>(\d+) full, (\d+) partial, (\d+) empty", picture.read_text())
        return tuple(map(int, found.groups()))

    def count_in_classes(self, row, artifact, length):
        """Tiles a head, as kernels of residue classes have them."""
        report = self.folder / "report.json"
        self.run("sparse-attn-run", artifact, f"--random=S={length},H={row.head_count}", f"--json={report}")
        return json.loads(report.read_text())["visited_tiles"] / row.head_count


def numbers_of(row, source, length):
    """What a formula may name: S, T, n, and the parameters of the ops, the first of each name."""
    values = {"S": length, "T": row.tile, "n": length / row.tile, "log2": math.log2}
    for name, number in re.findall(r"\b([a-z]+)\((-?\d+)\)", source.read_text()):
        values.setdefault(name, int(number))
    for name, capture in row.captures.items():
        sample = capture.sample(length)
        if sample.size == 1:
            values[name] = int(sample[0])
    return values


def check_formula(row, source, length, counted):
    expected = eval(row.tiles, {"__builtins__": {}}, numbers_of(row, source, length))
    if abs(expected - counted) > TOLERANCE * counted:
        sys.exit(f"error: {row.name}: expects {row.tiles} = {expected:g} tiles of length {length}, but got {counted:g}")


def describe_way(tools, source):
    """How the compiler finds the tiles, and the dilation that it takes out."""
    remarks = tools.run("sparse-attn-compile", source, "--remarks", "--emit=llvm", "-o", tools.folder / "default.ll")
    listed = "tiles are listed" in remarks
    modulo = re.search(r"_modulo(\d+): closed form", remarks)
    return "listed" if listed else "closed form", int(modulo.group(1)) if modulo else 1


def make_row(tools, row, pictures):
    """Draws the pictures of a row, holds its formula to a longer sequence, and returns its line of the table."""
    source = tools.write_source(row)
    way, modulo = describe_way(tools, source)
    artifact = tools.folder / f"{row.file_name}.so"
    tools.run("sparse-attn-compile", source, f"--tile-q={row.tile}", f"--tile-k={row.tile}", "--reindex=false", "-o",
              artifact)
    length = row.length or TILES * row.tile
    images, seen = [], []
    for head in row.heads:
        name = row.file_name + (f"-{head}" if len(row.heads) > 1 else "") + ".svg"
        full, partial, empty = tools.plot(row, artifact, length, head, pictures / name)
        images.append(f"![{row.name}](images/patterns/{name})")
        seen.append(f"{full + partial} of {full + partial + empty}, {partial} of them masked")
    if row.has_formula:
        longer = length * LONGER
        if modulo > 1:
            tools.run("sparse-attn-compile", source, f"--tile-q={row.tile}", f"--tile-k={row.tile}", "-o", artifact)
            counted = tools.count_in_classes(row, artifact, longer)
        else:
            full, partial, _ = tools.plot(row, artifact, longer, 0, tools.folder / "longer.svg")
            counted = full + partial
        check_formula(row, source, longer, counted)
    text = f"`{row.tiles}`" if row.has_formula else row.tiles
    found = way + (f", classes modulo {modulo}" if modulo > 1 else "")
    link = f"[{row.source[0]}](https://arxiv.org/abs/{row.source[1]})" if row.source else ""
    name = row.name if row.body else link_example(row.name)
    return f"| {name} | {' '.join(images)} | {row.attends} | {link} | {found}: {text} | {'; '.join(seen)} | {row.work} |"


def link_example(name):
    """Links to a file, and to its twin that captures its numbers, where there is one."""
    link = f"[{name}](../examples/patterns/{name}.mlir)"
    if (EXAMPLE_FILES / f"{name}{TWIN}.mlir").exists():
        link += f", [captured](../examples/patterns/{name}{TWIN}.mlir)"
    return link


def check_complete():
    """Ends the program where an op or an example has no entry."""
    ops = re.findall(r'^def SparseAttn_\w+ : (?:\w+Leaf|AlgebraOp)<"(\w+)"', OP_FILE.read_text(), re.MULTILINE)
    files = [path.stem for path in sorted(EXAMPLE_FILES.glob("*.mlir"))]
    rows = {"OPS": {row.name for row in OPS}, "EXAMPLES": {row.name for row in EXAMPLES}}
    missing = [f"{name} in OPS" for name in ops if name not in rows["OPS"]]
    missing += [f"{name} in EXAMPLES" for name in files if name.removesuffix(TWIN) not in rows["EXAMPLES"]]
    if not ops or missing:
        sys.exit(f"error: scripts/pattern_table.py lacks {', '.join(missing)}")


def make_table(tools, pictures):
    lines = ["| pattern | picture | q attends to k where | source | tiles visited | in the picture | work |",
             "|---|---|---|---|---|---|---|"]
    lines += [make_row(tools, row, pictures) for row in (*OPS, *EXAMPLES)]
    return "\n".join(lines) + "\n"


def replace_table(document, table):
    head, rest = document.split(BEGIN)
    return head + BEGIN + table + END + rest.split(END)[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("build", nargs="?", type=pathlib.Path, default=ROOT / "build")
    options = parser.parse_args()
    check_complete()
    with tempfile.TemporaryDirectory() as folder:
        pictures = pathlib.Path(folder) / "pictures"
        pictures.mkdir()
        document = replace_table(DOCUMENT.read_text(), make_table(Tools(options.build, pathlib.Path(folder)), pictures))
        files = {DOCUMENT: document, **{PICTURES / path.name: path.read_text() for path in sorted(pictures.iterdir())}}
    stale = [path for path in PICTURES.glob("*.svg") if path not in files]
    stale += [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    if options.check:
        for path in stale:
            print(f"error: {os.path.relpath(path, ROOT)} is out of date; scripts/pattern_table.py writes it anew")
        return 1 if stale else 0
    PICTURES.mkdir(parents=True, exist_ok=True)
    for path in stale:
        if path in files:
            path.write_text(files[path])
        else:
            path.unlink()
    print(f"{len(files) - 1} pictures, {len(stale)} files changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
