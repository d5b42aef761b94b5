//===- Block.cpp - A block on a simulated multiprocessor ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/Block.h"

#include <sstream>

namespace sparse_attn::sim {

Block::Block(Scheduler &scheduler, const Grid &grid, const FiberStacks &stacks, size_t firstStack)
    : scheduler(scheduler), barriers(scheduler, grid.image.threads), mbarriers(scheduler, shared), launch(grid),
      stacks(stacks), firstStack(firstStack), threads(static_cast<size_t>(grid.image.threads)) {
  for (size_t i = 0; i < threads.size(); ++i) {
    threads[i].block = this;
    threads[i].index = static_cast<int32_t>(i);
  }
  for (size_t i = 0; i < threads.size(); i += Thread::warpSize)
    warps.emplace_back(scheduler, shared, &threads[i]);
  for (size_t i = 0; i + Thread::warpgroupSize <= threads.size(); i += Thread::warpgroupSize)
    warpgroups.emplace_back(scheduler, shared, &threads[i]);
}

Status Block::start(int64_t id) {
  if (shared.base() == nullptr && !shared.allocate())
    return makeError(StatusCode::OutOfMemory, "expects memory for the shared memory of a block, but got none");
  blockId = id;
  live = threads.size();
  shared.reset(static_cast<size_t>(launch.image.sharedBytes));
  barriers.reset();
  mbarriers.reset();
  for (Warp &warp : warps)
    warp.reset();
  for (Warpgroup &warpgroup : warpgroups)
    warpgroup.reset();
  for (size_t i = 0; i < threads.size(); ++i) {
    Thread &thread = threads[i];
    thread.exited = false;
    thread.copies.reset();
    thread.stores.reset();
    prepareContext(thread.context, stacks.stack(firstStack + i), FiberStacks::bytes, runThread, &thread);
    stacks.mark(firstStack + i);
    scheduler.makeReady(thread);
  }
  return {};
}

void Block::runThread(void *argument) {
  Thread &thread = *static_cast<Thread *>(argument);
  Block &block = *thread.block;
  enterContext(block.scheduler.launcher());
  block.launch.image.simulated(callTable(), &thread, block.launch.maps, block.launch.argumentBlock);
  thread.exited = true;
  block.scheduler.leave(thread);
}

Status Block::threadExited(Thread &thread) {
  --live;
  if (!stacks.isMarked(firstStack + static_cast<size_t>(thread.index)))
    return makeError(StatusCode::DeviceError, "expects a thread to use at most ", size_t(FiberStacks::bytes),
                     " bytes of stack, but got more");
  if (Status status = thread.copies.finish(shared); !status.isOk())
    return status;
  if (Status status = thread.stores.finish(); !status.isOk())
    return status;
  if (live != 0)
    return {};
  if (Status status = scheduler.tensorLoads().checkNone(*this); !status.isOk())
    return status;
  return shared.checkEnd();
}

Status Block::warpgroupOf(const Thread &thread, Warpgroup *&warpgroup) {
  size_t index = static_cast<size_t>(thread.index / Thread::warpgroupSize);
  if (index >= warpgroups.size())
    return makeError(StatusCode::DeviceError, "expects a warpgroup of 128 threads, but got the last ",
                     threads.size() % Thread::warpgroupSize, " threads of a block");
  warpgroup = &warpgroups[index];
  return {};
}

std::string Block::describe(const Thread &thread) const {
  if (thread.exited)
    return "ended";
  const Place &place = thread.place;
  std::ostringstream text;
  text << "in " << callName(place.call);
  if (place.call == Call::barrier)
    text << ' ' << place.object << " (" << barriers.describe(place.object) << ')';
  if (place.call == Call::mbarrier_wait)
    text << " of parity " << place.parity << " (" << mbarriers.describe(place.object) << ')';
  return text.str();
}

std::string Block::describe() const {
  std::ostringstream text;
  text << "block " << blockId << ": ";
  for (size_t begin = 0, end; begin < threads.size(); begin = end) {
    std::string place = describe(threads[begin]);
    for (end = begin + 1; end < threads.size() && describe(threads[end]) == place;)
      ++end;
    text << (begin == 0 ? "" : ", ");
    if (end - begin == 1)
      text << "thread " << begin;
    else
      text << "threads " << begin << " to " << end - 1;
    text << ' ' << place;
  }
  return text.str();
}

} // namespace sparse_attn::sim
