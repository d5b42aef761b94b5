//===- Progress.h - Progress of long work on a terminal --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_SUPPORT_PROGRESS_H
#define SPARSE_ATTN_SUPPORT_PROGRESS_H

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace sparse_attn::tools {

/// A line on the standard error stream that says how far some work is, and goes away with this object. Silent where
/// the stream is no terminal. Any thread may advance it.
class Progress {
public:
  Progress(std::string label, int64_t total);
  ~Progress();

  void advance(int64_t amount = 1);

private:
  void draw();

  const std::string label;
  const int64_t total;
  const bool enabled;
  std::atomic<int64_t> done{0};
  std::mutex drawing;
  std::chrono::steady_clock::time_point lastDrawn;
};

} // namespace sparse_attn::tools

#endif // SPARSE_ATTN_SUPPORT_PROGRESS_H
