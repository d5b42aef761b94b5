//===- Launch.cpp - All blocks of one launch ------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/Launch.h"

#include <algorithm>

namespace sparse_attn::sim {

Launch::Launch(const SimulatorOptions &options, const Grid &grid)
    : grid(grid), resident(static_cast<size_t>(std::min<int64_t>(grid.blocks, options.multiprocessors))),
      scheduler(options, resident * static_cast<size_t>(grid.image.threads)) {}

Status Launch::startNext(Block &block) { return nextBlock < grid.blocks ? block.start(nextBlock++) : Status(); }

Status Launch::run() {
  size_t threads = static_cast<size_t>(grid.image.threads);
  if (!stacks.allocate(resident * threads))
    return makeError(StatusCode::OutOfMemory, "expects memory for the stacks of ", resident * threads,
                     " threads, but got none");
  for (size_t i = 0; i < resident; ++i) {
    blocks.push_back(std::make_unique<Block>(scheduler, grid, stacks, i * threads));
    if (Status status = startNext(*blocks.back()); !status.isOk())
      return status;
  }
  while (Thread *thread = scheduler.runUntilExit()) {
    Block &block = *thread->block;
    if (Status status = block.threadExited(*thread); !status.isOk())
      return makeError(status.code(), status.message(), " (end of block ", block.id(), ", thread ", thread->index, ")");
    if (!block.isRunning())
      if (Status status = startNext(block); !status.isOk())
        return status;
  }
  return scheduler.status().isOk() ? deadlock() : scheduler.status();
}

Status Launch::deadlock() const {
  auto stuck = std::find_if(blocks.begin(), blocks.end(), [](const auto &block) { return block->isRunning(); });
  if (stuck == blocks.end())
    return {};
  return makeError(StatusCode::DeviceError, "deadlock: ", (*stuck)->describe());
}

} // namespace sparse_attn::sim
