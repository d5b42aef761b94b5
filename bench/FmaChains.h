//===- FmaChains.h - Independent chains of fused multiply-adds -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The most f32 operations a second that a core can do: many independent chains
// of fused multiply-adds in registers, nothing else. Every "percent of peak" in
// our tables is a percentage of this.
//
// A fused multiply-add has a latency of 4 cycles and two issue each cycle, so
// 8 chains suffice on paper; 12 (the most that 16 registers hold with two
// operands) and 24 (of 32 registers) leave slack for uneven port assignment.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_BENCH_FMACHAINS_H
#define SPARSE_ATTN_BENCH_FMACHAINS_H

#include <cstdint>
#include <vector>

namespace sparse_attn::bench {

/// A loop over chains of one register width.
struct FmaChains {
  int bits;
  int chains;
  void (*run)(int64_t steps); ///< One multiply-add in each chain a step.

  /// Floating point operations of a run; a multiply-add counts as two.
  double operations(int64_t steps) const { return 2.0 * (bits / 32) * chains * static_cast<double>(steps); }
};

/// The widths of this CPU, narrowest first; none where it lacks avx2 or fma.
std::vector<FmaChains> hostFmaChains();

} // namespace sparse_attn::bench

#endif // SPARSE_ATTN_BENCH_FMACHAINS_H
