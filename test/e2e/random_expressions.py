# Random patterns: every op, up to a depth, over parameters that matter at lengths of a few hundred.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import numpy as np

import expressions as e
from catalogue import (
    documents, lines, offsets, offsets_of_batches, parents, parents_of_batches, parity_of_head, prefix_of_batch,
    searched_document,
)  # fmt: skip

CAPTURED_NUMBERS = ("small", "medium", "signed")


def captures(generator, sizes):
    """A value for everything that `draw` may capture."""
    lengths = sizes.keys + generator.integers(-10, 11) if generator.random() < 0.2 else sizes.keys
    length = max(int(lengths), 0)
    return {
        "small": int(generator.integers(1, 9)),
        "medium": int(generator.integers(1, 120)),
        "signed": int(generator.integers(-60, 61)),
        "ids": documents(generator, length),
        "batch_ids": np.stack([documents(generator, length) for _ in range(sizes.batch)]),
        "offsets": offsets(generator, sizes.keys),
        "batch_offsets": offsets_of_batches(generator, sizes),
        # Trees of drafts are small.
        "parents": parents(generator, min(sizes.keys, 60)),
        "batch_parents": parents_of_batches(generator, sizes._replace(keys=min(sizes.keys, 60))),
        "columns": lines(generator, (), sizes.keys),
        "diagonals": lines(generator, (), sizes.keys),
        "head_columns": lines(generator, (sizes.batch, sizes.heads), sizes.keys),
        "head_diagonals": lines(generator, (sizes.batch, sizes.heads), sizes.keys),
        "prefixes": generator.integers(0, sizes.keys + 1, sizes.batch).astype(np.int32),
    }


class Drawer:
    def __init__(self, generator):
        self.generator = generator

    def choose(self, *choices):
        return choices[self.generator.integers(len(choices))]

    def number(self, low, high, captured=None):
        """A constant in [low, high], or once in a while a captured number."""
        if captured and self.generator.random() < 0.15:
            return captured
        return int(self.generator.integers(low, high + 1))

    def window(self):
        kind = self.generator.integers(6)
        if kind == 0:
            return e.window(left=self.number(-50, 150, "signed"))
        if kind == 1:
            return e.window(right=self.number(-150, 50, "signed"))
        if kind == 2:
            return e.window("medium", self.number(0, 40))
        left = self.number(-60, 120)
        return e.window(left, self.number(-left, -left + 120))

    def neighborhood(self):
        """A grid of up to 3 axes and some 300 tokens."""
        axes = self.number(1, 3)
        length, generator = int(300 ** (1 / axes)), self.generator
        shape, window, step, stride, tile = [], [], [], [], []
        for _ in range(axes):
            shape.append(self.number(max(length // 2, 1), 3 * length // 2))
            step.append(self.choose(1, 1, self.number(1, min(4, shape[-1]))))
            window.append(self.number(1, shape[-1] // step[-1]))
            stride.append(self.choose(1, self.number(1, window[-1])))
            tile.append(self.choose(*(size for size in range(1, shape[-1] + 1) if shape[-1] % size == 0)))
        given = lambda numbers: tuple(numbers) if generator.random() < 0.5 else None
        # Windows that were drawn for a step fit without it, too.
        return e.neighborhood(tuple(shape), tuple(window), given(step), given(stride), given(tile),
                              given(bool(generator.integers(2)) for _ in range(axes)))  # fmt: skip

    def leaf(self):
        draw = self.choose(
            e.dense,
            e.causal,
            e.causal,
            self.window,
            self.window,
            self.window,
            lambda: e.keys(self.number(0, 100, "small")),
            lambda: e.queries(self.number(0, 100, "medium")),
            lambda: e.global_tokens(self.number(0, 70, "small")),
            lambda: e.chunk(self.number(1, 150, "medium")),
            lambda: e.stride(self.choose(1, 2, 3, 4, 7, 8, 16, 24, 48, 64, 100, 128)),
            lambda: e.stride("small"),
            lambda: e.exponential(self.choose(2, 3, 4, 5, 8, 10)),
            lambda: e.columns(*self.choose((7, 2), (16, 16), (24, 3), (48, 7), (64, 4), (96, 20), (100, 9), (128, 16))),
            lambda: e.segment(*self.choose((32, 1), (64, 2), (96, 3), (128, 8), (180, 5)), self.choose(False, True)),
            self.neighborhood,
            lambda: e.prefix_lm("prefixes"),
            lambda: e.documents("offsets"),
            lambda: e.documents("batch_offsets", per_batch=True),
            lambda: e.document_ids("ids"),
            searched_document,
            lambda: e.tree("parents"),
            lambda: e.tree("batch_parents", per_batch=True),
            lambda: e.vertical_slash("columns", "diagonals"),
            lambda: e.vertical_slash("head_columns", "head_diagonals", per_head=True),
            lambda: e.random(self.number(0, 5, "small"), self.choose(8, 16, 20, 64), self.number(0, 99)),
            lambda: e.same_document("ids"),
            lambda: e.same_document("batch_ids", per_batch=True),
            parity_of_head,
            prefix_of_batch,
        )
        return draw()

    def expression(self, depth):
        kind = self.generator.random()
        if depth == 1 or kind < 0.15:
            return self.leaf()
        if kind < 0.25:
            return e.complement(self.expression(depth - 1))
        if kind < 0.3:
            return e.per_head(*(self.expression(depth - 1) for _ in range(self.generator.integers(1, 4))))
        # Wide intersections hold next to nowhere, which tests little.
        if kind < 0.65:
            return e.union(*(self.expression(depth - 1) for _ in range(self.generator.integers(1, 4))))
        return e.intersect(*(self.expression(depth - 1) for _ in range(self.choose(1, 2, 2, 2, 3))))


def draw(generator, depth):
    return Drawer(generator).expression(depth)
