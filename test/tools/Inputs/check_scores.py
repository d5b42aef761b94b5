# Compares the scores of blocks with the products of their means.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#   check_scores.py make FOLDER      writes q.npy and k.npy
#   check_scores.py check FOLDER     reads them and scores.npy

import pathlib
import sys

import numpy as np

BLOCK = 32


def means(array):
    blocks = -(-array.shape[2] // BLOCK)
    parts = [array[:, :, BLOCK * i : BLOCK * (i + 1)].mean(axis=2) for i in range(blocks)]
    return np.stack(parts, axis=2)


def main():
    folder = pathlib.Path(sys.argv[2])
    if sys.argv[1] == "make":
        generator = np.random.default_rng(5)
        for name, heads, length in (("q", 4, 100), ("k", 2, 150)):
            np.save(folder / f"{name}.npy", generator.standard_normal((2, heads, length, 16)).astype(np.float32))
        return
    q, k, scores = (np.load(folder / f"{name}.npy") for name in ("q", "k", "scores"))
    wanted = np.einsum("bhqd,bhkd->bhqk", means(q.astype(float)), np.repeat(means(k.astype(float)), 2, axis=1)) / 4
    first = np.arange(scores.shape[3]) * BLOCK
    last = np.minimum((np.arange(scores.shape[2]) + 1) * BLOCK, 100) - 1 + 50
    future = first[None, :] > last[:, None]
    assert scores.dtype == np.float32 and scores.shape == wanted.shape, scores.shape
    assert np.array_equal(np.isneginf(scores), np.broadcast_to(future, scores.shape))
    assert np.abs(np.where(future, 0, scores - wanted)).max() < 1e-5
    print(f"{int((~future).sum())} of {future.size} blocks agree")


main()
