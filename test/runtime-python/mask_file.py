# Mask files by docs/mask-format.md alone, their bitmaps by pyroaring.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import random
import struct
import subprocess
import sys

from pyroaring import BitMap

HEADER, TERM, RECORD = "<8sIIIIIIQQIII", "<IIIIqqII", "<IIQQ"
SLAB = 65536


def crc32c(data):
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def pairs_of_term(term):
    """The pairs (q, k) of a term."""
    query_first, query_past, key_first, key_past, lowest, highest, step, phase = term
    for q in range(query_first, query_past):
        for k in range(max(key_first, q + lowest), min(key_past, q + highest + 1)):
            if (k - q) % step == phase:
                yield q, k


def read_mask(path):
    """The grid and the set of pairs of a file."""
    with open(path, "rb") as stream:
        data = stream.read()
    magic, version, *grid, terms, pairs, payload, slabs, reserved, checksum = struct.unpack_from(HEADER, data)
    assert (magic, version, reserved) == (b"SPRSMASK", 1, 0)
    assert payload == len(data) - 64 and checksum == crc32c(data[64:])
    assert struct.unpack_from("<I", data, 60)[0] == crc32c(data[:60])
    records = 64 + 40 * terms
    mask = {pair for term in struct.iter_unpack(TERM, data[64:records]) for pair in pairs_of_term(term)}
    print(terms, "terms,", slabs, "slabs,", pairs, "pairs")
    assert terms > 0 and slabs > 0
    for query_first, key_first, offset, size in struct.iter_unpack(RECORD, data[records : records + 24 * slabs]):
        bitmap = BitMap.deserialize(data[offset : offset + size])
        mask.update((query_first + value // SLAB, key_first + value % SLAB) for value in bitmap)
    assert len(mask) == pairs
    return grid, mask


def write_mask(path, grid, mask, optimize):
    """Writes a file without terms."""
    slabs = {}
    for q, k in mask:
        slabs.setdefault((q // SLAB * SLAB, k // SLAB * SLAB), []).append(q % SLAB * SLAB + k % SLAB)
    records, bitmaps = b"", b""
    for place in sorted(slabs):
        bitmap = BitMap(slabs[place])
        if optimize:
            bitmap.run_optimize()
        data = bitmap.serialize()
        records += struct.pack(RECORD, *place, 64 + 24 * len(slabs) + len(bitmaps), len(data))
        bitmaps += data
    payload = records + bitmaps
    header = struct.pack(HEADER, b"SPRSMASK", 1, *grid, 0, len(mask), len(payload), len(slabs), 0, crc32c(payload))
    with open(path, "wb") as stream:
        stream.write(header + struct.pack("<I", crc32c(header)) + payload)


def print_mask(program, path):
    """What the library finds in a file."""
    lines = subprocess.run([program, "print", path], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return [int(number) for number in lines[0].split()], {tuple(map(int, line.split())) for line in lines[1:]}


def random_mask(generator, grid):
    """Rows of single blocks, of ranges, and dense ones."""
    mask = set()
    for q in [*range(4), *range(grid[0] - 6, grid[0])]:
        mask.update((q, generator.randrange(grid[1])) for _ in range(generator.randrange(200)))
        first = generator.randrange(grid[1])
        mask.update((q, k) for k in range(first, min(grid[1], first + generator.randrange(3000))))
    mask.update((2, k) for k in range(0, grid[1], 3))
    return mask


def main(program, folder):
    path = folder + "/ours"
    subprocess.run([program, "make", path], check=True)
    assert read_mask(path) == print_mask(program, path)
    generator = random.Random(6)
    for number, grid in enumerate([[10, 200, 16, 16], [20, 70000, 64, 32], [65540, 65540, 1, 65536]]):
        mask = random_mask(generator, grid)
        for optimize in (False, True):
            path = f"{folder}/theirs{number}"
            write_mask(path, grid, mask, optimize)
            assert print_mask(program, path) == (grid, mask), path
    print("all agree")


main(*sys.argv[1:])
