# What ptxas says about the kernels of every pattern: no warning, registers as planned, and next to no spills.
#
#   registers.py CHIP FOLDER DTYPE HEAD_SIZE...
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import re
import sys

from kernels import PATTERNS, check_kernels

# A multiprocessor's registers, and the most that a thread addresses.
REGISTERS, MOST_REGISTERS = 64 * 1024, 255
# The head size up to which nothing may spill, but for masks and scores that compute much; and the bytes that all others
# may.
NEVER_SPILLS, MOST_SPILLED = 128, 64
# The rank of a random number takes some hundred instructions; tables take an address, a clamp and a load a pair. Residue
# classes of packed sequences keep where a sequence and where a class begins.
COMPUTE_MUCH = ("bigbird", "lines", "tree", "alibi", "packed_dilated")


def threads(chip, tile_q):
    """Threads of a block: a warp for 16 queries, or a warpgroup for 64 and one that loads."""
    return 128 * (tile_q // 64 + 1) if chip == "sm_90a" else tile_q // 16 * 32


def find_faults(chip, pattern, head_size, kernel):
    """The line that describes a kernel, and what is wrong with it."""
    tile_q, blocks, log = kernel.tile_q, kernel.blocks_per_multiprocessor, kernel.log
    registers = int(re.search(r"Used (\d+) registers", log).group(1))
    spilled = int(re.search(r"(\d+) bytes spill stores", log).group(1))
    planned = min(REGISTERS // (blocks * threads(chip, tile_q)) // 8 * 8, MOST_REGISTERS)
    faults = [line.partition("warning: ")[2] for line in log.splitlines() if "warning" in line]
    if registers > planned:
        faults.append(f"expects at most {planned} registers")
    # Where the roles of a block share its registers out (setmaxnreg), they have to begin with all of them.
    if chip == "sm_90a" and (tile_q > 64 or blocks > 1) and registers != planned:
        faults.append(f"expects {planned} registers, which setmaxnreg distributes")
    allowed = 0 if head_size <= NEVER_SPILLS and pattern not in COMPUTE_MUCH else MOST_SPILLED
    if spilled > allowed:
        faults.append(f"expects at most {allowed} bytes spilled")
    return f"tile {tile_q} x {kernel.tile_k}, {blocks} blocks, {registers} registers, {spilled} bytes spilled", faults


def main():
    chip, folder, dtype, *head_sizes = sys.argv[1:]
    check = lambda pattern, head_size, kernel: find_faults(chip, pattern, head_size, kernel)
    check_kernels(folder, chip, PATTERNS, dtype, map(int, head_sizes), check)


main()
