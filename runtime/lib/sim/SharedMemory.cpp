//===- SharedMemory.cpp - The shared memory of a block --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/SharedMemory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace sparse_attn::sim {

namespace {

/// Unlike poison, which kernels may copy.
constexpr unsigned char endMark = 0xa5;

} // namespace

void SharedMemory::Free::operator()(char *pointer) const { std::free(pointer); }

bool SharedMemory::allocate() {
  memory.reset(static_cast<char *>(std::aligned_alloc(alignment, alignment)));
  return memory != nullptr;
}

void SharedMemory::reset(size_t newBytes) {
  bytes = newBytes;
  std::memset(memory.get(), poison, bytes);
  std::memset(memory.get() + bytes, endMark, alignment - bytes);
}

Status SharedMemory::checkEnd() const {
  const char *end = memory.get() + bytes, *last = memory.get() + alignment;
  const char *changed = std::find_if(end, last, [](char byte) { return static_cast<unsigned char>(byte) != endMark; });
  if (changed == last)
    return {};
  return makeError(StatusCode::DeviceError, "expects writes within the ", bytes, " bytes of shared memory, but byte ",
                   changed - memory.get(), " was written");
}

Status SharedMemory::misplaced(size_t offset, size_t length, size_t unit) const {
  if (!holds(offset, length))
    return makeError(StatusCode::DeviceError, "expects ", length, " bytes within the ", bytes,
                     " bytes of shared memory, but got offset ", static_cast<int64_t>(offset));
  return makeError(StatusCode::DeviceError, "expects an offset in shared memory that is a multiple of ", unit,
                   ", but got ", offset);
}

} // namespace sparse_attn::sim
