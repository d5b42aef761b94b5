//===- Progress.cpp - Progress of long work on a terminal ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/Progress.h"

#include <algorithm>
#include <cstdio>
#include <unistd.h>
#include <utility>

namespace sparse_attn::tools {

Progress::Progress(std::string label, int64_t total)
    : label(std::move(label)), total(std::max<int64_t>(total, 1)), enabled(isatty(STDERR_FILENO)),
      lastDrawn(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (enabled)
    std::fprintf(stderr, "\r\033[K");
}

void Progress::advance(int64_t amount) {
  done += amount;
  if (enabled)
    draw();
}

void Progress::draw() {
  std::unique_lock<std::mutex> lock(drawing, std::try_to_lock);
  auto now = std::chrono::steady_clock::now();
  if (!lock || now - lastDrawn < std::chrono::milliseconds(100))
    return;
  lastDrawn = now;
  std::fprintf(stderr, "\r%s: %3.0f %%", label.c_str(), 100.0 * static_cast<double>(done) / static_cast<double>(total));
}

} // namespace sparse_attn::tools
