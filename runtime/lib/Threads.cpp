//===- Threads.cpp - Loops shared among threads ---------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Threads.h"

#include "sparse_attn/Device.h"

#include <memory>
#include <mutex>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

namespace sparse_attn {

namespace {

constexpr int32_t maxThreads = 1024;

/// The threads of this process that run sparse-attn. Launches share the arena, so that concurrent launches do not
/// make more threads than were asked for.
class Pool {
public:
  int32_t threads() const { return threadCount.load(std::memory_order_relaxed); }

  void setThreads(int32_t threads) {
    std::lock_guard<std::mutex> lock(mutex);
    int32_t cores = defaultThreads();
    threads = threads > 0 ? threads : cores;
    if (threads == threadCount)
      return;
    // oneTBB makes no more threads than cores unless told so.
    moreThreads.reset();
    if (threads > cores)
      moreThreads = std::make_unique<oneapi::tbb::global_control>(oneapi::tbb::global_control::max_allowed_parallelism,
                                                                  static_cast<size_t>(threads));
    currentArena.reset();
    threadCount = threads;
  }

  /// A running launch keeps the arena it started with.
  std::shared_ptr<oneapi::tbb::task_arena> arena() {
    std::lock_guard<std::mutex> lock(mutex);
    if (!currentArena) {
      currentArena = std::make_shared<oneapi::tbb::task_arena>(threadCount);
      currentArena->initialize();
    }
    return currentArena;
  }

private:
  static int32_t defaultThreads() { return std::clamp(oneapi::tbb::info::default_concurrency(), 1, maxThreads); }

  std::mutex mutex;
  std::atomic<int32_t> threadCount{defaultThreads()};
  std::shared_ptr<oneapi::tbb::task_arena> currentArena; ///< Null until somebody needs it.
  std::unique_ptr<oneapi::tbb::global_control> moreThreads;
};

/// Never destroyed: a launch may still run while the program exits.
Pool &pool() {
  static Pool *instance = new Pool;
  return *instance;
}

} // namespace

int32_t threadCount() { return pool().threads(); }

Status setThreadCount(int32_t threads) {
  if (threads < 0 || threads > maxThreads)
    return makeError(StatusCode::InvalidArgument, "expects 0 to ", maxThreads, " threads, but got ", threads);
  pool().setThreads(threads);
  return {};
}

void runWorkers(int32_t workers, void (*function)(void *context, int32_t worker), void *context) {
  workers = std::min(workers, threadCount());
  if (workers <= 1)
    return function(context, 0);
  std::shared_ptr<oneapi::tbb::task_arena> arena = pool().arena();
  arena->execute([&] {
    // While this thread waits it must not take up the work of another launch.
    oneapi::tbb::this_task_arena::isolate([&] {
      oneapi::tbb::parallel_for(
          0, workers, [&](int32_t worker) { function(context, worker); }, oneapi::tbb::simple_partitioner());
    });
  });
}

} // namespace sparse_attn
