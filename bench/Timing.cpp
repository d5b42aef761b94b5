//===- Timing.cpp - Clocks and medians ------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Timing.h"

#include <algorithm>
#include <ctime>

namespace sparse_attn::bench {

namespace {

/// About a millisecond.
constexpr int64_t chainSteps = 400'000;

double secondsOf(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double timeOf(const std::function<void()> &work) {
  double start = threadSeconds();
  work();
  return threadSeconds() - start;
}

} // namespace

double threadSeconds() { return secondsOf(CLOCK_THREAD_CPUTIME_ID); }
double processSeconds() { return secondsOf(CLOCK_PROCESS_CPUTIME_ID); }
double wallSeconds() { return secondsOf(CLOCK_MONOTONIC); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

Measurement measure(const std::vector<std::function<void()>> &works, const Effort &effort) {
  std::vector<FmaChains> widths = hostFmaChains();
  std::vector<std::vector<double>> rates(widths.size()), times(works.size());
  for (const std::function<void()> &work : works)
    work();
  double spent = 0;
  for (int repeat = 0; repeat < effort.minRepeats || spent < effort.seconds; ++repeat) {
    for (size_t i = 0; i < widths.size(); ++i)
      rates[i].push_back(1e-9 * widths[i].operations(chainSteps) / timeOf([&] { widths[i].run(chainSteps); }));
    for (size_t i = 0; i < works.size(); ++i) {
      times[i].push_back(timeOf(works[i]));
      spent += times[i].back();
    }
  }
  Measurement found;
  for (size_t i = 0; i < widths.size(); ++i)
    (widths[i].bits == 256 ? found.peak.bits256 : found.peak.bits512) = median(rates[i]);
  for (const std::vector<double> &each : times)
    found.seconds.push_back(median(each));
  return found;
}

} // namespace sparse_attn::bench
