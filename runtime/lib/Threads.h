//===- Threads.h - Loops shared among threads -----------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Launches, `prepare` and the reference share loops of uneven iterations among
// threads in the same way: workers take chunks from a common counter. This is
// the only file, with its .cpp, that knows oneTBB.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_THREADS_H
#define SPARSE_ATTN_LIB_THREADS_H

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace sparse_attn {

/// Calls function(context, worker) for every worker in [0, workers), on up to `threadCount()` threads, and returns
/// when all calls have. One worker runs on the calling thread at once.
void runWorkers(int32_t workers, void (*function)(void *context, int32_t worker), void *context);

/// Calls body(worker, begin, end) for disjoint ranges of at most `chunk` numbers that cover [0, count), in ascending
/// order. Calls with the same `worker`, a number below `workers`, never overlap in time. Iterations must not depend
/// on each other.
template <typename Body> void parallelChunks(int64_t count, int64_t chunk, int32_t workers, const Body &body) {
  struct Shared {
    const Body &body;
    int64_t count, chunk;
    std::atomic<int64_t> next;
  } shared{body, count, chunk, {0}};
  int64_t chunks = count / chunk + (count % chunk != 0 ? 1 : 0);
  workers = static_cast<int32_t>(std::min<int64_t>(workers, chunks));
  if (workers < 1)
    return;
  auto drain = [](void *context, int32_t worker) {
    Shared &shared = *static_cast<Shared *>(context);
    for (;;) {
      int64_t begin = shared.next.fetch_add(shared.chunk, std::memory_order_relaxed);
      if (begin >= shared.count)
        return;
      shared.body(worker, begin, begin + std::min(shared.chunk, shared.count - begin));
    }
  };
  runWorkers(workers, drain, &shared);
}

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_THREADS_H
