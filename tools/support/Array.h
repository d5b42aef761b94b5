//===- Array.h - Owned, typed, contiguous arrays ---------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_SUPPORT_ARRAY_H
#define SPARSE_ATTN_SUPPORT_ARRAY_H

#include "sparse_attn/Value.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace sparse_attn::tools {

/// An array in C order that owns its memory, 64-byte aligned. Its elements are uninitialised at first.
class Array {
public:
  Array() = default;

  /// Throws an InputError where the sizes are negative or their bytes overflow or cannot be had.
  Array(DType dtype, const Shape &shape);

  DType dtype() const { return elementType; }
  const Shape &shape() const { return sizes; }
  int64_t elements() const { return count; }
  int64_t bytes() const { return count * elementBytes(elementType); }

  template <typename T = void> T *data() { return static_cast<T *>(memory.get()); }
  template <typename T = void> const T *data() const { return static_cast<const T *>(memory.get()); }

  /// Element `index` in C order as a double; exact for every dtype.
  double at(int64_t index) const;

  /// Rounds `value` to the dtype, to nearest even, and stores it as element `index`.
  void set(int64_t index, float value);

  /// Sets every element of a floating point array to NaN, so that what nobody writes shows.
  void poison();

  /// A view of the whole array.
  Value view() const { return makeArray(data(), elementType, sizes); }

private:
  struct Free {
    void operator()(void *pointer) const { std::free(pointer); }
  };
  DType elementType = DType::F32;
  Shape sizes;
  int64_t count = 0;
  std::unique_ptr<void, Free> memory;
};

} // namespace sparse_attn::tools

#endif // SPARSE_ATTN_SUPPORT_ARRAY_H
