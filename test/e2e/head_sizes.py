# Every head size, with the default scale and one given. On a simulated GPU each of its element types has its share of
# fewer sizes.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import workbench
from expressions import causal
from workbench import Module, Problem, Sizes

SIZES_OF_SIMULATOR = (16, 32, 48, 64, 80, 96, 128, 160, 192, 256)
SHAPES = (Sizes(1, 2, 1, 67, 67), Sizes(1, 1, 1, 16, 130))


def sizes_of(bench, dtype):
    return range(16, 257, 16) if bench.on_cpu else SIZES_OF_SIMULATOR[bench.dtypes.index(dtype) :: len(bench.dtypes)]


def main():
    bench, dtypes = workbench.start()
    module = Module()
    functions = [
        module.add(f"d{size}_{dtype}", causal(), dtype, size, lse=size % 32 == 0, scale=0.05 if size % 48 == 0 else None)
        for dtype in dtypes
        for size in sizes_of(bench, dtype)
    ]
    artifact = bench.compile(module)
    for seed, sizes in enumerate(SHAPES, start=1):
        print(f"{sizes}, seed {seed}")
        for function in functions:
            bench.check(f"{function.name}, {sizes}", artifact, function, Problem(function, sizes, seed))
    bench.finish()


main()
