# Which pairs attend, by one formula a pattern op, written by hand.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Every formula gets a Frame and returns a Boolean array [queries, keys]. numpy's // and % round down, as the language
# does.

import numpy as np

import random_pattern


class Frame:
    """One batch and head of a problem: where its queries and keys stand, and what the pattern captured."""

    def __init__(self, batch, head, queries, keys, captures=None):
        self.batch = batch
        self.head = head
        self.key_length = keys
        self.q = (np.arange(queries, dtype=np.int64) + keys - queries)[:, None]  # aligned: both ends meet
        self.k = np.arange(keys, dtype=np.int64)[None, :]
        self.captures = captures or {}

    @property
    def shape(self):
        return (self.q.shape[0], self.k.shape[1])

    def number(self, parameter):
        """A parameter: an integer, or the name of a captured one, of which any above 2^30 - 1 counts as that."""
        if not isinstance(parameter, str):
            return parameter
        return max(1 - 2**30, min(2**30 - 1, self.captures[parameter]))

    def read(self, name, position):
        """Element `position` of a captured array (of this batch, where it has one row a batch), and whether it exists."""
        array = self.captures[name]
        row = (array[self.batch] if array.ndim == 2 else array).astype(np.int64)
        inside = (position >= 0) & (position < row.size)
        if row.size == 0:
            return np.zeros_like(position), inside
        return np.where(inside, row[np.clip(position, 0, row.size - 1)], 0), inside


def everywhere(frame, condition):
    """The condition as an array of the frame's shape."""
    return np.broadcast_to(condition, frame.shape)


def dense(frame):
    return everywhere(frame, True)


def causal(frame):
    return everywhere(frame, frame.k <= frame.q)


def window(frame, left=None, right=None):
    """A side that is None reaches to the end."""
    holds = dense(frame)
    if left is not None:
        holds = holds & (frame.k >= frame.q - frame.number(left))
    if right is not None:
        holds = holds & (frame.k <= frame.q + frame.number(right))
    return holds


def keys(frame, first):
    return everywhere(frame, frame.k < frame.number(first))


def queries(frame, first):
    return everywhere(frame, frame.q < frame.number(first))


def global_tokens(frame, first):
    return keys(frame, first) | queries(frame, first)


