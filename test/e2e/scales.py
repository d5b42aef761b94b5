# Scales: large, small, and so small that scores do not differ.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import workbench
from expressions import window
from workbench import Module, Problem, Sizes

SCALES = {"large": 1.5, "small": 0.01, "tiny": 1e-30}
SHAPES = (Sizes(1, 2, 1, 90, 150), Sizes(1, 1, 1, 40, 20))


def main():
    bench, _ = workbench.start()
    module = Module()
    functions = [
        module.add(f"{name}_{dtype}", window(60, -2), dtype, scale=scale)
        for name, scale in SCALES.items()
        for dtype in bench.dtypes
    ]
    artifact = bench.compile(module)
    for seed, sizes in enumerate(SHAPES, start=1):
        print(f"{sizes}, seed {seed}")
        for function in functions:
            bench.check(f"{function.name}, {sizes}", artifact, function, Problem(function, sizes, seed))
    bench.finish()


main()
