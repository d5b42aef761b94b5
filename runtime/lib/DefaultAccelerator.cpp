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

/// What was opened. It is never closed: when a process ends, its driver may be gone first.
struct OpenedAccelerators {
  std::mutex mutex;
  std::shared_ptr<const Accelerator> simulator;
  std::map<std::pair<const CudaDriver *, CudaContextHandle>, std::shared_ptr<const Accelerator>> gpus;
};

OpenedAccelerators &openedAccelerators() {
  static OpenedAccelerators *instance = new OpenedAccelerators;
  return *instance;
}

Opened openOnce(Opened (*open)(), std::shared_ptr<const Accelerator> &kept) {
  if (kept)
    return kept;
  Opened opened = open();
  if (opened.isOk())
    kept = *opened;
  return opened;
}

Opened simulator() {
  OpenedAccelerators &opened = openedAccelerators();
  std::lock_guard<std::mutex> lock(opened.mutex);
  return openOnce(openSimulator, opened.simulator);
}

Opened gpu() {
  Result<CudaContext> context = currentCudaContext();
  if (!context.isOk())
    return context.status();
  OpenedAccelerators &opened = openedAccelerators();
  std::lock_guard<std::mutex> lock(opened.mutex);
  return openOnce(openCuda, opened.gpus[{context->driver, context->handle}]);
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
