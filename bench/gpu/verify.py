# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random inputs in bf16, and attention in float64 on sampled rows."""

import numpy as np

# Largest accepted max|O - O_ref| / max|V|: the result and the weights are rounded to 8 bits.
TOLERANCE = 8e-3


def encode(values):
    """To bf16, as uint16, rounded to nearest even."""
    words = values.astype(np.float32).view(np.uint32)
    return ((words + 0x7FFF + ((words >> 16) & 1)) >> 16).astype(np.uint16)


def decode(array):
    return (array.astype(np.uint32) << 16).view(np.float32).astype(np.float64)


class Normal:
    """Normally distributed bf16 values, drawn from a table: many times faster than one by one."""

    def __init__(self, generator):
        self.generator = generator
        self.table = encode(generator.standard_normal(1 << 16))

    def draw(self, shape):
        return self.table[self.generator.integers(0, 1 << 16, shape, np.uint16)]


def sample_rows(generator, queries, count):
    """The first and the last rows, those beside the edges of tiles, and random ones."""
    edges = [0, 1, 63, 64, 127, 128, queries // 2, queries - 65, queries - 1]
    rows = np.concatenate([edges, generator.integers(0, queries, count)])
    return np.unique(rows[(rows >= 0) & (rows < queries)])


def reference_rows(formula, query, key, value, rows):
    """Attention of some rows of one head, in float64."""
    scores = decode(query[rows]) @ decode(key).T / np.sqrt(query.shape[1])
    weights = np.zeros_like(scores)
    for i, row in enumerate(rows):
        keys = formula.keys(int(row))
        if keys.size > 0:
            chosen = np.exp(scores[i, keys] - scores[i, keys].max())
            weights[i, keys] = chosen / chosen.sum()
    return weights @ decode(value)


class Sample:
    """What some rows of the first and the last head should be."""

    def __init__(self, generator, formula, query, key, value, count):
        heads, queries, _ = query.shape
        group = heads // key.shape[0]
        self.rows = []
        self.largest = float(np.abs(decode(value[:, :4096])).max())
        for head in sorted({0, heads - 1}):
            rows = sample_rows(generator, queries, count)
            wanted = reference_rows(formula, query[head], key[head // group], value[head // group], rows)
            self.rows += zip(head * queries + rows, wanted)

    def error(self, read_row):
        """max|O - O_ref| / max|V|, where `read_row(index)` gives a row of the output in bf16; inf where one is NaN."""
        errors = [np.abs(decode(read_row(int(index))) - wanted).max() for index, wanted in self.rows]
        return float(np.max(np.nan_to_num(errors, nan=np.inf)) / self.largest)


def count_unwritten(device, buffer, elements):
    """Elements of a bf16 output that are NaN or infinite, as the poison before the launch is."""
    found, chunk = 0, 1 << 26
    for first in range(0, elements, chunk):
        part = np.empty(min(chunk, elements - first), np.uint16)
        device.read(buffer, 2 * first, part)
        found += int(np.count_nonzero((part & 0x7F80) == 0x7F80))
    return found
