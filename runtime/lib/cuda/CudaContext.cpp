//===- CudaContext.cpp - A context, and how calls are made in it ----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "cuda/CudaContext.h"

namespace sparse_attn {

CudaScope::CudaScope(const CudaContext &context) : driver(*context.driver), result(driver.cuCtxGetCurrent(&before)) {
  if (!isOk() || before == context.handle)
    return;
  call = "cuCtxSetCurrent";
  result = driver.cuCtxSetCurrent(context.handle);
  changed = isOk();
}

CudaScope::~CudaScope() {
  if (changed)
    driver.cuCtxSetCurrent(before);
}

CudaRelaxedCapture::CudaRelaxedCapture(const CudaDriver &driver)
    : driver(driver), changed(driver.cuThreadExchangeStreamCaptureMode(&mode) == CudaResult::Success) {}

CudaRelaxedCapture::~CudaRelaxedCapture() {
  if (changed)
    driver.cuThreadExchangeStreamCaptureMode(&mode);
}

} // namespace sparse_attn
