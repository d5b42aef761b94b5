//===- DeviceStep.h - A step that an accelerator runs ---------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `prepare` uploads what the analysis on the host has found. A launch is left
// with addresses: it fills the words of the arrays, makes the tensor maps, and
// starts the kernel.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_DEVICESTEP_H
#define SPARSE_ATTN_LIB_DEVICESTEP_H

#include "CacheTable.h"
#include "DeviceMemory.h"
#include "StepLaunch.h"

#include <atomic>
#include <memory>
#include <vector>

namespace sparse_attn {

/// What the host has found out about a step. All that is pointed to stays the caller's.
struct DeviceStepSource {
  const KernelInfo *kernel;
  const BlockLayout *layout;
  const std::vector<uint64_t> *block;    ///< Of the host.
  std::vector<Value> captures;           ///< On the host.
  const std::vector<int32_t> *sequences; ///< The table of sequences; empty without one.
  const PreparedRows *rows;
};

class DeviceStep final : public StepLaunch {
public:
  /// The most launches of one plan in several streams that may be unfinished at a time, where the kernel is persistent.
  static constexpr uint32_t maxLaunches = 64;
  /// The most items: persistent blocks count positions in 32 bits, and each asks for one behind the last.
  static constexpr int64_t maxItems = INT32_MAX - 65536;

  /// Uploads all that the kernel reads. `source.kernel` and `source.layout` must outlive the step. Errors:
  /// ShapeMismatch for too many items, OutOfMemory, DeviceError. Throws std::bad_alloc.
  static Result<std::unique_ptr<const StepLaunch>> make(std::shared_ptr<const Accelerator> accelerator,
                                                        std::shared_ptr<const DeviceKernel> loaded,
                                                        const DeviceStepSource &source);

  Status run(const StepArrays &arrays, const LaunchResources &resources) const override;
  size_t deviceBytes() const override { return memory.bytes(); }

private:
  DeviceStep(std::shared_ptr<const Accelerator> accelerator, std::shared_ptr<const DeviceKernel> loaded,
             const DeviceStepSource &source);

  Status upload(const DeviceStepSource &source);
  /// A word that becomes the address of a piece of memory.
  void point(size_t word, size_t offset) { pointers.push_back({word, offset}); }
  void addCaptures(const DeviceStepSource &source);
  void addLists(const RowLists &lists);
  void addOrder(const ItemOrder &order);
  Status encodeMaps(const StepArrays &arrays, TensorMap *maps) const;
  int64_t blocks() const;

  struct Pointer {
    size_t word, offset;
  };

  std::shared_ptr<const Accelerator> accelerator;
  std::shared_ptr<const DeviceKernel> loaded;
  const KernelInfo &kernel;
  const DeviceCode &code;
  const BlockLayout &layout;
  int64_t items;
  std::vector<uint64_t> block; ///< With addresses of the device.
  std::vector<Pointer> pointers;
  DeviceMemory memory;
  mutable std::atomic<uint32_t> nextCounter{0};
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_DEVICESTEP_H
