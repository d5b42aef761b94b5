//===- Value.cpp - Arrays and scalars handed to a plan --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/Value.h"

#include <algorithm>
#include <iterator>
#include <ostream>

namespace sparse_attn {

namespace {

struct DTypeInfo {
  DType type;
  const char *name;
  int64_t bytes;
};

constexpr DTypeInfo dtypes[] = {{DType::F32, "f32", 4},
                                {DType::F16, "f16", 2},
                                {DType::BF16, "bf16", 2},
                                {DType::I32, "i32", 4},
                                {DType::I64, "i64", 8}};

const DTypeInfo &find(DType type) {
  return *std::find_if(std::begin(dtypes), std::end(dtypes), [&](const DTypeInfo &info) { return info.type == type; });
}

} // namespace

int64_t elementBytes(DType type) { return find(type).bytes; }

const char *dtypeName(DType type) { return find(type).name; }

std::optional<DType> parseDType(std::string_view name) {
  for (const DTypeInfo &info : dtypes)
    if (name == info.name)
      return info.type;
  return std::nullopt;
}

std::ostream &operator<<(std::ostream &stream, const Shape &shape) {
  stream << '[';
  for (int32_t i = 0; i < shape.rank; ++i)
    stream << (i == 0 ? "" : ", ") << shape.size[i];
  return stream << ']';
}

Shape shapeOf(const Value &value) {
  Shape shape;
  shape.rank = value.rank;
  for (int32_t i = 0; i < value.rank; ++i)
    shape.size[i] = value.size[i];
  return shape;
}

Value makeArray(const void *data, DType type, const Shape &shape, const std::array<int64_t, 4> &strides) {
  Value value = {};
  value.data = const_cast<void *>(data);
  value.dtype = static_cast<int32_t>(type);
  value.rank = shape.rank;
  for (int32_t i = 0; i < shape.rank; ++i) {
    value.size[i] = shape.size[i];
    value.stride[i] = strides[i];
  }
  return value;
}

Value makeArray(const void *data, DType type, const Shape &shape) {
  std::array<int64_t, 4> strides{};
  // An empty array has no element to stride over; with sizes of at least 1 its strides still make sense, and sizes
  // that overflow are left to the checks of `prepare`.
  uint64_t stride = 1;
  for (int32_t i = shape.rank; i-- > 0;) {
    strides[i] = static_cast<int64_t>(stride);
    stride *= static_cast<uint64_t>(shape.size[i] > 0 ? shape.size[i] : 1);
  }
  return makeArray(data, type, shape, strides);
}

Value makeScalar(int64_t scalar) {
  Value value = {};
  value.scalar = scalar;
  return value;
}

} // namespace sparse_attn
