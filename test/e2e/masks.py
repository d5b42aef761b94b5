# Blocks chosen at run time: sizes of blocks and tiles, masks of heads and batches, and the algebra around them.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import subprocess

import numpy as np

import workbench
from expressions import blocks, causal, complement, global_tokens, intersect, union, window
from oracle import formulas
from workbench import Module, Problem, Sizes

BLOCKS = ((16, 16), (16, 64), (64, 16), (32, 128), (256, 32), (128, 128), (64, 256))
TILES = {
    "cpu": ((16, 16), (64, 64), (128, 128), (16, 512), (256, 16)),
    "sim-sm_80": ((16, 16), (64, 64), (128, 128), (16, 128), (128, 16)),
    "sim-sm_90a": ((64, 16), (64, 64), (128, 128), (64, 256), (192, 16)),
}
SHAPES = (Sizes(1, 1, 1, 512, 512), Sizes(2, 2, 1, 300, 333), Sizes(1, 2, 2, 40, 600), Sizes(1, 1, 1, 270, 70))
SHAPES_OF_SIMULATOR = (Sizes(1, 1, 1, 256, 256), Sizes(2, 2, 1, 100, 133), Sizes(1, 2, 2, 40, 300), Sizes(1, 1, 1, 270, 70))
# Batches and heads with a mask of their own.
SHARING = ((False, False), (False, True), (True, True))


def draw(generator, sizes, query_block, key_block, per_batch=False, per_head=False, density=0.3):
    """Random blocks, with some rows empty and some full."""
    rows, columns = -(-sizes.queries // query_block), -(-sizes.keys // key_block)
    shape = (sizes.batch if per_batch else 1, sizes.heads if per_head else 1, rows, columns)
    active = generator.random(shape) < density
    kind = generator.random(shape[:3])
    active[kind < 0.15] = False
    active[kind > 0.9] = True
    return formulas.BlockMask(active, query_block, key_block)


def check(bench, label, artifact, function, problem):
    """The results, and the visits."""
    try:
        *results, tiles, report = bench.run(artifact, function, problem, tiles=True)
    except subprocess.CalledProcessError as error:
        bench.expect(False, label, f"the run ended with {error.returncode}:", error.stderr[-500:])
        return
    bench.compare(label, function, problem, *results)
    check_visits(bench, label, function, problem, tiles, *report["tile_sizes"][0])


def check_visits(bench, label, function, problem, tiles, tile_q, tile_k):
    """Each tile with an attending pair is visited once; what is visited without a mask attends wholly."""
    for batch in range(problem.sizes.batch):
        for head in range(problem.sizes.heads):
            attends = function.expression.holds(problem.frame(batch, head))
            visits = np.zeros((-(-attends.shape[0] // tile_q), -(-attends.shape[1] // tile_k)), int)
            for _, _, row, column, full in tiles[(tiles[:, 0] == batch) & (tiles[:, 1] == head)]:
                visits[row, column] += 1
                tile = attends[row * tile_q : (row + 1) * tile_q, column * tile_k : (column + 1) * tile_k]
                bench.expect(not full or tile.all(), label, "a tile without a mask has pairs that do not attend")
            for row, column in np.ndindex(visits.shape):
                tile = attends[row * tile_q : (row + 1) * tile_q, column * tile_k : (column + 1) * tile_k]
                if tile.any():
                    bench.expect(visits[row, column] == 1, label, f"tile {row}, {column} visited {visits[row, column]} times")


def sizes_of_blocks_and_tiles(bench, generator, shapes):
    for number, (query_block, key_block) in enumerate(BLOCKS):
        module = Module()
        mask = blocks("mask", query_block, key_block)
        expressions = {
            "alone": mask,
            "causal": intersect(mask, causal()),
            "or_window": union(mask, window(20, 9), global_tokens(3)),
            "without": intersect(complement(mask), window(100, 50)),
        }
        if not bench.on_cpu:
            expressions = dict(list(expressions.items())[number % 2 :: 2])
        dtype = bench.dtypes[0]
        functions = [module.add(f"{name}_{query_block}_{key_block}", e, dtype) for name, e in expressions.items()]
        fits = lambda tile, block: tile % block == 0 or block % tile == 0
        tiles = [t for t in TILES[bench.name] if fits(t[0], query_block) and fits(t[1], key_block) and generator.random() < 0.4]
        # On a simulated GPU, one size of tiles and two expressions for each size of blocks.
        choices = [(None, None), *tiles]
        if not bench.on_cpu:
            choices = choices[-1:]
        for tile_q, tile_k in choices:
            flags = [f"--tile-q={tile_q}", f"--tile-k={tile_k}"] if tile_q else []
            artifact = bench.compile(module, *flags, name=f"masks_{query_block}_{key_block}")
            sizes = shapes[generator.integers(len(shapes))]
            for function in functions:
                captures = {"mask": draw(generator, sizes, query_block, key_block)}
                problem = Problem(function, sizes, int(generator.integers(1 << 30)), captures)
                label = f"{function.name}, tiles {tile_q} x {tile_k}, {sizes}"
                check(bench, label, artifact, function, problem)


def masks_of_heads(bench, generator, shapes):
    module = Module()
    pair = union(intersect(blocks("fine", 16, 32), causal()), blocks("coarse", 64, 128))
    functions = [module.add(f"pair_{dtype}", pair, dtype) for dtype in bench.dtypes]
    artifact = bench.compile(module, name="heads")
    for number, sizes in enumerate(shapes):
        for per_batch, per_head in SHARING if bench.on_cpu else SHARING[number % len(SHARING) :][:1]:
            for function in functions:
                captures = {
                    "fine": draw(generator, sizes, 16, 32, per_batch, per_head),
                    "coarse": draw(generator, sizes, 64, 128),
                }
                problem = Problem(function, sizes, int(generator.integers(1 << 30)), captures)
                label = f"{function.name}, {sizes}, masks {'of' if per_batch else 'for all'} batches, heads {per_head}"
                check(bench, label, artifact, function, problem)


def main():
    bench, _ = workbench.start()
    generator = np.random.default_rng(7)
    shapes = SHAPES if bench.on_cpu else SHAPES_OF_SIMULATOR
    sizes_of_blocks_and_tiles(bench, generator, shapes)
    masks_of_heads(bench, generator, shapes)
    bench.finish()


main()
