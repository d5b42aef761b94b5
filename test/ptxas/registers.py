# What ptxas says about the kernels of every pattern: no warning, registers as planned, and next to no spills.
#
#   registers.py CHIP FOLDER DTYPE HEAD_SIZE...
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import re
import sys

from kernels import PATTERNS, CompilationError, assemble, blocks_per_multiprocessor

# A multiprocessor's registers, and the most that a thread addresses.
REGISTERS, MOST_REGISTERS = 64 * 1024, 255
# The head size up to which nothing may spill, but for masks that compute much; and the bytes that all others may.
NEVER_SPILLS, MOST_SPILLED = 128, 64
LONG_MASKS = ("bigbird",)  # The rank of a random number takes some hundred instructions.


def threads(chip, tile_q):
    """Threads of a block: a warp for 16 queries, or a warpgroup for 64 and one that loads."""
    return 128 * (tile_q // 64 + 1) if chip == "sm_90a" else tile_q // 16 * 32


def find_faults(chip, pattern, head_size, path, log):
    """The line that describes a case, and what is wrong with it."""
    tile_q, tile_k = map(int, re.search(r"remark: @pattern_(\d+)x(\d+)", log).groups())
    registers = int(re.search(r"ptxas: Used (\d+) registers", log).group(1))
    spilled = int(re.search(r"(\d+) bytes spill stores", log).group(1))
    blocks = blocks_per_multiprocessor(path, chip)
    planned = min(REGISTERS // (blocks * threads(chip, tile_q)) // 8 * 8, MOST_REGISTERS)
    faults = [line.partition("warning: ")[2] for line in log.splitlines() if "warning" in line]
    if registers > planned:
        faults.append(f"expects at most {planned} registers")
    # Where the roles of a block share its registers out (setmaxnreg), they have to begin with all of them.
    if chip == "sm_90a" and (tile_q > 64 or blocks > 1) and registers != planned:
        faults.append(f"expects {planned} registers, which setmaxnreg distributes")
    allowed = 0 if head_size <= NEVER_SPILLS and pattern not in LONG_MASKS else MOST_SPILLED
    if spilled > allowed:
        faults.append(f"expects at most {allowed} bytes spilled")
    return f"tile {tile_q} x {tile_k}, {blocks} blocks, {registers} registers, {spilled} bytes spilled", faults


def main():
    chip, folder, dtype, *head_sizes = sys.argv[1:]
    failed = 0
    for head_size in map(int, head_sizes):
        for pattern in PATTERNS:
            try:
                line, faults = find_faults(chip, pattern, head_size, *assemble(folder, chip, pattern, dtype, head_size))
            except CompilationError as error:
                line, faults = "no kernel", [str(error)]
            failed += bool(faults)
            print("; ".join([f"{pattern}, {dtype}, head size {head_size}: {line}", *faults]), flush=True)
    print(f"{len(head_sizes) * len(PATTERNS)} cases, {failed} failed")
    sys.exit(failed != 0)


main()
