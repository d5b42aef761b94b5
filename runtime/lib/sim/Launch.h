//===- Launch.h - All blocks of one launch ----------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_LAUNCH_H
#define SPARSE_ATTN_LIB_SIM_LAUNCH_H

#include "sim/Block.h"

#include <memory>

namespace sparse_attn::sim {

/// Owns all that a launch needs, so that launches of several host threads share nothing.
class Launch {
public:
  Launch(const SimulatorOptions &options, const Grid &grid);

  /// Runs all blocks. Errors: OutOfMemory; DeviceError for what the kernel does wrong, among it deadlocks and races.
  Status run();

private:
  Status startNext(Block &block);
  Status deadlock() const;

  Grid grid;
  size_t resident;
  int64_t nextBlock = 0;
  Scheduler scheduler;
  FiberStacks stacks;
  std::vector<std::unique_ptr<Block>> blocks;
};

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_LAUNCH_H
