//===- CudaContext.cpp - A context, and how calls are made in it ----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "cuda/CudaContext.h"

#include <utility>

namespace sparse_attn {

//===----------------------------------------------------------------------===//
// Marks
//===----------------------------------------------------------------------===//

Status CudaContext::placeMark() {
  auto placed = std::make_shared<CudaContextMark>(*this);
  if (Status status = placed->place(); !status.isOk())
    return status;
  mark = std::move(placed);
  return {};
}

bool CudaContext::isAlive() const { return mark && mark->isThere(); }

CudaContextMark::~CudaContextMark() {
  if (!isThere())
    return;
  CudaRelaxedCapture relaxed(*context.driver);
  CudaScope scope(context);
  if (scope.isOk())
    context.driver->cuMemFree_v2(address);
}

Status CudaContextMark::place() {
  const CudaDriver &driver = *context.driver;
  CudaRelaxedCapture relaxed(driver);
  CudaScope scope(context);
  if (!scope.isOk())
    return scope.status();
  if (Status status = driver.check(driver.cuMemAlloc_v2(&address, 1), "cuMemAlloc of 1 byte"); !status.isOk()) {
    address = 0;
    return status;
  }
  CudaResult result = driver.cuPointerGetAttribute(&number, CudaPointerAttribute::BufferId, address);
  if (result != CudaResult::Success)
    driver.cuMemFree_v2(std::exchange(address, 0));
  return driver.check(result, "cuPointerGetAttribute of a buffer's number");
}

bool CudaContextMark::isThere() const {
  uint64_t found = 0;
  return address &&
         context.driver->cuPointerGetAttribute(&found, CudaPointerAttribute::BufferId, address) ==
             CudaResult::Success &&
         found == number;
}

//===----------------------------------------------------------------------===//
// Guards
//===----------------------------------------------------------------------===//

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
