//===- Thread.h - One thread of a simulated block ---------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_THREAD_H
#define SPARSE_ATTN_LIB_SIM_THREAD_H

#include "sim/AsyncCopies.h"
#include "sim/Calls.h"
#include "sim/ContextSwitch.h"
#include "sim/TensorStores.h"

#include <cstdint>

namespace sparse_attn::sim {

class Block;

/// Where a thread waits, for the report of a deadlock.
struct Place {
  Call call;
  /// Of the barrier that it waits for: its number, or the index of an mbarrier and the parity.
  int32_t object = 0;
  int32_t parity = 0;
};

/// What is the thread's own. A fiber runs it.
struct Thread {
  static constexpr int32_t warpSize = 32;
  static constexpr int32_t warpgroupSize = 128;

  int32_t lane() const { return index % warpSize; }

  Block *block = nullptr;
  int32_t index = 0; ///< In the block.
  bool exited = false;
  Context context;
  Place place{};
  AsyncCopies copies;
  TensorStores stores;
};

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_THREAD_H
