# What the machine code of a kernel has to contain: the products that its tile sizes ask for, each once, and on sm_90a
# the exponentials of a tile between the waits for the two products in flight, for that is what hides them.
#
#   opcodes.py CHIP FOLDER PATTERN DTYPE HEAD_SIZE...
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import re
import sys

from kernels import check_kernels
from sass import read_kernel, summary


def compare(faults, what, found, expected):
    if found != expected:
        faults.append(f"expects {expected} {what}, but got {found}")


def exponentials(tile_k):
    """Of a thread and a tile: half the scores of two rows' quarters, and the corrections of both rows."""
    return tile_k // 2 + 2


def check_ampere(kernel, head_size, tile_k):
    """Per warp, products of 16 x 8 x 16: Q K^T is head / 16 steps of tile / 8 columns, P V the other way round."""
    faults = []
    products = head_size // 16 * (tile_k // 8) + tile_k // 16 * (head_size // 8)
    compare(faults, "HMMA", kernel.count("HMMA"), products)
    loop = kernel.innermost_loop("HMMA")
    names = [instruction.name for instruction in loop]
    compare(faults, "HMMA in the loop", names.count("HMMA"), products)
    compare(faults, "MUFU in the loop", names.count("MUFU"), exponentials(tile_k))
    # A load for every two products, each of which takes half of it.
    compare(faults, "LDSM in the loop", names.count("LDSM"), products // 2)
    return f"{products} HMMA, {names.count('MUFU')} MUFU, {len(loop)} instructions in the loop", faults, loop


def check_hopper(kernel, head_size, tile_k):
    """Products of 16 deep; Q K^T before and in the loop, P V in and after it."""
    faults = []
    scores, outputs = head_size // 16, tile_k // 16
    compare(faults, "HGMMA.SS", kernel.count("HGMMA.SS"), 2 * scores)
    compare(faults, "HGMMA.RS", kernel.count("HGMMA.RS"), 2 * outputs)
    loop = kernel.innermost_loop("HGMMA.SS", "HGMMA.RS")
    names = [instruction.name for instruction in loop]
    compare(faults, "HGMMA.SS in the loop", names.count("HGMMA.SS"), scores)
    compare(faults, "HGMMA.RS in the loop", names.count("HGMMA.RS"), outputs)
    waits = [position for position, instruction in enumerate(loop) if instruction.awaited is not None]
    compare(faults, "as the order of waits in the loop", [loop[position].awaited for position in waits], [1, 0])
    between = names[waits[0] : waits[-1]] if waits else []
    compare(faults, "MUFU in the loop", names.count("MUFU"), exponentials(tile_k))
    # One correction may come with the rescaling, behind the second wait.
    if between.count("MUFU") not in (exponentials(tile_k) - 1, exponentials(tile_k)):
        faults.append(f"expects {exponentials(tile_k)} MUFU between the waits, or one less, but got {between.count('MUFU')}")
    compare(faults, "HGMMA between the waits", sum(name.startswith("HGMMA") for name in between), 0)
    # The accumulator is still being written before the second wait.
    rescaled = names[waits[-1] :].count("FMUL") if waits else 0
    if rescaled < head_size // 2:
        faults.append(f"expects {head_size // 2} FMUL or more after the second wait, but got {rescaled}")
    return f"{2 * scores + 2 * outputs} HGMMA, {between.count('MUFU')} MUFU between the waits, {len(loop)} " \
           "instructions in the loop", faults, loop  # fmt: skip


def check(chip, assembled, head_size):
    kernel = read_kernel(assembled.cubin)
    faults = []
    compare(faults, "as the architecture", kernel.architecture, int(re.sub(r"\D", "", chip)))
    family = check_hopper if chip == "sm_90a" else check_ampere
    line, more, loop = family(kernel, head_size, assembled.tile_k)
    faults += more
    compare(faults, "accesses to local memory", kernel.count("LDL") + kernel.count("STL"), 0)
    if faults:
        faults.append(f"the loop: {summary(loop)}")
    return line, faults


def main():
    chip, folder, pattern, dtype, *head_sizes = sys.argv[1:]
    check_opcodes = lambda _, head_size, kernel: check(chip, kernel, head_size)
    check_kernels(folder, chip, [pattern], dtype, map(int, head_sizes), check_opcodes)


main()
