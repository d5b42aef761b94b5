# The patterns whose kernels are assembled, and how one is compiled to a cubin.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import os
import re
import subprocess
import sys
from typing import NamedTuple


class CompilationError(Exception):
    """What the compiler said."""


class Pattern(NamedTuple):
    """The ops of a pattern, and the type of the capture %c, where it has one; or what becomes of the score %s of a pair
    (%b, %h, %i, %j) in %n, where %c is captured for that. Then whether sequences are packed, and whether attention goes on
    from a partial result."""

    body: str
    capture: str = ""
    score: str = ""
    packed: bool = False
    resumes: bool = False


PATTERNS = {
    "dense": Pattern("%p = sparse_attn.dense"),
    "causal": Pattern("%p = sparse_attn.causal"),
    "sliding": Pattern("%p = sparse_attn.window left(1024) right(0)"),
    "longformer": Pattern("""
        %local = sparse_attn.window left(256) right(256)
        %global = sparse_attn.global first(64)
        %p = sparse_attn.union %local, %global"""),
    "strided": Pattern("""
        %past = sparse_attn.causal
        %local = sparse_attn.window left(127) right(0)
        %column = sparse_attn.stride step(128)
        %any = sparse_attn.union %local, %column
        %p = sparse_attn.intersect %past, %any"""),
    "fixed": Pattern("""
        %past = sparse_attn.causal
        %chunk = sparse_attn.chunk size(128)
        %columns = sparse_attn.columns every(128) last(8)
        %any = sparse_attn.union %chunk, %columns
        %p = sparse_attn.intersect %past, %any"""),
    "heads": Pattern("""
        %past = sparse_attn.causal
        %near = sparse_attn.window left(1023) right(0)
        %sinks = sparse_attn.keys first(4)
        %any = sparse_attn.union %near, %sinks
        %stream = sparse_attn.intersect %past, %any
        %p = sparse_attn.per_head [%past, %stream]"""),
    "bigbird": Pattern("""
        %local = sparse_attn.window left(64) right(64)
        %global = sparse_attn.global first(64)
        %random = sparse_attn.random blocks(3) size(64) seed(7)
        %p = sparse_attn.union %local, %global, %random"""),
    "documents": Pattern(
        """
        %past = sparse_attn.causal
        %same = sparse_attn.predicate (%b, %h, %q, %k) {
          %of_query = sparse_attn.read %c[%q] : memref<?xi32>
          %of_key = sparse_attn.read %c[%k] : memref<?xi32>
          %equal = arith.cmpi eq, %of_query, %of_key : i32
          sparse_attn.yield %equal : i1
        }
        %p = sparse_attn.intersect %past, %same""",
        "memref<?xi32>",
    ),
    "dilated": Pattern(
        """
        %near = sparse_attn.window left(1024) right(1024)
        %eighth = sparse_attn.stride step(8)
        %p = sparse_attn.intersect %near, %eighth"""
    ),
    "offsets": Pattern("%p = sparse_attn.documents offsets(%c)", "memref<?xi32>"),
    "tree": Pattern("%p = sparse_attn.tree parents(%c)", "memref<?xi32>"),
    "lines": Pattern(
        "%p = sparse_attn.vertical_slash columns(%c) diagonals(%c) : memref<?x?x?xi32>", "memref<?x?x?xi32>"
    ),
    "neighborhood": Pattern("%p = sparse_attn.neighborhood shape(30, 48, 80) window(5, 9, 9) tile(6, 8, 8)"),
    "prefix": Pattern("%p = sparse_attn.prefix_lm %c", "memref<?xi32>"),
    "blocks": Pattern("%p = sparse_attn.blocks %c", "!sparse_attn.block_mask"),
    "coarse_blocks": Pattern(
        "%p = sparse_attn.blocks %c : !sparse_attn.block_mask<128x128>", "!sparse_attn.block_mask<128x128>"
    ),
    "causal_blocks": Pattern(
        """
        %past = sparse_attn.causal
        %chosen = sparse_attn.blocks %c : !sparse_attn.block_mask<64x128>
        %p = sparse_attn.intersect %past, %chosen""",
        "!sparse_attn.block_mask<64x128>",
    ),
    "soft_cap": Pattern(
        "%p = sparse_attn.causal",
        score="""
        %cap = arith.constant 50.0 : f32
        %ratio = arith.divf %s, %cap : f32
        %bounded = math.tanh %ratio : f32
        %n = arith.mulf %bounded, %cap : f32""",
    ),
    "alibi": Pattern(
        "%p = sparse_attn.causal",
        "memref<?xf32>",
        """
        %slope = sparse_attn.read %c[%h] : memref<?xf32>
        %distance = arith.subi %j, %i : index
        %integer = arith.index_cast %distance : index to i32
        %number = arith.sitofp %integer : i32 to f32
        %n = math.fma %slope, %number, %s : f32""",
    ),
    "packed": Pattern("%p = sparse_attn.causal", packed=True),
    "packed_dilated": Pattern(
        """
        %near = sparse_attn.window left(1024) right(1024)
        %eighth = sparse_attn.stride step(8)
        %p = sparse_attn.intersect %near, %eighth""",
        packed=True,
    ),
    "resumed": Pattern("%p = sparse_attn.causal", resumes=True),
    "resumed_packed": Pattern("%p = sparse_attn.causal", packed=True, resumes=True),
}


