# Makes .npy files, good and bad, without numpy.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pathlib
import struct
import sys

SHAPE = (1, 2, 100, 16)
COUNT = 1 * 2 * 100 * 16


def npy(header, data, version=1, magic=b"\x93NUMPY"):
    """The bytes of a .npy file with a header as given."""
    text = header.encode() + b"\n"
    length = struct.pack("<H", len(text)) if version == 1 else struct.pack("<I", len(text))
    return magic + bytes([version, 0]) + length + text + data


def header(descriptor="<f4", order=False, shape=SHAPE):
    return f"{{'descr': '{descriptor}', 'fortran_order': {order}, 'shape': {shape}, }}"


floats = struct.pack(f"<{COUNT}f", *((i * 37 % 101 - 50) / 25 for i in range(COUNT)))
words = struct.pack(f"<{COUNT}H", *(0x3F80 + i % 7 for i in range(COUNT)))
good = npy(header(), floats)

FILES = {
    "good": good,
    "version2": npy(header(), floats, version=2),
    "version3": npy(header(), floats, version=3),
    "short-queries": npy(header(shape=(1, 2, 30, 16)), floats[: 4 * 2 * 30 * 16]),
    "brain": npy(header("<u2"), words),
    "brain-ml-dtypes": npy(header("<V2"), words),
    "empty": b"",
    "no-magic": npy(header(), floats, magic=b"\x93NUMPX"),
    "version4": npy(header(), floats, version=4),
    "truncated-header": good[:20],
    "truncated": good[:-4],
    "trailing": good + b"1234",
    "float64": npy(header("<f8"), floats * 2),
    "float16": npy(header("<f2"), floats[: COUNT * 2]),
    "big-endian": npy(header(">f4"), floats),
    "fortran": npy(header(order=True), floats),
    "structured": npy("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (100,), }", floats[:400]),
    "no-dictionary": npy("42", floats),
    "no-shape": npy("{'descr': '<f4', 'fortran_order': False, }", floats),
    "two-shapes": npy("{'descr': '<f4', 'shape': (1,), 'fortran_order': False, 'shape': (1,), }", floats),
    "bad-order": npy(header(order="Maybe"), floats),
    "negative": npy(header(shape=(1, 2, -100, 16)), floats),
    "huge-size": npy(header(shape=(1, 2, 99999999999999999999, 16)), floats),
    "overflow": npy(header(shape=(2**31, 2**31, 2**31, 16)), floats),
    "large": npy(header(shape=(1, 2, 2**50, 16)), floats),
    "scalar": npy(header(shape="()"), floats[:4]),
    "rank5": npy(header(shape=(1, 1, 2, 100, 16)), floats),
}

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name, content in FILES.items():
    (folder / f"{name}.npy").write_bytes(content)
