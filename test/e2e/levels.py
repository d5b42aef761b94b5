# The artifact for all CPU levels, each level forced in turn.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import workbench
from catalogue import PATTERNS, captures
from workbench import Module, Problem, Sizes

NAMES = ("window", "stride_odd", "packed", "bigbird")
SHAPES = (Sizes(1, 1, 1, 129, 129), Sizes(2, 2, 1, 50, 140), Sizes(1, 2, 2, 90, 40))


def main():
    bench, levels = workbench.start()
    module = Module()
    functions = [
        module.add(f"{name}_{dtype}", PATTERNS[name], dtype, lse=name != "window")
        for name in NAMES
        for dtype in ("f32", "bf16", "f16")
    ]
    artifact = bench.compile(module)
    for level in levels:
        for seed, sizes in enumerate(SHAPES, start=1):
            print(f"{level}: {sizes}, seed {seed}")
            for function in functions:
                forced = level if function.dtype == "bf16" else level.removesuffix("-bf16")
                problem = Problem(function, sizes, seed, captures(seed, sizes))
                label = f"{function.name}, {level}, {sizes}"
                bench.check(label, artifact, function, problem, environment={"SPARSE_ATTN_CPU_LEVEL": forced})
    bench.finish()


main()