def module(pattern, dtype, head_size):
    """A function that attends through a pattern, as text."""
    body, kind, score, packed, resumes = PATTERNS[pattern]
    argument = f", %c: {kind}" if kind else ""
    argument += ", %n: memref<?xi32>" if packed else ""
    argument += ", %po: !t, %pl: tensor<?x8x?xf32>" if resumes else ""
    places = " q_offsets(%n) k_offsets(%n)" if packed else ""
    places += " from(%po, %pl : !t, tensor<?x8x?xf32>)" if resumes else ""
    declared, passed = (f"(%c: {kind})", f"(%c) : ({kind})") if kind and not score else ("", "")
    region = f"score (%s, %b, %h, %i, %j) {{ {score}\n sparse_attn.yield %n : f32 }} " if score else ""
    return f"""
      !t = tensor<?x8x?x{head_size}x{dtype}>
      sparse_attn.pattern @pattern{declared} {{
        {body}
        sparse_attn.yield %p
      }}
      func.func @attention(%q: !t, %k: !t, %v: !t{argument}) -> !t {{
        %o = sparse_attn.attention %q, %k, %v pattern(@pattern{passed}){places} {region}: (!t, !t, !t) -> !t
        return %o : !t
      }}"""


class Assembled(NamedTuple):
    """A kernel for tiles of one size: the path of its cubin, what the compiler and ptxas said, and the launch."""

    tile_q: int
    tile_k: int
    cubin: str
    log: str
    blocks_per_multiprocessor: int


def run(command):
    """The output and the messages of a command."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise CompilationError(f"'{' '.join(command)}' exits with {done.returncode}: {done.stderr}")
    return done.stdout, done.stderr


def assemble(folder, chip, pattern, dtype, head_size):
    """Compiles the kernels of a pattern, of which there are two where `prepare` chooses between sizes of tiles."""
    os.makedirs(folder, exist_ok=True)
    stem = os.path.join(folder, f"{pattern}-{dtype}-{head_size}")
    with open(stem + ".mlir", "w") as source:
        source.write(module(pattern, dtype, head_size))
    compiler = ["sparse-attn-compile", stem + ".mlir", f"--target={chip}"]
    schedules, _ = run([*compiler, "--emit=schedule"])
    for tile_q, tile_k in re.findall(r"sparse_attn.schedule .* tile\((\d+), (\d+)\)", schedules):
        tiles, cubin = [f"--tile-q={tile_q}", f"--tile-k={tile_k}"], f"{stem}-{tile_q}x{tile_k}.cubin"
        _, log = run([*compiler, *tiles, "--remarks", "-o", cubin])
        kernel, _ = run([*compiler, *tiles, "--emit=nvvm"])
        blocks = re.search(r"blocks_per_multiprocessor = (\d+)", kernel).group(1)
        yield Assembled(int(tile_q), int(tile_k), cubin, log, int(blocks))


def check_kernels(folder, chip, patterns, dtype, head_sizes, check):
    """Prints a line for each kernel; ends the program, with 1 where there are faults. `check` takes the pattern, the head
    size and the kernel, and returns what describes it, and its faults."""
    count = failed = 0
    for head_size in head_sizes:
        for pattern in patterns:
            try:
                found = [check(pattern, head_size, kernel) for kernel in assemble(folder, chip, pattern, dtype, head_size)]
            except CompilationError as error:
                found = [("no kernel", [str(error)])]
            for line, faults in found:
                count, failed = count + 1, failed + bool(faults)
                print("; ".join([f"{pattern}, {dtype}, head size {head_size}: {line}", *faults]), flush=True)
    print(f"{count} cases, {failed} failed")
    sys.exit(failed != 0)
