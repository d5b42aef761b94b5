# Other sizes of tiles, the smallest and the largest among them.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import workbench
from catalogue import PATTERNS, captures
from workbench import Module, Problem, Sizes

NAMES = ("window", "intersect", "packed")
TILES = {
    "cpu": ((16, 8), (16, 512), (256, 8), (256, 512), (48, 40), (112, 104)),
    "sim-sm_80": ((16, 16), (16, 128), (128, 16), (128, 128), (48, 80), (112, 96)),
    "sim-sm_90a": ((64, 16), (64, 256), (192, 16), (128, 80), (192, 112), (128, 192)),
}
SHAPES = (Sizes(1, 1, 1, 300, 530), Sizes(1, 2, 1, 70, 70))
SHAPES_OF_SIMULATOR = (Sizes(1, 1, 1, 200, 270), Sizes(1, 2, 1, 70, 70))


def main():
    bench, _ = workbench.start()
    dtypes, shapes = (("f32", "bf16"), SHAPES) if bench.on_cpu else (("bf16",), SHAPES_OF_SIMULATOR)
    for tile_q, tile_k in TILES[bench.name]:
        module = Module()
        functions = [module.add(f"{n}_{dtype}", PATTERNS[n], dtype) for n in NAMES for dtype in dtypes]
        flags = (f"--tile-q={tile_q}", f"--tile-k={tile_k}")
        artifact = bench.compile(module, *flags, name=f"tiles_{tile_q}_{tile_k}")
        for seed, sizes in enumerate(shapes, start=1):
            print(f"tiles of {tile_q} x {tile_k}: {sizes}, seed {seed}")
            for function in functions:
                problem = Problem(function, sizes, seed, captures(seed, sizes))
                bench.check(f"{function.name}, tiles {tile_q} x {tile_k}, {sizes}", artifact, function, problem)
    bench.finish()


main()
