//===- Skipping.cpp - What skipped tiles save -----------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"
#include "Problem.h"

#include "sparse_attn/Device.h"

namespace sparse_attn::bench {

namespace {

constexpr int64_t length = 16384;
constexpr int64_t headSize = 64;

std::vector<Pattern> sparsePatterns() {
  return {windowPattern(64, 64),
          windowPattern(128, 128),
          windowPattern(256, 256),
          windowPattern(512, 512),
          windowPattern(1024, 1024),
          windowPattern(2048, 2048),
          windowPattern(4096, 4096),
          windowPattern(1023, 0),
          longformerPattern(64, 64, 16),
          longformerPattern(256, 256, 64),
          longformerPattern(512, 512, 64),
          chunkPattern(256),
          chunkPattern(1000),
          chunkPattern(1024),
          chunkPattern(4096),
          stridePattern(256),
          stridePattern(1024),
          stridePattern(4096),
          stridedWindowPattern(512, 128),
          causalPattern()};
}

/// The bar for a fraction of visited tiles; below 1 % and above 50 % there is none.
Bar barFor(double fraction) {
  Bar bar;
  if (fraction >= 0.01 && fraction <= 0.505)
    bar.atLeast = fraction >= 0.03 ? 0.92 : 0.80;
  return bar;
}

} // namespace

void benchSkipping(Bench &bench) {
  check(setThreadCount(1));
  bench.beginSection("Skip efficiency: dense time x fraction of tiles / time (f32, d=64, 16384 tokens, one thread)");
  Arrays arrays(DType::F32, 1, length, headSize);
  auto problemOf = [&](const Pattern &pattern) {
    return Problem(bench.compiler.open(moduleText(pattern, DType::F32, headSize), "native"), arrays, length);
  };
  for (const Pattern &pattern : sparsePatterns())
    bench.row(pattern.name, [&](Row &row) {
      Problem sparse = problemOf(pattern), dense = problemOf(densePattern());
      sparse.launch();
      sparse.check(pattern);
      double fraction = pattern.count(length).fraction();
      // The dense run takes long; so that the sparse one is not over in an instant, it runs several times a repeat.
      int runs = fraction < 0.1 ? 5 : 1;
      auto runSparse = [&] {
        for (int run = 0; run < runs; ++run)
          sparse.launch();
      };
      Measurement found = measure({runSparse, [&] { dense.launch(); }}, Effort{bench.quick ? 1 : 5, 0});
      double time = found.seconds[0] / runs, budget = found.seconds[1] * fraction;
      row.measured = format(1e3 * time, 2, " ms");
      row.reference = "dense x " + format(100 * fraction, 2, " % ") + format(1e3 * budget, 2, " ms");
      row.figure = budget / time;
      row.bar = barFor(fraction);
      TileCounts tiles = sparse.plan().tiles();
      row.note =
          "visits " +
          format(100 * static_cast<double>(tiles.partial + tiles.full) / static_cast<double>(tiles.total), 2, " %");
    });
}

} // namespace sparse_attn::bench