def chunk(frame, size):
    size = frame.number(size)
    return everywhere(frame, frame.q // size == frame.k // size)


def stride(frame, step):
    return everywhere(frame, (frame.q - frame.k) % frame.number(step) == 0)


def exponential(frame, base):
    distances = [0] + [base**i for i in range(31) if base**i < 2**31]
    return everywhere(frame, np.isin(np.abs(frame.q - frame.k), distances))


def columns(frame, every, last):
    return everywhere(frame, frame.k % every >= every - last)


def segment(frame, length, rate, shift):
    phase = frame.head % rate if shift else 0
    same = frame.q // length == frame.k // length
    return everywhere(frame, same & (frame.q % rate == phase) & (frame.k % rate == phase))


def neighborhood_members(length, window, step, stride, causal):
    """Which coordinates of one axis attend to which, [length, length]."""
    attends = np.zeros((length, length), dtype=bool)
    for x in range(length):
        members = list(range(x % step, length, step))
        index = members.index(x)
        group = [i for i in range(len(members)) if i // stride == index // stride]
        if causal:
            seen = members[max(group[-1] - window + 1, 0) : index + 1]
        else:
            centre = min(group[0] + stride // 2, group[-1])
            start = min(max(centre - window // 2, 0), len(members) - window)
            seen = members[start : start + window]
        attends[x, seen] = True
    return attends


def token_order(shape, tile):
    """The row-major number of the token at each position."""
    tiles = np.arange(int(np.prod(shape))).reshape([n for size, side in zip(shape, tile) for n in (size // side, side)])
    return tiles.transpose([*range(0, tiles.ndim, 2), *range(1, tiles.ndim, 2)]).ravel()


def neighborhood(frame, shape, window, step=None, stride=None, tile=None, causal=None):
    """Tokens of a grid that are near on every axis."""
    ones = (1,) * len(shape)
    axes = zip(shape, window, step or ones, stride or ones, causal or (False,) * len(shape))
    coordinates = np.unravel_index(token_order(shape, tile or ones), shape)
    position = lambda at: np.clip(at, 0, coordinates[0].size - 1)
    holds = (frame.q >= 0) & (frame.q < coordinates[0].size) & (frame.k < coordinates[0].size)
    for of_axis, numbers in zip(coordinates, axes):
        holds = holds & neighborhood_members(*numbers)[of_axis[position(frame.q)], of_axis[position(frame.k)]]
    return everywhere(frame, holds)


def prefix_lm(frame, lengths):
    """The captured array has one number a batch."""
    return everywhere(frame, (frame.k < frame.captures[lengths][frame.batch]) | (frame.k <= frame.q))


def random(frame, blocks, size, seed):
    count = -(-frame.key_length // size)
    drawn = np.zeros(frame.shape, dtype=bool)
    block_of_key = frame.k[0] // size
    row_of_query = frame.q[:, 0] // size
    for row in np.unique(row_of_query):
        permutation = random_pattern.permutation(count, seed, frame.batch, frame.head, int(row))
        attended = np.isin(block_of_key, permutation[: max(frame.number(blocks), 0)])
        drawn[row_of_query == row] = attended
    return drawn


class BlockMask:
    """Which blocks attend, [batch or 1, heads or 1, query blocks, key blocks]; rows count from the first query."""

    def __init__(self, active, query_block, key_block):
        self.active = active
        self.query_block = query_block
        self.key_block = key_block


def blocks(frame, name):
    mask = frame.captures[name]
    batches, heads = mask.active.shape[:2]
    active = mask.active[frame.batch if batches > 1 else 0, frame.head if heads > 1 else 0]
    rows = np.arange(frame.shape[0])[:, None] // mask.query_block
    return active[rows, frame.k // mask.key_block]


def same_document(frame, ids):
    """A captured array of document ids; a position outside it attends to nothing."""
    of_query, query_inside = frame.read(ids, frame.q)
    of_key, key_inside = frame.read(ids, frame.k)
    return query_inside & key_inside & (of_query == of_key)


def documents(frame, offsets):
    """Positions between two neighbours of a captured, ascending array are one document; others attend to nothing."""
    array = frame.captures[offsets]
    row = array[frame.batch] if array.ndim == 2 else array
    number = lambda position: sum((position >= offset).astype(int) for offset in row) if row.size else 0 * position
    of_query, of_key = number(frame.q), number(frame.k)
    return everywhere(frame, (of_query == of_key) & (of_query > 0) & (of_query < row.size))


def tree(frame, parents):
    """The last positions are nodes, each with the number of its parent or -1; others are the prefix."""
    array = frame.captures[parents]
    row = array[frame.batch] if array.ndim == 2 else array
    prefix = frame.key_length - row.size
    attends = np.array(everywhere(frame, (frame.k <= frame.q) & (frame.k < prefix)))
    for query, position in enumerate(frame.q[:, 0]):
        node = position - prefix
        while node >= 0:
            attends[query, prefix + node] = True
            node = row[node]
    return attends


def vertical_slash(frame, columns, diagonals):
    """Some keys and some distances, all heads' or each head's own."""
    own = lambda array: array[frame.batch, frame.head] if array.ndim == 3 else array
    column, diagonal = own(frame.captures[columns]), own(frame.captures[diagonals])
    return everywhere(frame, (frame.k <= frame.q) & (np.isin(frame.k, column) | np.isin(frame.q - frame.k, diagonal)))


def union(frame, *operands):
    return np.logical_or.reduce(operands)


def intersect(frame, *operands):
    return np.logical_and.reduce(operands)


def complement(frame, operand):
    return ~operand


def per_head(frame, *operands):
    return operands[frame.head % len(operands)]
