#!/usr/bin/env python3
# What sparse_attn.random draws, from its definition, without the compiler.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The compiler inverts the permutation block by block. Here the whole permutation is written out forwards, and the
# blocks of a row are its first entries.
#
#   random_pattern.py BLOCKS SIZE SEED [rows=16] [columns=16] [batch=0] [head=0]    prints the picture

import functools
import sys

WORD = 0xFFFFFFFF


def mix(x):
    """The finalizer of MurmurHash3."""
    x ^= x >> 16
    x = (x * 0x85EBCA6B) & WORD
    x ^= x >> 13
    x = (x * 0xC2B2AE35) & WORD
    return x ^ (x >> 16)


def round_key(i, seed, batch, head, row):
    key = (seed + i * 0x9E3779B9) & WORD
    key = mix(key)
    for coordinate in (batch, head, row):
        key = mix((key + coordinate) & WORD)
    return key


@functools.lru_cache(maxsize=None)
def permutation(n, seed, batch, head, row):
    """The permutation of [0, n) as a tuple; row may be negative."""
    w = 0
    while 4**w < n:
        w += 1
    keys = [round_key(i, seed, batch, head, row) for i in range(4)]

    def network(x):
        left, right = divmod(x, 2**w)
        for key in keys:
            left, right = right, left ^ (mix((right + key) & WORD) % 2**w)
        return left * 2**w + right

    def walk(x):
        x = network(x)
        while x >= n:
            x = network(x)
        return x

    return tuple(walk(x) for x in range(n))


def attends(q, k, key_length, blocks, size, seed, batch=0, head=0):
    """Does the query at aligned position q attend to key k?"""
    n = -(-key_length // size)
    return k // size in permutation(n, seed, batch, head, q // size)[:blocks]


def main(arguments):
    blocks, size, seed = (int(argument) for argument in arguments[:3])
    frame = {"rows": 16, "columns": 16, "batch": 0, "head": 0}
    for argument in arguments[3:]:
        name, value = argument.split("=")
        assert name in frame, f"expects rows, columns, batch or head, but got '{name}'"
        frame[name] = int(value)
    rows, columns, batch, head = frame.values()
    print(f"@random: {rows} queries, {columns} keys, batch {batch}, head {head}")
    for q in range(columns - rows, columns):
        print("".join(".#"[attends(q, k, columns, blocks, size, seed, batch, head)] for k in range(columns)))


if __name__ == "__main__":
    main(sys.argv[1:])
