# Random patterns, shapes and tile sizes, against the definition.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#   property.py DEVICE FOLDER [--cases N] [--seed N] [-v]
#
# A case is a pattern at one size of tiles on two shapes. What is checked:
#   (a) every attending pair lies in exactly one visited tile, no tile is visited twice, and a tile visited without mask
#       code is whole and wholly attending;
#   (b) schedules are tight: of all visited tiles at most 5 % hold no attending pair. Of structured patterns (without
#       predicate and random) each visited tile holds one, and each whole, wholly attending tile goes without mask code,
#       with four exceptions, which stay below 2 %:
#         empty bands   an intersection may be empty for some queries of a tile and not for others, so that the hull of
#                       its keys over the tile is too wide;
#         joint cover   a tile may attend wholly by several bands together and by none alone;
#         columns       schedules in closed form cannot name tiles of columns alone, which come one by one;
#         ragged step   whether a stride meets a tile is asked of the whole tile, also where the last keys do not exist;
#   (c) the results are those of the oracle.
# The cases of a seed are a function of the seed alone; a failure names the seed that repeats its group of cases.

import argparse
import collections
import subprocess

import numpy as np

import random_expressions
import workbench
from workbench import Module, Problem, Sizes

CASES_OF_GROUP = 10
CASES_OF_RATIO = 100  # fewer say little about averages
MOST_EXCESS, MOST_EXCEPTIONS = 0.05, 0.02

Case = collections.namedtuple("Case", "label function tile_q tile_k")


def draw_sizes(generator):
    heads, key_heads = ((1, 1), (1, 1), (2, 1), (2, 2), (4, 2), (3, 1))[generator.integers(6)]
    length = lambda: int(generator.choice([1, 17, 64, 128, 192, generator.integers(1, 300), generator.integers(1, 420)]))
    queries = length()
    keys = queries if generator.random() < 0.4 else length()
    return Sizes(int(generator.integers(1, 4)) if queries * keys < 20000 else 1, heads, key_heads, queries, keys)


