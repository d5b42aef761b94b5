//===- Timing.cpp - Measured runs ------------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Timing.h"

#include "support/Progress.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace sparse_attn::tools::run {

double medianMilliseconds(int runs, const std::function<void()> &launch) {
  Progress progress("measuring", runs + 1);
  launch();
  progress.advance();
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) {
    auto start = std::chrono::steady_clock::now();
    launch();
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    progress.advance();
  }
  std::sort(times.begin(), times.end());
  size_t half = times.size() / 2;
  return times.size() % 2 ? times[half] : (times[half - 1] + times[half]) / 2;
}

} // namespace sparse_attn::tools::run
