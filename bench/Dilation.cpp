//===- Dilation.cpp - Dilated windows as dense work -----------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The same pattern twice: with a stride, from which the compiler sees that it
// may work within residue classes, and with a predicate, which leaves it no
// choice but to compute every pair of a tile and mask most of them.
//
//===----------------------------------------------------------------------===//

#include "Bench.h"
#include "Problem.h"
#include "Timing.h"
#include "sparse_attn/Device.h"

namespace sparse_attn::bench {

namespace {

constexpr int64_t headSize = 64;
constexpr int64_t length = 16384;

void addDilation(Bench &bench, DType dtype, double leastOfPeak) {
  Pattern dilated = dilatedPattern(2048, 8), masked = maskedDilatedPattern(2048, 8);
  auto problemOf = [&](const Pattern &pattern, const Arrays &arrays) {
    return Problem(bench.compiler.open(moduleText(pattern, dtype, headSize), "native"), arrays, length);
  };
  bench.row(std::string(dtypeName(dtype)) + " " + dilated.name, [&](Row &row) {
    Arrays arrays(dtype, 1, length, headSize);
    Problem problem = problemOf(dilated, arrays);
    problem.launch();
    problem.check(dilated);
    Measurement found = measure({[&] { problem.launch(); }}, bench.effort());
    double rate = 4e-9 * static_cast<double>(dilated.count(length).pairs * headSize) / found.seconds[0];
    row.measured = format(rate, 1, " GFLOP/s");
    row.reference = "peak " + format(found.peak.best(), 1, " GFLOP/s");
    row.figure = rate / found.peak.best();
    row.unit = "%";
    row.bar.atLeast = leastOfPeak;
    row.note = "on attending pairs";
  });
  bench.row(std::string(dtypeName(dtype)) + " " + dilated.name + ", against masks", [&](Row &row) {
    Arrays arrays(dtype, 1, length, headSize);
    Problem problem = problemOf(dilated, arrays), other = problemOf(masked, arrays);
    other.launch();
    other.check(masked);
    Measurement found = measure({[&] { problem.launch(); }, [&] { other.launch(); }}, Effort{bench.quick ? 1 : 5, 0});
    row.measured = format(1e3 * found.seconds[0], 2, " ms");
    row.reference = "masked " + format(1e3 * found.seconds[1], 2, " ms");
    row.figure = found.seconds[1] / found.seconds[0];
    row.unit = "x";
    row.bar.atLeast = 6;
  });
}

} // namespace

void benchDilation(Bench &bench) {
  check(setThreadCount(1));
  bench.beginSection("Dilation (d=64, 16384 tokens, one thread)");
  addDilation(bench, DType::F32, 0.75);
  addDilation(bench, DType::BF16, 0.75);
}

} // namespace sparse_attn::bench
