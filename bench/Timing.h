//===- Timing.h - Clocks and medians -------------------------- -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Other programs share the machine, so the time of a thread is the CPU time that
// it got, repeats are short and many, and their median counts. The clock of the
// CPU changes with its load and its heat; so the peak is measured between the
// repeats of what is compared with it.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_BENCH_TIMING_H
#define SPARSE_ATTN_BENCH_TIMING_H

#include "FmaChains.h"

#include <functional>
#include <vector>

namespace sparse_attn::bench {

/// CPU time of the calling thread, in seconds.
double threadSeconds();
/// CPU time of all threads of this process, in seconds.
double processSeconds();
/// Time that passed, in seconds.
double wallSeconds();

/// The middle value, or the mean of the middle two. `values` must not be empty.
double median(std::vector<double> values);

/// How often work is repeated.
struct Effort {
  int minRepeats;
  double seconds; ///< More repeats until all of them together took so long.
};

/// FMA rates of one thread in GFLOP/s, medians; 0 where the CPU lacks the width.
struct Peak {
  double bits256 = 0;
  double bits512 = 0;

  double best() const { return bits512 > bits256 ? bits512 : bits256; }
  /// The width of `best()`.
  int bestBits() const { return bits512 > bits256 ? 512 : 256; }
};

/// Medians of one thread's CPU time.
struct Measurement {
  Peak peak;
  std::vector<double> seconds; ///< Of each work.
};

/// Runs every work once to warm up; then repeats: the FMA chains of each width, then every work. All on this thread.
Measurement measure(const std::vector<std::function<void()>> &works, const Effort &effort);

} // namespace sparse_attn::bench

#endif // SPARSE_ATTN_BENCH_TIMING_H
