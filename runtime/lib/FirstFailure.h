//===- FirstFailure.h - One failure among many threads --------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Threads that share a loop cannot return from it. The first failure is kept,
// and tells the other threads to stop early.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_FIRSTFAILURE_H
#define SPARSE_ATTN_LIB_FIRSTFAILURE_H

#include "sparse_attn/Status.h"

#include <atomic>
#include <mutex>

namespace sparse_attn {

/// Thread-safe, but for `status()`.
class FirstFailure {
public:
  bool none() const { return !failed.load(std::memory_order_relaxed); }

  void record(Status status) {
    std::lock_guard<std::mutex> lock(mutex);
    if (failed)
      return;
    first = std::move(status);
    failed = true;
  }

  /// The failure, or success; only after the threads have joined.
  const Status &status() const { return first; }

private:
  std::atomic<bool> failed{false};
  std::mutex mutex;
  Status first;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_FIRSTFAILURE_H
