# Other sizes of tiles, the smallest and the largest among them.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import workbench
from catalogue import PATTERNS, captures
from workbench import Module, Problem, Sizes

NAMES = ("window", "intersect", "packed")
TILES = ((16, 8), (16, 512), (256, 8), (256, 512), (48, 40), (112, 104))
SHAPES = (Sizes(1, 1, 1, 300, 530), Sizes(1, 2, 1, 70, 70))


def main():
    bench, _ = workbench.start()
    for tile_q, tile_k in TILES:
        module = Module()
        functions = [module.add(f"{n}_{dtype}", PATTERNS[n], dtype) for n in NAMES for dtype in ("f32", "bf16")]
        flags = ("--cpu=native", f"--tile-q={tile_q}", f"--tile-k={tile_k}")
        artifact = bench.compile(module, *flags, name=f"tiles_{tile_q}_{tile_k}")
        for seed, sizes in enumerate(SHAPES, start=1):
            print(f"tiles of {tile_q} x {tile_k}: {sizes}, seed {seed}")
            for function in functions:
                problem = Problem(function, sizes, seed, captures(seed, sizes))
                bench.check(f"{function.name}, tiles {tile_q} x {tile_k}, {sizes}", artifact, function, problem)
    bench.finish()


main()
