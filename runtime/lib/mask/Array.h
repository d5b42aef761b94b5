//===- Array.h - Memory that is written once ------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The arrays of a mask are large, and every element is written right after
// they are made, by several threads. To set them to zero first, as std::vector
// does, would take as long again.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_ARRAY_H
#define SPARSE_ATTN_LIB_MASK_ARRAY_H

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <type_traits>

namespace sparse_attn::mask {

/// Memory that std::free frees, aligned for every type; null for 0 bytes. Large memory lies in large pages where the
/// system has some to give: it is there sooner, and random accesses find it with less effort. Throws std::bad_alloc.
void *allocateArray(size_t count, size_t elementBytes);

/// `size` elements whose values are undefined until written. Throws std::bad_alloc.
template <typename T> class Array {
  static_assert(std::is_trivial_v<T>);

public:
  Array() = default;
  explicit Array(size_t size) : elements(static_cast<T *>(allocateArray(size, sizeof(T)))), count(size) {}

  size_t size() const { return count; }
  size_t bytes() const { return count * sizeof(T); }
  T *data() { return elements.get(); }
  const T *data() const { return elements.get(); }
  T &operator[](size_t index) { return elements[index]; }
  const T &operator[](size_t index) const { return elements[index]; }
  T *begin() { return data(); }
  T *end() { return data() + count; }
  const T *begin() const { return data(); }
  const T *end() const { return data() + count; }

private:
  struct Free {
    void operator()(T *memory) const { std::free(memory); }
  };

  std::unique_ptr<T[], Free> elements;
  size_t count = 0;
};

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_ARRAY_H
