//===- DeviceMemory.cpp - What a step keeps on an accelerator -------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceMemory.h"

#include <algorithm>

namespace sparse_attn {

size_t DeviceMemory::addZeros(size_t bytes) {
  size_t offset = staged.size();
  size_t pieces = std::max<size_t>((bytes + alignment - 1) / alignment, 1);
  staged.resize(offset + pieces * alignment);
  return offset;
}

size_t DeviceMemory::add(const void *data, size_t bytes) {
  size_t offset = addZeros(bytes);
  const uint8_t *from = static_cast<const uint8_t *>(data);
  std::copy(from, from + bytes, staged.begin() + static_cast<ptrdiff_t>(offset));
  return offset;
}

Status DeviceMemory::upload(const Accelerator &accelerator) {
  if (staged.empty())
    return {};
  Result<std::shared_ptr<DeviceBuffer>> allocated = accelerator.allocate(staged.size());
  if (!allocated.isOk())
    return allocated.status();
  buffer = std::move(*allocated);
  Status status = accelerator.copyToDevice(buffer->data(), staged.data(), staged.size());
  std::vector<uint8_t>().swap(staged);
  return status;
}

uint64_t DeviceMemory::address(size_t offset) const {
  return reinterpret_cast<uintptr_t>(static_cast<char *>(buffer->data()) + offset);
}

} // namespace sparse_attn
