//===- ArrayCheck.cpp - Are the arrays of a call usable? ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArrayCheck.h"

#include <algorithm>
#include <ostream>

namespace sparse_attn {

namespace {

/// Size and stride of a dimension; by default one that reaches nowhere.
struct Dimension {
  int64_t size = 1;
  int64_t stride = 0;
};

Status checkSizes(const ValueName &name, const Value &value, const ArrayType &type) {
  if (value.rank != type.shape.rank)
    return makeError(StatusCode::ShapeMismatch, name, ": expects rank ", type.shape.rank, ", but got ", value.rank);
  for (int32_t i = 0; i < value.rank; ++i)
    if (value.size[i] < 0)
      return makeError(StatusCode::ShapeMismatch, name, ": expects size ", i, " to be at least 0, but got ",
                       value.size[i]);
  return checkShape(name, shapeOf(value), type.shape);
}

/// Checks strides, and that neither the elements nor the bytes they span overflow.
Status checkSpan(const ValueName &name, const Value &value, DType type) {
  for (int32_t i = 0; i < value.rank; ++i)
    if (value.stride[i] < 0)
      return makeError(StatusCode::ShapeMismatch, name, ": expects stride ", i, " to be at least 0, but got ",
                       value.stride[i]);
  int32_t last = value.rank - 1;
  if (value.stride[last] != 1)
    return makeError(StatusCode::ShapeMismatch, name, ": expects the innermost stride to be 1, but got ",
                     value.stride[last]);
  int64_t bytes = elementBytes(type);
  int64_t span = bytes;
  bool overflows = !contiguousBytes(shapeOf(value), type);
  for (int32_t i = 0; i < value.rank; ++i) {
    int64_t reach;
    overflows |= __builtin_mul_overflow(std::max<int64_t>(value.size[i] - 1, 0), value.stride[i], &reach) ||
                 __builtin_mul_overflow(reach, bytes, &reach) || __builtin_add_overflow(span, reach, &span);
  }
  if (overflows)
    return makeError(StatusCode::ShapeMismatch, name, ": expects an array below 2^63 bytes, but got sizes ",
                     shapeOf(value), " with an outermost stride of ", value.stride[0]);
  return {};
}

/// Checks that each stride reaches past all that the smaller strides reach. That rules out layouts that interleave
/// without a clash, which no one has a use for.
Status checkDisjoint(const ValueName &name, const Value &value) {
  std::array<Dimension, 4> dimensions;
  for (int32_t i = 0; i < value.rank; ++i) {
    if (value.size[i] == 0)
      return {};
    if (value.size[i] > 1)
      dimensions[i] = {value.size[i], value.stride[i]};
  }
  std::sort(dimensions.begin(), dimensions.end(),
            [](const Dimension &left, const Dimension &right) { return left.stride < right.stride; });
  int64_t span = 1;
  for (const Dimension &dimension : dimensions) {
    if (dimension.size == 1)
      continue;
    if (dimension.stride < span)
      return makeError(StatusCode::ShapeMismatch, name, ": expects elements that do not overlap, but got a stride of ",
                       dimension.stride, " across ", span, " elements");
    span += (dimension.size - 1) * dimension.stride;
  }
  return {};
}

} // namespace

std::ostream &operator<<(std::ostream &stream, const ValueName &name) {
  if (name.name)
    return stream << name.role << " '" << *name.name << "'";
  return stream << name.role << ' ' << name.index;
}

std::optional<int64_t> contiguousBytes(const Shape &shape, DType type) {
  int64_t bytes = elementBytes(type);
  for (int32_t i = 0; i < shape.rank; ++i)
    if (__builtin_mul_overflow(bytes, shape.size[i], &bytes))
      return std::nullopt;
  return bytes;
}

Status checkShape(const ValueName &name, const Shape &shape, const Shape &declared) {
  for (int32_t i = 0; i < shape.rank; ++i)
    if (declared.size[i] != dynamicSize && declared.size[i] != shape.size[i])
      return makeError(StatusCode::ShapeMismatch, name, ": expects size ", i, " to be ", declared.size[i], ", but got ",
                       shape.size[i]);
  return {};
}

Status checkScalar(const ValueName &name, const Value &value) {
  if (value.rank != 0)
    return makeError(StatusCode::InvalidArgument, name, ": expects a scalar (rank 0), but got an array of rank ",
                     value.rank);
  return {};
}

Status checkArray(const ValueName &name, const Value &value, const ArrayType &type, Access access) {
  if (value.rank == 0)
    return makeError(StatusCode::InvalidArgument, name, ": expects an array of rank ", type.shape.rank,
                     ", but got a scalar (rank 0)");
  if (value.rank < 0 || value.rank > 4)
    return makeError(StatusCode::InvalidArgument, name, ": expects rank ", type.shape.rank, ", but got ", value.rank);
  if (value.dtype < SPARSE_ATTN_F32 || value.dtype > SPARSE_ATTN_I64 || value.dtype == SPARSE_ATTN_BLOCK_MASK)
    return makeError(StatusCode::InvalidArgument, name, ": expects element type ", dtypeName(type.dtype),
                     ", but got the unknown type ", value.dtype);
  if (value.dtype != static_cast<int32_t>(type.dtype))
    return makeError(StatusCode::InvalidArgument, name, ": expects element type ", dtypeName(type.dtype), ", but got ",
                     dtypeName(static_cast<DType>(value.dtype)));
  if (Status status = checkSizes(name, value, type); !status.isOk())
    return status;
  if (Status status = checkSpan(name, value, type.dtype); !status.isOk())
    return status;
  uint64_t misalignment = reinterpret_cast<uintptr_t>(value.data) % static_cast<uint64_t>(elementBytes(type.dtype));
  if (misalignment != 0)
    return makeError(StatusCode::InvalidArgument, name, ": expects data aligned to ", elementBytes(type.dtype),
                     " bytes, but got an address ", misalignment, " past a multiple");
  return access == Access::Write ? checkDisjoint(name, value) : Status();
}

Status checkMaskTable(const ValueName &name, const Value &value) {
  if (value.rank != 2 || value.dtype != SPARSE_ATTN_BLOCK_MASK)
    return makeError(StatusCode::InvalidArgument, name, ": expects a table of block masks (rank 2, element type ",
                     int32_t(SPARSE_ATTN_BLOCK_MASK), "), but got rank ", value.rank, " and type ", value.dtype);
  for (int32_t i = 0; i < 2; ++i)
    if (value.size[i] < 0 || value.size[i] > maxLength)
      return makeError(StatusCode::ShapeMismatch, name, ": expects size ", i, " to lie in [0, ", maxLength,
                       "], but got ", value.size[i]);
  if (reinterpret_cast<uintptr_t>(value.data) % alignof(void *) != 0)
    return makeError(StatusCode::InvalidArgument, name, ": expects a table of pointers, but got an unaligned address");
  if (value.stride[0] < 0 || value.stride[0] > maxLength || value.stride[1] != 1)
    return makeError(StatusCode::ShapeMismatch, name, ": expects strides of at most ", maxLength, " and 1, but got ",
                     value.stride[0], " and ", value.stride[1]);
  return {};
}

Status checkData(const ValueName &name, const Value &value) {
  if (value.data || value.rank == 0)
    return {};
  for (int32_t i = 0; i < value.rank; ++i)
    if (value.size[i] == 0)
      return {};
  return makeError(StatusCode::InvalidArgument, name, ": expects data, but got null");
}

Status checkVectors(const ValueName &name, const Value &value) {
  constexpr int64_t vectorBytes = 16;
  uint64_t misalignment = reinterpret_cast<uintptr_t>(value.data) % uint64_t(vectorBytes);
  if (misalignment != 0)
    return makeError(StatusCode::InvalidArgument, name, ": expects data aligned to ", vectorBytes,
                     " bytes on a GPU, but got an address ", misalignment, " past a multiple");
  int64_t elements = vectorBytes / elementBytes(static_cast<DType>(value.dtype));
  for (int32_t i = 0; i + 1 < value.rank; ++i)
    if (value.size[i] > 1 && value.stride[i] % elements != 0)
      return makeError(StatusCode::InvalidArgument, name, ": expects stride ", i, " to be a multiple of ", elements,
                       " elements on a GPU, but got ", value.stride[i]);
  return {};
}

ValueName argumentName(const FunctionInfo &function, size_t index) {
  return {"argument", index, &function.arguments[index].name};
}

Status checkArgument(const FunctionInfo &function, size_t index, const Value &value) {
  const ArgumentInfo &argument = function.arguments[index];
  ValueName name = argumentName(function, index);
  switch (argument.kind) {
  case ArgumentKind::Array:
    return checkArray(name, value, argument.array, Access::Read);
  case ArgumentKind::Scalar:
    return checkScalar(name, value);
  case ArgumentKind::Mask:
    break;
  }
  return checkMaskTable(name, value);
}

Status checkCount(const char *what, size_t expected, ValueList values) {
  if (values.count != expected)
    return makeError(StatusCode::InvalidArgument, "expects ", expected, " ", what, ", but got ", values.count);
  if (values.count > 0 && !values.values)
    return makeError(StatusCode::InvalidArgument, "expects ", expected, " ", what, ", but got null");
  return {};
}

} // namespace sparse_attn
