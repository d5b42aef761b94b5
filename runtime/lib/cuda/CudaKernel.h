//===- CudaKernel.h - A kernel loaded by the CUDA driver ------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An artifact holds a kernel as machine code (cubin) and as PTX. Machine code
// runs on the devices of one major capability; the driver compiles PTX for any
// later one, which costs seconds, and so is the second choice.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_CUDA_CUDAKERNEL_H
#define SPARSE_ATTN_LIB_CUDA_CUDAKERNEL_H

#include "cuda/CudaDevice.h"

namespace sparse_attn {

/// Immutable once loaded; the module is unloaded with it.
class CudaKernel final : public DeviceKernel {
public:
  /// Loads whichever image the device runs. Errors: Unsupported where it runs none, or the driver or the shared memory
  /// does not suffice; DeviceError.
  static Result<std::shared_ptr<const DeviceKernel>> load(const CudaDevice &device, const DeviceImage &image);

  CudaKernel(const CudaContext &context, const DeviceImage &image);
  CudaKernel(const CudaKernel &) = delete;
  CudaKernel &operator=(const CudaKernel &) = delete;
  ~CudaKernel() override;

  /// Whether it was loaded in that context.
  bool isOf(const CudaContext &other) const { return context.handle == other.handle; }

  /// See `Accelerator::launch`. One call of the driver, which a stream that is captured records.
  Status launch(int64_t blocks, const TensorMap *maps, const uint64_t *argumentBlock, void *stream) const;

private:
  Status loadModule(const CudaDevice &device, const DeviceImage &image);
  Status loadCubin(const DeviceImage &image);
  Status compilePtx(const DeviceImage &image);
  Status findFunction();

  CudaContext context;
  std::string symbol;
  int32_t threads, sharedBytes;
  size_t mapCount, blockBytes;
  CudaModuleHandle module = nullptr;
  CudaFunctionHandle function = nullptr;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_CUDA_CUDAKERNEL_H
