#!/usr/bin/env python3
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes q, k and v as .npy files, in f32 and bf16, [1, heads, tokens, head size], normally distributed.

Files that are there already are kept.
"""

import argparse
import pathlib

import numpy as np


def to_bf16(values):
    """The upper halves of floats, rounded to nearest even, as uint16."""
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def save(path, array):
    """Writes a file that appears whole or not at all."""
    partial = path.with_suffix(".part")
    with open(partial, "wb") as file:
        np.save(file, array)
    partial.rename(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--heads", type=int, required=True)
    parser.add_argument("--head-size", type=int, required=True)
    options = parser.parse_args()
    shape = (1, options.heads, options.tokens, options.head_size)
    for seed, name in enumerate("qkv"):
        paths = [options.folder / f"{name}_{dtype}.npy" for dtype in ("f32", "bf16")]
        if all(path.exists() and np.load(path, mmap_mode="r").shape == shape for path in paths):
            continue
        values = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
        save(paths[0], values)
        save(paths[1], to_bf16(values))


if __name__ == "__main__":
    main()
