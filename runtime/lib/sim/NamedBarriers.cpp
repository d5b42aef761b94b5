//===- NamedBarriers.cpp - The 16 barriers of a block ---------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/NamedBarriers.h"

#include <sstream>

namespace sparse_attn::sim {

void NamedBarriers::reset() {
  for (Barrier &barrier : barriers) {
    barrier.arrived = 0;
    barrier.waiting.clear();
  }
}

Status NamedBarriers::arrive(int32_t id, int32_t threads) {
  if (id < 0 || id >= static_cast<int32_t>(barriers.size()))
    return makeError(StatusCode::DeviceError, "expects a barrier from 0 to ", barriers.size() - 1, ", but got ", id);
  if (threads == 0)
    threads = blockThreads;
  if (threads < 0 || threads > blockThreads || threads % Thread::warpSize != 0)
    return makeError(StatusCode::DeviceError, "expects a multiple of 32 from 32 to the ", blockThreads,
                     " threads of a block at barrier ", id, ", but got ", threads);
  Barrier &barrier = barriers[static_cast<size_t>(id)];
  if (barrier.arrived == 0)
    barrier.expected = threads;
  else if (barrier.expected != threads)
    return makeError(StatusCode::DeviceError, "expects all threads at barrier ", id,
                     " to name one number of threads, but got ", barrier.expected, " and ", threads);
  if (++barrier.arrived < barrier.expected)
    return {};
  barrier.arrived = 0;
  for (Thread *thread : barrier.waiting)
    scheduler.makeReady(*thread);
  barrier.waiting.clear();
  return {};
}

Status NamedBarriers::wait(Thread &thread, int32_t id, int32_t threads) {
  if (Status status = arrive(id, threads); !status.isOk())
    return status;
  Barrier &barrier = barriers[static_cast<size_t>(id)];
  if (barrier.arrived == 0)
    return {};
  barrier.waiting.push_back(&thread);
  scheduler.wait(thread, {Call::barrier, id});
  return {};
}

std::string NamedBarriers::describe(int32_t id) const {
  const Barrier &barrier = barriers[static_cast<size_t>(id)];
  std::ostringstream text;
  text << barrier.arrived << " of " << barrier.expected << " threads have arrived";
  return text.str();
}

} // namespace sparse_attn::sim
