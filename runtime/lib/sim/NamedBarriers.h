//===- NamedBarriers.h - The 16 barriers of a block -------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_NAMEDBARRIERS_H
#define SPARSE_ATTN_LIB_SIM_NAMEDBARRIERS_H

#include "sim/Scheduler.h"

#include <array>
#include <string>
#include <vector>

namespace sparse_attn::sim {

/// bar.sync and bar.arrive.
class NamedBarriers {
public:
  NamedBarriers(Scheduler &scheduler, int32_t blockThreads) : scheduler(scheduler), blockThreads(blockThreads) {}

  void reset();
  /// `threads` 0 means all of the block. Errors: DeviceError for a barrier or a number that does not exist, and where
  /// threads that meet name different numbers.
  Status arrive(int32_t id, int32_t threads);
  Status wait(Thread &thread, int32_t id, int32_t threads);

  /// "64 of 128 threads have arrived".
  std::string describe(int32_t id) const;

private:
  struct Barrier {
    int32_t expected = 0, arrived = 0;
    std::vector<Thread *> waiting;
  };
  Scheduler &scheduler;
  int32_t blockThreads;
  std::array<Barrier, 16> barriers;
};

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_NAMEDBARRIERS_H
