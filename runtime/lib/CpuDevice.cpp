//===- CpuDevice.cpp - Run the items of a kernel on the CPU ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The threads of a launch take small chunks of items from one counter, in the
// order of the plan. Items do not depend on each other, so that results are
// the same for any number of threads. One thread runs at once, without oneTBB.
//
//===----------------------------------------------------------------------===//

#include "ItemOrder.h"
#include "Threads.h"
#include "sparse_attn/Device.h"

namespace sparse_attn {

namespace {

/// Chunks that each thread gets on average, where there are enough items; more balance better, fewer cost less.
constexpr int64_t chunksPerWorker = 32;
constexpr int64_t maxChunk = 16;

Status kernelFailed(int32_t code) {
  return makeError(StatusCode::DeviceError, "expects the kernel to succeed, but got error ", code);
}

class CpuDevice final : public Device {
public:
  Status run(const KernelLaunch &launch) const override {
    const ItemOrder &order = *launch.order;
    int64_t items = order.items();
    if (items == 0)
      return {};
    int32_t workers = static_cast<int32_t>(std::min<int64_t>({launch.maxWorkers, threadCount(), items}));
    if (workers <= 1) {
      int32_t code = launch.items(launch.block, 0, items, launch.scratch);
      return code == 0 ? Status() : kernelFailed(code);
    }
    int64_t chunk = std::clamp<int64_t>(items / (workers * chunksPerWorker), 1, maxChunk);
    std::atomic<int32_t> failure{0};
    parallelChunks(items, chunk, workers, [&](int32_t worker, int64_t begin, int64_t end) {
      if (failure.load(std::memory_order_relaxed) != 0)
        return;
      int32_t code =
          runChunk(launch, order, begin, end, launch.scratch + static_cast<size_t>(worker) * launch.scratchStride);
      if (code != 0)
        failure.store(code, std::memory_order_relaxed);
    });
    return failure == 0 ? Status() : kernelFailed(failure);
  }

private:
  static int32_t runChunk(const KernelLaunch &launch, const ItemOrder &order, int64_t begin, int64_t end,
                          void *scratch) {
    if (order.isNatural())
      return launch.items(launch.block, begin, end, scratch);
    for (int64_t position = begin; position < end; ++position) {
      int64_t item = order.item(position);
      if (int32_t code = launch.items(launch.block, item, item + 1, scratch); code != 0)
        return code;
    }
    return 0;
  }
};

} // namespace

Device::~Device() = default;

const Device &cpuDevice() {
  static const CpuDevice device;
  return device;
}

} // namespace sparse_attn
