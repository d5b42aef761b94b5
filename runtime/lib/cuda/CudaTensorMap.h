//===- CudaTensorMap.h - Tensor maps for the CUDA driver ------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_CUDA_CUDATENSORMAP_H
#define SPARSE_ATTN_LIB_CUDA_CUDATENSORMAP_H

#include "cuda/CudaDevice.h"

namespace sparse_attn {

/// See `Accelerator::encode`. Errors: also Unsupported before sm_90 and CUDA 12.0, which have no tensor maps.
Status encodeTensorMap(const CudaDevice &device, const TensorMapRequest &request, TensorMap &map);

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_CUDA_CUDATENSORMAP_H
