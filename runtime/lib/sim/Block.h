//===- Block.h - A block on a simulated multiprocessor ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_BLOCK_H
#define SPARSE_ATTN_LIB_SIM_BLOCK_H

#include "sim/FiberStacks.h"
#include "sim/MBarriers.h"
#include "sim/NamedBarriers.h"
#include "sim/SharedMemory.h"
#include "sim/Warp.h"
#include "sim/Warpgroup.h"

#include <string>
#include <vector>

namespace sparse_attn::sim {

/// What all blocks of a launch share.
struct Grid {
  const DeviceImage &image;
  int64_t blocks;
  const TensorMap *maps;
  const uint64_t *argumentBlock;
};

/// One resident block after the other: its memory and stacks serve the next one too.
class Block {
public:
  /// Uses the stacks from `firstStack` on.
  Block(Scheduler &scheduler, const Grid &grid, const FiberStacks &stacks, size_t firstStack);
  Block(const Block &) = delete;
  Block &operator=(const Block &) = delete;

  /// Makes the threads of block `id` ready. Errors: OutOfMemory.
  Status start(int64_t id);
  /// Whether its threads are between start and end.
  bool isRunning() const { return live != 0; }
  /// To be called for each thread that has ended. Errors: DeviceError where the block ends and leaves work behind, or
  /// has written where it must not.
  Status threadExited(Thread &thread);

  int64_t id() const { return blockId; }
  const Grid &grid() const { return launch; }
  /// Errors: DeviceError where warpgroups do not divide the block.
  Status warpgroupOf(const Thread &thread, Warpgroup *&warpgroup);
  Warp &warpOf(const Thread &thread) { return warps[static_cast<size_t>(thread.index / Thread::warpSize)]; }
  /// "block 3: threads 0 to 31 in shuffle_xor, threads 32 to 63 ended".
  std::string describe() const;

  Scheduler &scheduler;
  SharedMemory shared;
  NamedBarriers barriers;
  MBarriers mbarriers;

private:
  static void runThread(void *thread);
  std::string describe(const Thread &thread) const;

  const Grid &launch;
  const FiberStacks &stacks;
  size_t firstStack;
  int64_t blockId = 0;
  size_t live = 0; ///< Threads that have not ended.
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  std::vector<Warpgroup> warpgroups;
};

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_BLOCK_H
