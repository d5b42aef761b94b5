//===- Timing.h - Measured runs --------------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_RUN_TIMING_H
#define SPARSE_ATTN_RUN_TIMING_H

#include <functional>

namespace sparse_attn::tools::run {

/// Calls `launch` once to warm up, then `runs` times; returns the median in milliseconds.
double medianMilliseconds(int runs, const std::function<void()> &launch);

} // namespace sparse_attn::tools::run

#endif // SPARSE_ATTN_RUN_TIMING_H
