//===- Value.h - Arrays and scalars handed to a plan ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C structure `sparse_attn_value` is the only description of an array in
// the runtime; this header adds what C++ needs to make and list them.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_VALUE_H
#define SPARSE_ATTN_VALUE_H

#include "sparse_attn/Export.h"
#include "sparse_attn/sparse_attn.h"

#include <array>
#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string_view>
#include <vector>

namespace sparse_attn {

/// The element types of `sparse_attn_dtype`.
enum class DType : int32_t {
  F32 = SPARSE_ATTN_F32,
  F16 = SPARSE_ATTN_F16,
  BF16 = SPARSE_ATTN_BF16,
  I32 = SPARSE_ATTN_I32,
  I64 = SPARSE_ATTN_I64, ///< Of results only.
};

/// Bytes of one element.
SPARSE_ATTN_EXPORT int64_t elementBytes(DType type);
/// "f32", "f16", "bf16", "i32" or "i64".
SPARSE_ATTN_EXPORT const char *dtypeName(DType type);
/// The type of that name, if there is one.
SPARSE_ATTN_EXPORT std::optional<DType> parseDType(std::string_view name);

/// Sizes of an array of rank 0 to 4, outermost first.
struct Shape {
  int32_t rank = 0;
  std::array<int64_t, 4> size{};

  bool operator==(const Shape &other) const { return rank == other.rank && size == other.size; }
  bool operator!=(const Shape &other) const { return !(*this == other); }
};

/// Prints "[2, 8, 1024, 64]".
SPARSE_ATTN_EXPORT std::ostream &operator<<(std::ostream &stream, const Shape &shape);

using Value = sparse_attn_value;

/// A view of `count` values that the caller keeps.
struct ValueList {
  const Value *values = nullptr;
  size_t count = 0;

  ValueList() = default;
  ValueList(const Value *values, size_t count) : values(values), count(count) {}
  ValueList(const std::vector<Value> &list) : values(list.data()), count(list.size()) {}
  const Value &operator[](size_t index) const { return values[index]; }
};

/// The sizes of an array value.
SPARSE_ATTN_EXPORT Shape shapeOf(const Value &value);
/// A contiguous view of `data`, which stays the caller's. Results are written through it, arguments are not.
SPARSE_ATTN_EXPORT Value makeArray(const void *data, DType type, const Shape &shape);
/// A view with the given strides, in elements.
SPARSE_ATTN_EXPORT Value makeArray(const void *data, DType type, const Shape &shape,
                                   const std::array<int64_t, 4> &strides);
SPARSE_ATTN_EXPORT Value makeScalar(int64_t scalar);

} // namespace sparse_attn

#endif // SPARSE_ATTN_VALUE_H
