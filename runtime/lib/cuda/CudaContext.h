//===- CudaContext.h - A context, and how calls are made in it -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Memory, kernels and streams belong to a context, and the driver works on the
// one that is current in the calling thread. Every call of ours makes its own
// context current and puts back the caller's.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_CUDA_CUDACONTEXT_H
#define SPARSE_ATTN_LIB_CUDA_CUDACONTEXT_H

#include "cuda/CudaDriver.h"

namespace sparse_attn {

class CudaContextMark;

/// A context, and the driver that it is of. Contexts are never released: like those of the CUDA runtime, the primary
/// context lives as long as the process. One of the caller's own may be destroyed, and another come to lie at its
/// address; drivers do not say which handles are valid, and one that is not may not even be asked about.
struct CudaContext {
  const CudaDriver *driver = nullptr;
  CudaContextHandle handle = nullptr;
  std::shared_ptr<const CudaContextMark> mark; ///< Of opened devices.

  /// Sets the mark. Errors: OutOfMemory, DeviceError.
  Status placeMark();
  /// Whether the context has its mark still.
  bool isAlive() const;
  /// Calls `free` in the context, unless it is gone, and with it all that there was to free.
  template <typename Free> void release(const Free &free) const;
};

/// A byte of memory in a context, by which to tell whether that lives: its memory goes with a context, and the driver
/// numbers what it allocates and uses no number twice.
class CudaContextMark {
public:
  explicit CudaContextMark(const CudaContext &context) : context(context) {}
  ~CudaContextMark();
  CudaContextMark(const CudaContextMark &) = delete;
  CudaContextMark &operator=(const CudaContextMark &) = delete;

  /// Allocates the byte. Errors: OutOfMemory, DeviceError.
  Status place();
  bool isThere() const;

private:
  CudaContext context; ///< Without a mark.
  CudaAddress address = 0;
  uint64_t number = 0;
};

/// Makes a context current in this thread while it lives.
class CudaScope {
public:
  explicit CudaScope(const CudaContext &context);
  ~CudaScope();
  CudaScope(const CudaScope &) = delete;
  CudaScope &operator=(const CudaScope &) = delete;

  bool isOk() const { return result == CudaResult::Success; }
  Status status() const { return driver.check(result, call); }

private:
  const CudaDriver &driver;
  CudaContextHandle before = nullptr;
  bool changed = false;
  CudaResult result; ///< Of `call`.
  const char *call = "cuCtxGetCurrent";
};

/// While it lives, this thread may allocate, free and load though some stream is captured. By default the driver
/// refuses that during a capture in global mode, be it another thread's, and gives up the capture.
class CudaRelaxedCapture {
public:
  explicit CudaRelaxedCapture(const CudaDriver &driver);
  ~CudaRelaxedCapture();
  CudaRelaxedCapture(const CudaRelaxedCapture &) = delete;
  CudaRelaxedCapture &operator=(const CudaRelaxedCapture &) = delete;

private:
  const CudaDriver &driver;
  CudaCaptureMode mode = CudaCaptureMode::Relaxed; ///< Then that of the thread before.
  bool changed;
};

template <typename Free> void CudaContext::release(const Free &free) const {
  if (!isAlive())
    return;
  CudaRelaxedCapture relaxed(*driver);
  CudaScope scope(*this);
  if (scope.isOk())
    free();
}

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_CUDA_CUDACONTEXT_H
