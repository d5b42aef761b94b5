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

/// A context, and the driver that it is of. Contexts are never released: like those of the CUDA runtime, the primary
/// context lives as long as the process.
struct CudaContext {
  const CudaDriver *driver = nullptr;
  CudaContextHandle handle = nullptr;
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

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_CUDA_CUDACONTEXT_H
