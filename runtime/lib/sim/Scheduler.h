//===- Scheduler.h - Who runs next, and when copies land --------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A GPU promises little about the order of threads and asynchronous copies. A
// schedule picks one of the allowed orders, so that a kernel that is right
// under some of them only is found out. Threads switch to each other directly.
//
// A fiber that is left for good runs no destructors, so that nothing on its
// stack may own memory while it waits.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_SCHEDULER_H
#define SPARSE_ATTN_LIB_SIM_SCHEDULER_H

#include "sim/Random.h"
#include "sim/TensorLoads.h"
#include "sim/Thread.h"
#include "sparse_attn/Accelerator.h"

#include <vector>

namespace sparse_attn::sim {

class Scheduler {
public:
  /// For at most `threads` threads at a time.
  Scheduler(const SimulatorOptions &options, size_t threads);

  // What the threads call.

  void makeReady(Thread &thread);
  /// Lets others run until one of them has made `thread` ready.
  void wait(Thread &thread, const Place &place);
  /// Where the schedule likes, lets others run first.
  void pause(Thread &thread);
  /// Ends the thread, whose stack may be reused.
  [[noreturn]] void leave(Thread &thread);
  /// Ends the launch; only the first failure counts. The caller must leave or return to the scheduler.
  void fail(Status failure);
  Context &launcher() { return mainContext; }
  TensorLoads &tensorLoads() { return loads; }

  // What the launch calls.

  /// Runs threads until one of them ends, and returns that. Null where none can go on, or after a failure.
  Thread *runUntilExit();
  const Status &status() const { return failure; }

private:
  /// Takes the next thread that can go on, letting copies land. Null where there is none, or after a failure.
  Thread *next();
  Thread &takeReady();
  void landOne(size_t index);

  SimulatorOptions::Schedule schedule;
  Random random;
  Context mainContext;
  Status failure;
  Thread *ended = nullptr;
  TensorLoads loads;
  // A ring: each thread is in it at most once.
  std::vector<Thread *> ready;
  size_t first = 0, count = 0;
};

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_SCHEDULER_H
