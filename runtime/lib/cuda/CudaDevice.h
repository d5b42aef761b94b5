//===- CudaDevice.h - A GPU and the context it is used in -----*- C++ -*-===//
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
#ifndef SPARSE_ATTN_LIB_CUDA_CUDADEVICE_H
#define SPARSE_ATTN_LIB_CUDA_CUDADEVICE_H

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

/// What the driver says of a GPU.
struct CudaDevice {
  CudaContext context;
  std::string name;          ///< "NVIDIA H200".
  int32_t driverVersion = 0; ///< 12040 is CUDA 12.4.
  int32_t major = 0, minor = 0;
  int32_t multiprocessors = 0;
  int32_t maxSharedBytes = 0; ///< Of a block.

  const CudaDriver &driver() const { return *context.driver; }
  /// "sm_90".
  std::string architecture() const;
};

/// The current context; where there is none, the primary one of device 0, which is made current.
///
/// Errors: Unsupported without a driver of CUDA 11.0, the first for sm_80, or without a device; DeviceError.
Result<CudaContext> currentCudaContext();

/// The GPU of `currentCudaContext`, with its errors.
Result<CudaDevice> openCudaDevice();

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_CUDA_CUDADEVICE_H
