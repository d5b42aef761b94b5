# Checks a picture of sparse-attn-mask: that it is well-formed, and that cells, legend and description agree with a mask.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# check_svg.py PICTURE.svg MASK.npy CELL [PARTIAL.npy]: a cell has CELL x CELL blocks.

import math
import re
import sys
import xml.etree.ElementTree as xml

import numpy as np

mask = np.load(sys.argv[2])
scale = int(sys.argv[3])
knows_partial = len(sys.argv) > 4
partial = np.load(sys.argv[4]) if knows_partial else np.zeros_like(mask)
tree = xml.parse(sys.argv[1]).getroot()
space = {"svg": "http://www.w3.org/2000/svg"}
SHADES = 8


def cells_of(matrix):
    """How many blocks of each cell a matrix has."""
    grown = np.pad(matrix.astype(int), [(0, -size % scale) for size in matrix.shape])
    return grown.reshape(grown.shape[0] // scale, scale, grown.shape[1] // scale, scale).sum((1, 3))


counts = {"full": int((mask & ~partial).sum()), "partial": int(partial.sum()), "empty": int((~mask).sum())}
read = f"{100 * mask.mean():.3g} % read" if mask.size else "0 % read"
description = f"{counts['full']} full, {counts['partial']} partial, {counts['empty']} empty, {read}"
found = tree.find("svg:desc", space).text
assert found == description, (found, description)

texts = [text.text for text in tree.iterfind("svg:text", space)]
for kind, count in counts.items():
    entry = [text for text in texts if text.startswith(f"{kind}: {count} (")]
    assert len(entry) == (knows_partial or kind != "partial"), (kind, texts)
assert any(text.endswith(read) for text in texts), texts

# Cells: the shade by what is read, in proportion to the fullest cell; the colour by what prevails.
total, cut, blocks = cells_of(mask), cells_of(partial), cells_of(np.ones_like(mask))
share = total / blocks
largest = share[2 * blocks >= blocks.max(initial=0)].max(initial=0)
shade = np.where(share >= largest, np.where(share > 0, SHADES, 0), np.ceil(share / (largest or 1) * SHADES)).astype(int)
if scale > 1:
    legend = f"share read of the {scale} x {scale} blocks of a cell, up to {100 * largest:.3g} %"
    assert legend in texts, (legend, texts)
expected = np.where(cut > total - cut, -shade, shade)
drawn = np.zeros_like(expected)
group = tree.find("svg:g", space)
background = group.find("svg:rect", space)
assert (int(background.get("height")), int(background.get("width"))) == expected.shape
for path in group.iterfind("svg:path", space):
    if path.get("class") == "grid":
        continue
    opacity = float(path.get("fill-opacity"))
    level = round((opacity - 0.2) / 0.8 * (SHADES - 1)) + 1
    assert math.isclose(opacity, 0.2 + 0.8 * (level - 1) / (SHADES - 1), abs_tol=1e-4)
    data = path.get("d")
    runs = re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", data)
    assert "".join(f"M{x} {y}h{w}v1h-{v}z" for x, y, w, v in runs) == data
    for x, y, width, back in (map(int, run) for run in runs):
        assert width == back and not drawn[y, x : x + width].any()
        drawn[y, x : x + width] = level if path.get("class") == "full" else -level
assert np.array_equal(drawn, expected), np.argwhere(drawn != expected)
