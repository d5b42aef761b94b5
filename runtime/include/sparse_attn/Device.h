//===- Device.h - Where the items of a kernel run -------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plan decides what is computed and in which order; a device decides who
// computes it. The CPU is such a device; Accelerator.h has those with memory of
// their own.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_DEVICE_H
#define SPARSE_ATTN_DEVICE_H

#include "sparse_attn/Export.h"
#include "sparse_attn/Status.h"

#include <cstdint>

namespace sparse_attn {

class ItemOrder;

/// Computes items [begin, end) of a kernel; see docs/artifact.md.
using ItemsEntry = int32_t (*)(const uint64_t *block, int64_t begin, int64_t end, void *scratch);

/// One kernel and all it needs to run. The caller owns everything.
struct KernelLaunch {
  ItemsEntry items;
  const uint64_t *block;
  const ItemOrder *order; ///< Which item comes when, and how many there are.
  char *scratch;          ///< `maxWorkers` pieces of `scratchStride` bytes, 64-byte aligned.
  size_t scratchStride;
  int32_t maxWorkers; ///< The most threads that may share this launch.
};

/// Runs kernels. Thread-safe.
class SPARSE_ATTN_EXPORT Device {
public:
  virtual ~Device();
  /// Computes every item and returns when all are done. Errors: DeviceError where the kernel reports a failure.
  virtual Status run(const KernelLaunch &launch) const = 0;
};

/// The CPU: the threads of a oneTBB arena take items one by one from a common counter.
SPARSE_ATTN_EXPORT const Device &cpuDevice();

/// Threads that launches and `prepare` use.
SPARSE_ATTN_EXPORT int32_t threadCount();
/// Sets that number; 0 restores the default, all cores. Errors: InvalidArgument outside [0, 1024].
SPARSE_ATTN_EXPORT Status setThreadCount(int32_t threads);

} // namespace sparse_attn

#endif // SPARSE_ATTN_DEVICE_H
