//===- Accelerator.cpp - A device with memory of its own ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/Accelerator.h"

namespace sparse_attn {

DeviceBuffer::~DeviceBuffer() = default;
DeviceKernel::~DeviceKernel() = default;
Accelerator::~Accelerator() = default;

} // namespace sparse_attn
