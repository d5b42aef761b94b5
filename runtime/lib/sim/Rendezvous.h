//===- Rendezvous.h - Threads that act together -----------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_RENDEZVOUS_H
#define SPARSE_ATTN_LIB_SIM_RENDEZVOUS_H

#include "sim/Scheduler.h"

#include <cstdint>

namespace sparse_attn::sim {

/// A warp or a warpgroup, whose threads meet in each collective call.
class Rendezvous {
public:
  Rendezvous(Scheduler &scheduler, Thread *threads, int32_t count)
      : scheduler(scheduler), threads(threads), count(count) {}

  /// Forgets who has arrived, for a new block.
  void reset() { arrived = 0; }

  /// Whether no thread has arrived yet at the next meeting.
  bool isEmpty() const { return arrived == 0; }

  /// Errors: DeviceError where a thread calls something else than the first, or gives another option.
  Status check(Call call, int32_t option = 0) const {
    if (arrived == 0 || (call == currentCall && option == currentOption))
      return {};
    const char *team = count == Thread::warpSize ? "warp" : "warpgroup";
    if (call != currentCall)
      return makeError(StatusCode::DeviceError, "expects all threads of a ", team, " in ", callName(currentCall),
                       " as thread ", firstThread, ", but got ", callName(call));
    return makeError(StatusCode::DeviceError, "expects all threads of a ", team, " to give ", callName(call),
                     " one option, but got ", currentOption, " and ", option);
  }

  /// Returns in each thread when all have arrived. The last one calls `act` before. Errors: those of `check` and of
  /// `act`.
  template <typename Action> Status meet(Thread &thread, Call call, int32_t option, const Action &act) {
    if (Status status = check(call, option); !status.isOk())
      return status;
    if (arrived++ == 0) {
      currentCall = call;
      currentOption = option;
      firstThread = thread.index;
    }
    if (arrived < count) {
      scheduler.wait(thread, {call});
      return {};
    }
    arrived = 0;
    if (Status status = act(); !status.isOk())
      return status;
    for (int32_t i = 0; i < count; ++i)
      if (&threads[i] != &thread)
        scheduler.makeReady(threads[i]);
    return {};
  }

private:
  Scheduler &scheduler;
  Thread *threads;
  int32_t count;
  int32_t arrived = 0;
  int32_t firstThread = 0;
  Call currentCall{};
  int32_t currentOption = 0;
};

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_RENDEZVOUS_H
