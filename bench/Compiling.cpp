//===- Compiling.cpp - From .mlir to .so ----------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"

namespace sparse_attn::bench {

void benchCompiling(Bench &bench) {
  bench.beginSection("From .mlir to .so, one CPU level (CPU time of the compiler and its children)");
  for (const char *example : {"dense", "longformer"})
    for (const char *level : {"native", "x86-64-v3"})
      bench.row(std::string("examples/") + example + ".mlir, " + level, [&](Row &row) {
        std::vector<double> cpu, wall;
        for (int repeat = 0; repeat < (bench.quick ? 1 : 5); ++repeat) {
          ChildTime time = bench.compiler.time(std::string(SPARSE_ATTN_EXAMPLES) + "/" + example + ".mlir", level);
          cpu.push_back(time.cpu);
          wall.push_back(time.wall);
        }
        row.figure = median(cpu);
        row.unit = "s";
        row.bar.atMost = 1.5;
        row.note = "two kernels, " + format(median(wall), 2, " s passed");
      });
}

} // namespace sparse_attn::bench
