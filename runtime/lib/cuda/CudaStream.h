//===- CudaStream.h - A stream of our own ---------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The default stream waits for the others, and so may not be used while one of
// them is captured. Uploads go through a stream that no other waits for.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_CUDA_CUDASTREAM_H
#define SPARSE_ATTN_LIB_CUDA_CUDASTREAM_H

#include "cuda/CudaContext.h"

namespace sparse_attn {

/// A stream that neither waits for the default one nor holds it up; destroyed with this object.
class CudaStream {
public:
  explicit CudaStream(const CudaContext &context) : context(context) {}
  ~CudaStream();
  CudaStream(const CudaStream &) = delete;
  CudaStream &operator=(const CudaStream &) = delete;

  /// Makes the stream. Errors: OutOfMemory, DeviceError.
  Status open();

  /// Copies in the current context, and waits. Errors: DeviceError.
  Status upload(void *target, const void *host, size_t bytes) const;

private:
  CudaContext context;
  CudaStreamHandle handle = nullptr;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_CUDA_CUDASTREAM_H
