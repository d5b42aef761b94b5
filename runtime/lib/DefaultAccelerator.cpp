//===- DefaultAccelerator.cpp - The device of GPU artifacts ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DefaultAccelerator.h"

#include "cuda/CudaDevice.h"

#include <cstdlib>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

namespace sparse_attn {

namespace {

using Opened = Result<std::shared_ptr<const Accelerator>>;

struct OpenedGpu {
  CudaContext context;
  std::shared_ptr<const Accelerator> accelerator;
};

/// What was opened. It is never closed: when a process ends, its driver may be gone first.
struct OpenedAccelerators {
  std::mutex mutex;
  std::shared_ptr<const Accelerator> simulator;
  std::map<std::pair<const CudaDriver *, CudaContextHandle>, OpenedGpu> gpus;
};

OpenedAccelerators &openedAccelerators() {
  static OpenedAccelerators *instance = new OpenedAccelerators;
  return *instance;
}

Opened simulator() {
  OpenedAccelerators &opened = openedAccelerators();
  std::lock_guard<std::mutex> lock(opened.mutex);
  if (opened.simulator)
    return opened.simulator;
  Opened simulator = openSimulator();
  if (simulator.isOk())
    opened.simulator = *simulator;
  return simulator;
}

Opened gpu() {
  Result<CudaContext> context = currentCudaContext();
  if (!context.isOk())
    return context.status();
  OpenedAccelerators &opened = openedAccelerators();
  std::lock_guard<std::mutex> lock(opened.mutex);
  OpenedGpu &gpu = opened.gpus[{context->driver, context->handle}];
  // A context may have been destroyed, and this one have come to its address.
  if (gpu.context.isAlive())
    return gpu.accelerator;
  Result<CudaDevice> device = openCudaDevice();
  if (!device.isOk())
    return device.status();
  CudaContext marked = device->context;
  Opened accelerator = openCuda(std::move(*device));
  if (accelerator.isOk())
    gpu = {std::move(marked), *accelerator};
  return accelerator;
}

} // namespace

Result<std::shared_ptr<const Accelerator>> defaultAccelerator() {
  const char *variable = std::getenv("SPARSE_ATTN_DEVICE");
  std::string_view name = variable && *variable ? variable : "cuda";
  if (name == "sim")
    return simulator();
  if (name == "cuda")
    return gpu();
  return makeError(StatusCode::InvalidArgument, "expects SPARSE_ATTN_DEVICE to be cuda or sim, but got '", name, "'");
}

} // namespace sparse_attn
