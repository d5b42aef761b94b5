//===- MBarriers.h - The mbarriers of a block -------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_MBARRIERS_H
#define SPARSE_ATTN_LIB_SIM_MBARRIERS_H

#include "sim/Scheduler.h"
#include "sim/SharedMemory.h"

#include <string>
#include <vector>

namespace sparse_attn::sim {

/// An mbarrier is 8 bytes of shared memory that count the arrivals and the bytes of a phase. Here they hold an index
/// into a table, so that one that was never initialised, or was overwritten, is found out.
class MBarriers {
public:
  MBarriers(Scheduler &scheduler, const SharedMemory &shared) : scheduler(scheduler), shared(shared) {}

  void reset() { barriers.clear(); }
  Status init(const Thread &thread, void *address, int32_t count);
  /// What this thread has initialised may be named by copies from now on (fence.mbarrier_init).
  void makeVisible(const Thread &thread);
  /// The index of one that copies may name.
  Status findVisible(const void *address, int32_t &index) const;

  /// One arrival, which also makes the phase wait for `bytes` more bytes.
  Status arrive(const void *address, int32_t bytes);
  /// `bytes` bytes have come.
  Status complete(int32_t index, int32_t bytes);
  /// Waits until the phase of that parity is complete.
  Status wait(Thread &thread, const void *address, int32_t parity);

  /// "offset 64, phase 3, 1 arrival and 4096 bytes pending".
  std::string describe(int32_t index) const;

private:
  struct MBarrier {
    size_t offset;
    int32_t count, pending; ///< Arrivals of a phase, and those still missing.
    int32_t bytes = 0;      ///< Expected, less those that have come; below 0 where some came early.
    int32_t phase = 0;
    int32_t maker;
    bool visible = false;
    std::vector<Thread *> waiting;
  };

  Status find(const void *address, int32_t &index) const;
  Status addBytes(MBarrier &barrier, int32_t bytes);
  void endPhase(MBarrier &barrier);

  Scheduler &scheduler;
  const SharedMemory &shared;
  std::vector<MBarrier> barriers;
};

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_MBARRIERS_H
