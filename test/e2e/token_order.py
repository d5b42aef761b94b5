# Grids of tokens in row-major order, attended to tile by tile: into the order, through a kernel, and back.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#   token_order.py DEVICE FOLDER RUNTIME.so
#
# Order and rows come from the C interface of the runtime. What is computed is held to attention over the row-major arrays,
# under a mask of their coordinates, which knows of no tiles.

import ctypes

import numpy as np

import expressions
import workbench
from c_interface import Runtime, value_of
from oracle import element_types, formulas, reference
from workbench import Module, Problem, Sizes

INTO_ORDER, OUT_OF_ORDER = 0, 1

# Shape, window and tile.
GRIDS = {
    "image": ((16, 24), (5, 9), (8, 8)),
    "wide_image": ((6, 60), (3, 16), (3, 20)),
    "video": ((4, 8, 12), (3, 4, 5), (2, 4, 4)),
    "line": ((180,), (31,), (45,)),
}


class Orders(Runtime):
    """The functions that know the order."""

    def order(self, shape, tile):
        order = np.full(int(np.prod(shape)), -1, np.int32)
        numbers = ctypes.c_int64 * len(shape)
        self.call("order_tokens", ctypes.c_int32(len(shape)), numbers(*shape), numbers(*tile),
                  ctypes.c_void_p(order.ctypes.data), ctypes.c_size_t(order.size))  # fmt: skip
        return order

    def reorder(self, source, order, direction, dtype):
        result = np.empty_like(source)
        self.call("reorder_rows", ctypes.byref(value_of(source, dtype)), ctypes.c_void_p(order.ctypes.data),
                  ctypes.c_size_t(order.size), ctypes.c_int32(direction), ctypes.byref(value_of(result, dtype)))  # fmt: skip
        return result


def row_major_mask(shape, window):
    """Which tokens of a row-major grid see which: on every axis the window around them, pushed inside at the ends."""
    attends = np.ones((int(np.prod(shape)),) * 2, bool)
    for x, length, width in zip(np.unravel_index(np.arange(attends.shape[0]), shape), shape, window):
        start = np.clip(x - width // 2, 0, length - width)[:, None]
        attends &= (start <= x) & (x < start + width)
    return attends


def check(bench, runtime, name, artifact, function, sizes, seed):
    shape, window, tile = GRIDS[name]
    order = runtime.order(shape, tile)
    bench.expect(np.array_equal(order, formulas.token_order(shape, tile)), name, "another order", order[:16])
    problem = Problem(function, sizes, seed)
    row_major = [problem.query, problem.key, problem.value]
    mask = row_major_mask(shape, window)
    wanted, _ = reference.attention(*(element_types.decode(array, function.dtype) for array in row_major), lambda b, h: mask)
    problem.query, problem.key, problem.value = (
        runtime.reorder(array, order, INTO_ORDER, function.dtype) for array in row_major
    )
    output, _ = bench.run(artifact, function, problem)
    output = runtime.reorder(np.ascontiguousarray(output), order, OUT_OF_ORDER, function.dtype)
    values = element_types.decode(row_major[2], function.dtype)
    error = reference.output_error(element_types.decode(output, function.dtype), wanted, values)
    bench.note(name, f"{function.dtype} output", error, reference.OUTPUT_TOLERANCE[function.dtype])


def main():
    bench, (library,) = workbench.start()
    runtime, module = Orders(library), Module()
    functions = {
        f"{name}_{dtype}": module.add(f"{name}_{dtype}", expressions.neighborhood(shape, window, tile=tile), dtype, lse=False)
        for name, (shape, window, tile) in GRIDS.items()
        for dtype in bench.dtypes
    }
    artifact = bench.compile(module)
    for seed, name in enumerate(GRIDS, start=1):
        tokens = int(np.prod(GRIDS[name][0]))
        for dtype in bench.dtypes:
            sizes = Sizes(1, 2, 1, tokens, tokens) if seed % 2 else Sizes(2, 1, 1, tokens, tokens)
            check(bench, runtime, name, artifact, functions[f"{name}_{dtype}"], sizes, seed)
    bench.finish()


main()
