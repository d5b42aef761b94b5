//===- StepLaunch.h - How a step runs -------------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a step computes, and in which order, is analysed once, on the host, for
// every device alike. What is left for a launch differs: the CPU calls compiled
// code for the items, an accelerator starts a kernel on what has been uploaded.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_STEPLAUNCH_H
#define SPARSE_ATTN_LIB_STEPLAUNCH_H

#include "ArgumentBlock.h"

#include <cstddef>
#include <cstdint>

namespace sparse_attn {

/// What a launch of a plan lends to its steps.
struct LaunchResources {
  char *scratch; ///< `maxWorkers` pieces of `scratchStride` bytes, each as large as any step needs; on the CPU.
  size_t scratchStride;
  int32_t maxWorkers;
  void *stream; ///< Of the accelerator.
};

/// Runs one step, again and again. Several threads may launch at a time.
class StepLaunch {
public:
  virtual ~StepLaunch() = default;
  /// Allocates nothing on success. Errors: InvalidArgument, DeviceError.
  virtual Status run(const StepArrays &arrays, const LaunchResources &resources) const = 0;
  /// Memory of an accelerator that is kept for launches.
  virtual size_t deviceBytes() const { return 0; }
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_STEPLAUNCH_H
