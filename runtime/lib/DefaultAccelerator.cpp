//===- DefaultAccelerator.cpp - The device of GPU artifacts ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DefaultAccelerator.h"

#include <cstdlib>
#include <mutex>
#include <string_view>

namespace sparse_attn {

namespace {

using Opened = Result<std::shared_ptr<const Accelerator>>;

/// What was opened. It is never closed: when a process ends, its driver may be gone first.
template <Opened (*open)()> Opened openOnce() {
  static std::mutex &mutex = *new std::mutex;
  static std::shared_ptr<const Accelerator> &kept = *new std::shared_ptr<const Accelerator>;
  std::lock_guard<std::mutex> lock(mutex);
  if (kept)
    return kept;
  Opened opened = open();
  if (opened.isOk())
    kept = *opened;
  return opened;
}

} // namespace

Result<std::shared_ptr<const Accelerator>> defaultAccelerator() {
  const char *variable = std::getenv("SPARSE_ATTN_DEVICE");
  std::string_view name = variable && *variable ? variable : "cuda";
  if (name == "sim")
    return openOnce<openSimulator>();
  if (name == "cuda")
    return openOnce<openCuda>();
  return makeError(StatusCode::InvalidArgument, "expects SPARSE_ATTN_DEVICE to be cuda or sim, but got '", name, "'");
}

} // namespace sparse_attn