def draw_tile_sizes(generator, device):
    if device.kind != "cpu":
        draw = lambda least, most: least * int(generator.integers(1, most // least + 1))
        return tuple(draw(least, most) for least, most in zip(device.least_tile, device.most_tile))
    if generator.random() < 0.7:
        return int(generator.choice([16, 16, 32, 48, 64])), int(generator.choice([8, 16, 16, 24, 32, 40, 64]))
    return 16 * int(generator.integers(1, 17)), 8 * int(generator.integers(1, 65))


class TileTruth:
    """Of each tile of one batch and head, by the definition: does a pair attend, do all, is the tile whole? Tiles hold
    every modulo-th position; those of the class of the first row come first (docs/artifact.md)."""

    def __init__(self, attends, tile_q, tile_k, modulo):
        queries, keys = attends.shape
        rows, columns = -(-(-(-queries // modulo)) // tile_q), -(-(-(-keys // modulo)) // tile_k)
        classes = [attends[row::modulo, (row + keys - queries) % modulo :: modulo] for row in range(min(modulo, queries))]
        fill = lambda value: np.concatenate(
            [
                np.pad(part, ((0, rows * tile_q - part.shape[0]), (0, columns * tile_k - part.shape[1])),
                       constant_values=value).reshape(rows, tile_q, columns, tile_k)
                for part in classes
            ]
        )  # fmt: skip
        self.any = fill(False).any(axis=(1, 3))
        self.all = fill(True).all(axis=(1, 3))
        ends = (np.arange(columns) + 1) * tile_k
        self.whole = np.repeat([ends <= part.shape[1] for part in classes], rows, axis=0)


def may_combine(expression, op, complemented_op, complemented=False):
    """Is there an `op` of several operands, or a `complemented_op` under an odd number of complements?"""
    wanted = complemented_op if complemented else op
    if expression.text == wanted and len(expression.operands) > 1:
        return True
    complemented ^= expression.text == "complement"
    return any(may_combine(operand, op, complemented_op, complemented) for operand in expression.operands)


def may_have_empty_bands(expression):
    return may_combine(expression, "intersect", "union")


def has_step(expression):
    return expression.text.startswith("stride") or any(has_step(operand) for operand in expression.operands)


def has_columns(expression):
    return expression.text.startswith("columns") or any(has_columns(operand) for operand in expression.operands)


def may_be_covered_jointly(expression):
    return may_combine(expression, "union", "intersect")


class Tally:
    """Visited tiles, those without an attending pair, and those with needless mask code; of one kind of pattern."""

    def __init__(self):
        self.visited = self.excess = self.masked = 0

    def add(self, visited, excess, masked):
        self.visited += int(visited.sum())
        self.excess += int(excess.sum())
        self.masked += int(masked.sum())

    def excess_ratio(self):
        return self.excess / max(self.visited, 1)

    def masked_ratio(self):
        return self.masked / max(self.visited, 1)

    def __str__(self):
        return (
            f"{self.visited} tiles visited, {self.excess} of them without an attending pair ({self.excess_ratio():.2%}), "
            f"{self.masked} with needless mask code ({self.masked_ratio():.2%})"
        )


class Property:
    def __init__(self, bench, verbose):
        self.bench = bench
        self.verbose = verbose
        self.structured, self.all = Tally(), Tally()

    def check_group(self, seed, cases):
        generator = np.random.default_rng(seed)
        tile_q, tile_k = draw_tile_sizes(generator, self.bench.device)
        print(f"seed {seed}: {cases} cases, tiles of {tile_q} x {tile_k}", flush=True)
        module = Module()
        for number in range(cases):
            expression = random_expressions.draw(generator, int(generator.integers(1, 5)))
            dtypes = ("f32", "f32", "f32", "bf16", "f16") if self.bench.on_cpu else self.bench.dtypes
            dtype = dtypes[generator.integers(len(dtypes))]
            module.add(f"case{number}", expression, dtype, head_size=16, lse=bool(generator.integers(2)))
        # Without residue classes, strides are tiles of all positions, in every union.
        flags = (f"--tile-q={tile_q}", f"--tile-k={tile_k}", f"--reindex={'true' if seed % 2 else 'false'}")
        artifacts = self.compile(seed, module, flags)
        for function in module.functions:
            for _ in range(2):
                sizes = draw_sizes(generator)
                captures = random_expressions.captures(generator, sizes)
                label = f"seed {seed}, {function.name}, {sizes}: {function.expression}"
                problem = Problem(function, sizes, seed, captures)
                if self.verbose:
                    print(label, flush=True)
                if function.name in artifacts:
                    self.check(Case(label, function, tile_q, tile_k), artifacts[function.name], problem)

    def compile(self, seed, module, flags):
        """The artifact of each function: all in one, or each alone where that fails."""
        try:
            artifact = self.bench.try_compile(module, *flags)
            return {function.name: artifact for function in module.functions}
        except subprocess.CalledProcessError:
            pass
        artifacts = {}
        for function in module.functions:
            single = Module()
            single.functions = [function]
            try:
                artifacts[function.name] = self.bench.try_compile(single, *flags, name=f"seed{seed}_{function.name}")
            except subprocess.CalledProcessError as error:
                label = f"seed {seed}, {function.name}: {function.expression}"
                self.bench.expect(False, label, f"the compiler ended with {error.returncode}:", error.stderr[-600:])
        return artifacts

    def check(self, case, artifact, problem):
        try:
            output, lse, tiles, report = self.bench.run(artifact, case.function, problem, tiles=True)
        except subprocess.CalledProcessError as error:
            self.bench.expect(False, case.label, f"the run ended with {error.returncode}:", error.stderr[-500:])
            return
        # Of a pattern in two parts, the results tell whether each pair is in one of them.
        if len(report["modulo"]) == 1:
            self.check_all_tiles(case, problem, tiles, report["modulo"][0])
        self.bench.compare(case.label, case.function, problem, output, lse)

    def check_all_tiles(self, case, problem, tiles, modulo):
        for b in range(problem.sizes.batch):
            for h in range(problem.sizes.heads):
                attends = case.function.expression.holds(problem.frame(b, h))
                of_head = tiles[(tiles[:, 0] == b) & (tiles[:, 1] == h)]
                self.check_tiles(case, TileTruth(attends, case.tile_q, case.tile_k, modulo), of_head)

    def check_tiles(self, case, truth, tiles):
        expect = lambda mistakes, what: self.bench.expect(
            not mistakes.any(), f"{case.label}: {what}, for instance tile {tuple(np.argwhere(mistakes)[:1].ravel())}"
        )
        visits = np.zeros(truth.any.shape, int)
        np.add.at(visits, (tiles[:, 2], tiles[:, 3]), 1)
        visited, full = visits > 0, np.zeros(truth.any.shape, bool)
        full[tiles[tiles[:, 4] == 1, 2], tiles[tiles[:, 4] == 1, 3]] = True
        expect(visits > 1, "a tile is visited twice")
        expect(truth.any & ~visited, "an attending pair lies in no visited tile")
        expect(full & ~truth.whole, "a ragged tile is visited without mask code")
        expect(full & ~truth.all, "a tile without mask code holds a pair that does not attend")

        excess, masked = visited & ~truth.any, truth.whole & truth.all & visited & ~full
        expression = case.function.expression
        self.all.add(visited, excess, masked)
        if not expression.structured:
            return
        self.structured.add(visited, excess, masked)
        if self.verbose and (excess.any() or masked.any()):
            print(f"not tight: {excess.sum()} of {visited.sum()} without an attending pair, {masked.sum()} masked")
        if not may_have_empty_bands(expression):
            expect(excess & (truth.whole | (not has_step(expression))), "a visited tile holds no attending pair")
        if not may_be_covered_jointly(expression) and not has_columns(expression):
            expect(masked, "a whole, wholly attending tile has mask code")

    def check_ratios(self, cases):
        print(f"structured patterns: {self.structured}")
        print(f"all patterns: {self.all}")
        if cases < CASES_OF_RATIO:
            return
        expect = lambda ratio, most, what: self.bench.expect(ratio <= most, f"{ratio:.2%} of the visited tiles {what}")
        expect(self.all.excess_ratio(), MOST_EXCESS, "hold no attending pair")
        expect(self.structured.excess_ratio(), MOST_EXCEPTIONS, "of structured patterns hold no attending pair")
        expect(self.structured.masked_ratio(), MOST_EXCEPTIONS, "of structured patterns have needless mask code")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-v", "--verbose", action="store_true")
    bench, rest = workbench.start()
    options = parser.parse_args(rest)
    prop = Property(bench, options.verbose)
    for group, first in enumerate(range(0, options.cases, CASES_OF_GROUP)):
        prop.check_group(options.seed + group, min(CASES_OF_GROUP, options.cases - first))
    prop.check_ratios(options.cases)
    bench.finish()


main()
