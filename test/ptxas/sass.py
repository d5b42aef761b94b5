# Machine code of NVIDIA GPUs, as far as counting and ordering instructions needs it.
#
# An instruction has 128 bits, of which the lowest 12 are the opcode. What the opcodes mean is not documented; the names
# here were found by counting them in kernels of known content, and hold for sm_80 to sm_90a.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import struct
from typing import NamedTuple

NAMES = {
    0x23C: "HMMA", 0x9F0: "HGMMA.SS", 0xDF0: "HGMMA.RS", 0x9C5: "WARPGROUP", 0x308: "MUFU", 0x83B: "LDSM",
    0xFAE: "LDGSTS", 0x23E: "F2FP", 0x209: "FMNMX", 0x220: "FMUL", 0x221: "FADD", 0x223: "FFMA", 0xF89: "SHFL",
    0x983: "LDL", 0x387: "STL", 0x947: "BRA",
}  # fmt: skip
INSTRUCTION_BYTES = 16


class Instruction(NamedTuple):
    low: int
    high: int

    @property
    def name(self):
        opcode = self.low & 0xFFF
        return NAMES.get(opcode, hex(opcode))

    @property
    def awaited(self):
        """The products that a WARPGROUP.DEPBAR leaves in flight; None for any other instruction (WARPGROUP.ARRIVE)."""
        return self.high >> 8 & 0xFF if self.name == "WARPGROUP" and self.low >> 47 & 1 else None


class Kernel(NamedTuple):
    architecture: int  # 80, 90, ...
    instructions: list

    def count(self, name):
        return sum(instruction.name == name for instruction in self.instructions)

    def target(self, position):
        """Where the BRA at a position goes. Offsets count from the next instruction, in units of 4 bytes."""
        low, high = self.instructions[position]
        offset = low >> 34 | (high & 0x3FFFF) << 30
        offset -= (offset >> 47) << 48
        if self.architecture >= 90:
            offset = offset << 8 | low >> 16 & 0xFF
        return position + 1 + 4 * offset // INSTRUCTION_BYTES

    def innermost_loop(self, *names):
        """The instructions of the shortest loop that contains each of the names; empty where there is none."""
        bodies = []
        for position, instruction in enumerate(self.instructions):
            if instruction.name == "BRA" and 0 <= self.target(position) <= position:
                body = self.instructions[self.target(position) : position + 1]
                if set(names) <= {inner.name for inner in body}:
                    bodies.append(body)
        return min(bodies, key=len, default=[])


def read_kernel(path):
    """The only kernel of a cubin, which is a 64-bit ELF file with the kernel's code in section .text.NAME."""
    with open(path, "rb") as file:
        data = file.read()
    (flags,) = struct.unpack_from("<I", data, 0x30)
    architecture = flags >> 8 & 0xFF if data[8] >= 8 else flags & 0xFF  # by the version of the ABI
    (table,) = struct.unpack_from("<Q", data, 0x28)
    size, count, of_names = struct.unpack_from("<HHH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQ", data, table + index * size) for index in range(count)]
    texts = []
    for name, _, _, _, offset, length in sections:
        start = sections[of_names][4] + name
        if data[start : data.index(b"\0", start)].startswith(b".text."):
            texts.append(data[offset : offset + length])
    if len(texts) != 1:
        raise ValueError(f"expects one kernel, but '{path}' has {len(texts)}")
    return Kernel(architecture, [Instruction(*words) for words in struct.iter_unpack("<QQ", texts[0])])


def summary(instructions):
    """The order of what is known, runs of one name as NAME*LENGTH."""
    runs = []
    for instruction in instructions:
        name = instruction.name if instruction.awaited is None else f"WAIT {instruction.awaited}"
        if name.startswith("0x"):
            continue
        if runs and runs[-1][0] == name:
            runs[-1][1] += 1
        else:
            runs.append([name, 1])
    return " ".join(f"{name}*{length}" if length > 1 else name for name, length in runs)
