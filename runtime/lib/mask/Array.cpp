//===- Array.cpp - Memory that is written once ----------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/Array.h"

#include <cstdint>
#include <new>
#include <sys/mman.h>

namespace sparse_attn::mask {

namespace {

constexpr size_t pageBytes = size_t(2) << 20;

} // namespace

void *allocateArray(size_t count, size_t elementBytes) {
  if (count == 0)
    return nullptr;
  if (count > SIZE_MAX / 2 / elementBytes)
    throw std::bad_alloc();
  size_t bytes = count * elementBytes;
  void *memory = nullptr;
  if (bytes < pageBytes)
    memory = std::malloc(bytes);
  else if (posix_memalign(&memory, pageBytes, bytes) != 0)
    memory = nullptr;
  if (!memory)
    throw std::bad_alloc();
  // Only a wish: without large pages all works as well. The last, partial page stays small, or it would take more
  // memory than was asked for.
  if (bytes >= pageBytes)
    madvise(memory, bytes / pageBytes * pageBytes, MADV_HUGEPAGE);
  return memory;
}

} // namespace sparse_attn::mask
