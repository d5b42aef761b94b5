//===- CudaDevice.h - A GPU and the context it is used in -----*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_CUDA_CUDADEVICE_H
#define SPARSE_ATTN_LIB_CUDA_CUDADEVICE_H

#include "cuda/CudaContext.h"

namespace sparse_attn {

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

/// The accelerator of a GPU that was opened. Errors: OutOfMemory, DeviceError.
Result<std::shared_ptr<const Accelerator>> openCuda(CudaDevice device);

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_CUDA_CUDADEVICE_H
