# Makes the arrays that sparse-attn-mask reads, good and bad, and what is expected of them.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pathlib
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)


def save(name, array):
    np.save(folder / f"{name}.npy", array)


# A mask of 30 x 40 blocks: a window, some columns, and pairs strewn in between. The last row and column have none.
random = np.random.default_rng(1)
rows, columns = np.indices((30, 40))
matrix = (abs(rows - columns) < 3) | (columns == 7) | (random.random((30, 40)) < 0.1)
matrix[29, :] = False
matrix[:, 39] = False
pairs = np.argwhere(matrix)
save("matrix", matrix)
save("other", random.random((30, 40)) < 0.3)
save("smaller", matrix[:29, :39])

# The same mask in every way that is read.
shuffled = random.permutation(np.concatenate([pairs, pairs[:50]]))
for dtype in ("int16", "uint16", "int32", "uint32", "int64"):
    save(f"pairs-{dtype}", shuffled.astype(dtype))
save("offsets", np.concatenate([[0], matrix.sum(1).cumsum()]))
for dtype in ("uint16", "int32", "uint32", "int64"):
    save(f"columns-{dtype}", pairs[:, 1].astype(dtype))

# Scores: row by row, what numpy picks is compared.
save("scores", random.standard_normal((2, 6, 12, 12)).astype(np.float32))

# What is refused.
save("pairs-outside", np.array([[0, 1], [3, 40], [2, 2]]))
save("pairs-negative", np.array([[0, 1], [-3, 4]]))
save("pairs-huge", np.array([[0, 2**40]]))
save("pairs-empty", np.zeros((0, 2), np.int64))
save("pairs-three", np.zeros((4, 3), np.int64))
save("pairs-flat", np.arange(6))
save("pairs-uint8", np.zeros((4, 2), np.uint8))
save("pairs-float64", np.zeros((4, 2)))
save("matrix-cube", np.zeros((2, 2, 2), bool))
save("offsets-descending", np.array([0, 3, 2, 4]))
save("offsets-short", np.array([0, 1, 2]))
save("offsets-none", np.zeros(0, np.int64))
save("columns", np.array([0, 1, 2, 3]))
save("columns-square", np.zeros((2, 2), np.int32))
not_a_number = np.zeros((12, 12), np.float32)
not_a_number[3, 5] = np.nan
save("scores-nan", not_a_number)
save("scores-flat", np.zeros(12, np.float32))
