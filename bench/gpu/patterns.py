# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The patterns of bench/gpu/patterns once more, as formulas that owe nothing to the compiler.

A formula says which keys a query attends to (`keys`), how many pairs that makes in one head (`pairs`), what the module
captures (`captures`), and what FlexAttention is given (`mask_mod`; None where there is nothing to mask). `causal` is
true where no query attends to a later key, so that causal dense attention is the peer."""

import numpy as np

import abi

BLOCK = 64


class Formula:
    causal = False
    window = None  # Keys before a query, where the pattern is a causal window and nothing else.
    tree = False

    def __init__(self, name, artifact=None):
        self.name = name
        self.artifact = artifact or name

    def captures(self, runtime):
        return []


class Bands(Formula):
    """The union of intervals [lo, hi) of keys, which `bands` computes for an array of queries; `attends` is the same as
    a condition on q and k."""

    def __init__(self, name, length, bands, attends, causal=False, window=None):
        super().__init__(name)
        self.length, self.bands, self.attends = length, bands, attends
        self.causal, self.window = causal, window

    def clipped(self, q):
        """Intervals in the order of their starts, cut to the sequence: two arrays [interval, query]."""
        bounds = [np.broadcast_arrays(lo, hi, q)[:2] for lo, hi in self.bands(q)]
        lo, hi = (np.clip(np.stack(side), 0, self.length) for side in zip(*bounds))
        order = np.argsort(lo, axis=0)
        return np.take_along_axis(lo, order, 0), np.take_along_axis(hi, order, 0)

    def keys(self, q):
        lo, hi = self.clipped(np.array([q]))
        return np.unique(np.concatenate([np.arange(a, b) for a, b in zip(lo[:, 0], hi[:, 0])]))

    def pairs(self):
        lo, hi = self.clipped(np.arange(self.length))
        total, end = 0, np.zeros(self.length, np.int64)
        for first, past in zip(lo, hi):
            total += int(np.maximum(past - np.maximum(first, end), 0).sum())
            end = np.maximum(end, past)
        return total

    def mask_mod(self, torch):
        return lambda b, h, q, k: self.attends(q, k)


class Strided(Formula):
    """Causal: the last `near` keys, and every `step`-th key among the last `reach`."""

    causal = True

    def __init__(self, name, length, step, near, reach):
        super().__init__(name)
        self.length, self.step, self.near, self.reach = length, step, near, min(reach, length)

    def keys(self, q):
        near = np.arange(max(q - self.near + 1, 0), q + 1)
        far = np.arange(q, max(q - self.reach, -1), -self.step)
        return np.unique(np.concatenate([near, far]))

    def pairs(self):
        q = np.arange(self.length)
        near = np.minimum(q + 1, self.near)
        multiples = np.minimum(q, self.reach - 1) // self.step + 1
        both = (np.maximum(near, 1) - 1) // self.step + 1 if self.near else 0
        return int((near + multiples - both).sum())

    def mask_mod(self, torch):
        def attends(b, h, q, k):
            distance = q - k
            far = (distance % self.step == 0) & (distance < self.reach)
            return (distance >= 0) & ((distance < self.near) | far)

        return attends


class Blocks(Formula):
    """The blocks of a Boolean array [query blocks, key blocks]; the length is a multiple of the block."""

    def __init__(self, name, active, density=None):
        super().__init__(name, "blocks")
        self.active, self.density = active, density

    def keys(self, q):
        blocks = np.flatnonzero(self.active[q // BLOCK])
        return (blocks[:, None] * BLOCK + np.arange(BLOCK)).reshape(-1)

    def pairs(self):
        return int(self.active.sum(dtype=np.int64)) * BLOCK * BLOCK

    def captures(self, runtime):
        return [abi.MaskCapture(runtime, self.active, BLOCK)]

    def mask_mod(self, torch):
        active = torch.from_numpy(self.active).cuda()
        return lambda b, h, q, k: active[q // BLOCK, k // BLOCK]


class Tree(Formula):
    """Drafted tokens behind a context: each sees the context, its ancestors and itself. `parents[i] < i`, in
    depth-first order; -1 is the last token of the context."""

    tree = causal = True

    def __init__(self, parents, context):
        super().__init__(f"tree of {len(parents)}", "tree")
        self.context, self.queries = context, len(parents)
        past = np.arange(1, len(parents) + 1)
        for child in range(len(parents) - 1, -1, -1):
            if parents[child] >= 0:
                past[parents[child]] = max(past[parents[child]], past[child])
        length = context + len(parents)
        self.past = np.concatenate([np.full(context, length), context + past]).astype(np.int32)
        self.ancestors = np.eye(len(parents), dtype=bool)
        for child, parent in enumerate(parents):
            if parent >= 0:
                self.ancestors[child] |= self.ancestors[parent]

    def keys(self, q):
        """Of the drafted token q."""
        return np.concatenate([np.arange(self.context), self.context + np.flatnonzero(self.ancestors[q])])

    def pairs(self):
        return self.queries * self.context + int(self.ancestors.sum())

    def captures(self, runtime):
        return [abi.ArrayCapture(self.past)]

    def mask(self):
        """A Boolean array [queries, keys]."""
        return np.concatenate([np.ones((self.queries, self.context), bool), self.ancestors], axis=1)

    def mask_mod(self, torch):
        mask = torch.from_numpy(self.mask()).cuda()
        return lambda b, h, q, k: mask[q, k]


def depth_first_tree(generator, positions):
    """Parents of a random tree of at most 4 branches a token, in depth-first order."""
    parents, path = [], [-1]
    while len(parents) < positions:
        path = path[: 1 + int(generator.integers(max(len(path) - 3, 0), len(path)))]
        parents.append(path[-1])
        path.append(len(parents) - 1)
    return parents


def block_list(generator, length, density):
    """Each query block reads so many random key blocks, itself among them."""
    blocks = length // BLOCK
    count = max(round(density * blocks), 1)
    active = np.zeros((blocks, blocks), bool)
    for row in range(blocks):
        active[row, generator.choice(blocks, count, replace=False)] = True
        if not active[row, row]:
            active[row, np.flatnonzero(active[row])[0]] = False
            active[row, row] = True
    return Blocks(f"blocks {density:.0%}", active, density)


def bigbird(generator, length):
    """The block before, the own and the next; the first two blocks of queries and of keys; and three random ones."""
    blocks = length // BLOCK
    active = np.zeros((blocks, blocks), bool)
    row = np.arange(blocks)
    for distance in (-1, 0, 1):
        column = row + distance
        inside = (column >= 0) & (column < blocks)
        active[row[inside], column[inside]] = True
    for _ in range(3):
        active[row, generator.integers(0, blocks, blocks)] = True
    active[:2] = active[:, :2] = True
    return Blocks("bigbird", active)


def dense(length):
    formula = Bands("dense", length, lambda q: [(0, length)], None)
    formula.mask_mod = lambda torch: None
    return formula


def causal(length):
    return Bands("causal", length, lambda q: [(0, q + 1)], lambda q, k: k <= q, causal=True)


def causal_window(length, size):
    attends = lambda q, k: (k <= q) & (q - k < size)
    return Bands(f"window_{size}", length, lambda q: [(q + 1 - size, q + 1)], attends, causal=True, window=size - 1)


def longformer(length):
    bands = lambda q: [(q - 256, q + 257), (0, np.where(q < 64, length, 64))]
    attends = lambda q, k: ((q - 256 <= k) & (k <= q + 256)) | (q < 64) | (k < 64)
    return Bands("longformer", length, bands, attends)


def strided(length):
    return Strided("strided", length, step=128, near=128, reach=length)


def dilated(length):
    return Strided("dilated", length, step=16, near=0, reach=16384)
