//===- DeviceMemory.h - What a step keeps on an accelerator ---*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_DEVICEMEMORY_H
#define SPARSE_ATTN_LIB_DEVICEMEMORY_H

#include "sparse_attn/Accelerator.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sparse_attn {

/// Pieces of host memory, gathered so that they go to an accelerator in one buffer and one copy.
class DeviceMemory {
public:
  /// Apart enough that no two pieces share a cache line of a GPU.
  static constexpr size_t alignment = 128;

  /// Copies `bytes` bytes; returns where they will lie in the buffer. A piece without bytes has a valid address too.
  /// Throws std::bad_alloc.
  size_t add(const void *data, size_t bytes);
  template <typename T> size_t add(const std::vector<T> &elements) {
    return add(elements.data(), elements.size() * sizeof(T));
  }
  /// The same for zeros.
  size_t addZeros(size_t bytes);

  /// Allocates the buffer, if there is a piece, and copies. Errors: OutOfMemory, DeviceError.
  Status upload(const Accelerator &accelerator);

  /// Once uploaded: the address of the piece at `offset`, as a word of an argument block.
  uint64_t address(size_t offset) const;
  size_t bytes() const { return buffer ? buffer->bytes() : 0; }

private:
  std::vector<uint8_t> staged; ///< Empty once uploaded.
  std::shared_ptr<DeviceBuffer> buffer;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_DEVICEMEMORY_H
