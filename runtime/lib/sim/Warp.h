//===- Warp.h - What the threads of a warp do together ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_WARP_H
#define SPARSE_ATTN_LIB_SIM_WARP_H

#include "sim/Rendezvous.h"
#include "sim/SharedMemory.h"

#include <cstdint>

namespace sparse_attn::sim {

/// Shuffles, ldmatrix and mma.sync. Each thread leaves its arguments and fetches its results; the last one computes.
class Warp {
public:
  Warp(Scheduler &scheduler, const SharedMemory &shared, Thread *threads)
      : rendezvous(scheduler, threads, Thread::warpSize), shared(shared) {}

  void reset() { rendezvous.reset(); }

  Status shuffleXor(Thread &thread, uint32_t &word, int32_t mask);
  Status shuffleIndex(Thread &thread, uint32_t &word, int32_t lane);
  /// 1 in the first lane.
  Status elect(Thread &thread, int32_t &elected);
  /// Four 8x8 matrices of 16-bit numbers; lane 8 i + j has the address of row j of matrix i.
  Status loadMatrix(Thread &thread, uint32_t *words, const void *row, bool transposed);

  /// The words of one thread: four of the 16x16 left operand and two of the 16x8 right one.
  struct Operands {
    uint32_t a[4], b[2];
  };
  Status multiply(Thread &thread, float *accumulator, const Operands &operands, bool bfloat16);

private:
  static constexpr size_t lanes = Thread::warpSize;

  Status shuffle(Thread &thread, Call call, uint32_t &word, int32_t source);
  void computeProduct(bool bfloat16);

  Rendezvous rendezvous;
  const SharedMemory &shared;
  // Arguments by lane.
  uint32_t words[lanes];
  int32_t sources[lanes];
  size_t rows[lanes];
  // 8x8 matrices, of which lane l has the pair 2 (l % 4) of row l / 4.
  uint32_t left[4][lanes], right[2][lanes];
  float sum[16][8];
  // Results by lane. They stay until all threads have come to the next meeting, thus have fetched them.
  uint32_t shuffled[lanes];
  uint32_t loaded[4][lanes];
  float product[16][8];
};

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_WARP_H
