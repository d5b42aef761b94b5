//===- CudaStream.cpp - A stream of our own -------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "cuda/CudaStream.h"

namespace sparse_attn {

CudaStream::~CudaStream() {
  if (handle)
    context.release([&] { context.driver->cuStreamDestroy_v2(handle); });
}

Status CudaStream::open() {
  CudaRelaxedCapture relaxed(*context.driver);
  CudaScope scope(context);
  if (!scope.isOk())
    return scope.status();
  return context.driver->check(context.driver->cuStreamCreate(&handle, CudaStreamFlags::NonBlocking), "cuStreamCreate");
}

Status CudaStream::upload(void *target, const void *host, size_t bytes) const {
  const CudaDriver &driver = *context.driver;
  CudaResult result = driver.cuMemcpyHtoDAsync_v2(reinterpret_cast<CudaAddress>(target), host, bytes, handle);
  if (Status status = driver.check(result, "cuMemcpyHtoDAsync of ", bytes, " bytes to ", target); !status.isOk())
    return status;
  return driver.check(driver.cuStreamSynchronize(handle), "cuStreamSynchronize after cuMemcpyHtoDAsync");
}

} // namespace sparse_attn
