//===- TensorMaps.cpp - Boxes of arrays in memory -------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/TensorMaps.h"

#include <cstring>

namespace sparse_attn::sim {

namespace {

constexpr uint64_t mapMark = 0x7370'6172'7365'6d70;
static_assert(sizeof(ArrayMap) <= sizeof(TensorMap));

constexpr int64_t alignment = 16; ///< Of the address and the strides, in bytes.
constexpr int64_t maxSize = int64_t(1) << 32;
constexpr int64_t maxStride = int64_t(1) << 39; ///< In elements; the bytes have 40 bits.
constexpr int innermost = 3;

Status checkElements(const Value &array) {
  if (array.rank != 4 || (array.dtype != SPARSE_ATTN_F16 && array.dtype != SPARSE_ATTN_BF16))
    return makeError(StatusCode::InvalidArgument, "expects an array of rank 4 of f16 or bf16, but got rank ",
                     array.rank, " and element type ", array.dtype);
  if (array.data == nullptr || reinterpret_cast<uintptr_t>(array.data) % alignment != 0)
    return makeError(StatusCode::InvalidArgument, "expects an address that is a multiple of ", alignment,
                     " bytes, but got ", reinterpret_cast<uintptr_t>(array.data));
  return {};
}

/// The stride of a dimension of size 1 is never used, and passes.
Status checkDimension(int64_t size, int64_t stride, bool isInnermost) {
  if (size < 1 || size > maxSize)
    return makeError(StatusCode::InvalidArgument, "expects sizes from 1 to 2^32, but got ", size);
  if (size == 1)
    return {};
  if (isInnermost)
    return stride == 1
               ? Status()
               : makeError(StatusCode::InvalidArgument, "expects a stride of 1 along the head size, but got ", stride);
  if (stride < 0 || stride >= maxStride)
    return makeError(StatusCode::InvalidArgument, "expects strides from 0 to less than 2^39 elements, but got ",
                     stride);
  if (stride * 2 % alignment != 0)
    return makeError(StatusCode::InvalidArgument, "expects strides that are multiples of ", alignment,
                     " bytes, but got ", stride * 2);
  return {};
}

Status checkArray(const Value &array) {
  if (Status status = checkElements(array); !status.isOk())
    return status;
  for (int i = 0; i <= innermost; ++i)
    if (Status status = checkDimension(array.size[i], array.stride[i], i == innermost); !status.isOk())
      return status;
  return {};
}

} // namespace

Status encodeMap(const TensorMapRequest &request, TensorMap &map) {
  if (Status status = checkArray(request.array); !status.isOk())
    return status;
  if (request.boxRows < 1 || request.boxRows > 256)
    return makeError(StatusCode::InvalidArgument, "expects 1 to 256 rows of a box, but got ", request.boxRows);
  if (request.boxColumns < 8 || request.boxColumns > 64 || request.boxColumns % 8 != 0)
    return makeError(StatusCode::InvalidArgument, "expects a multiple of 8 up to 64 as columns of a box, but got ",
                     request.boxColumns);
  ArrayMap content{};
  content.mark = mapMark;
  content.base = static_cast<char *>(request.array.data);
  for (size_t i = 0; i < 4; ++i) {
    content.size[i] = request.array.size[3 - i];
    content.stride[i] = request.array.stride[3 - i] * 2;
  }
  content.boxRows = request.boxRows;
  content.boxColumns = request.boxColumns;
  content.swizzleSpan = request.swizzleBytes();
  std::memset(map.bytes, 0, sizeof(map.bytes));
  std::memcpy(map.bytes, &content, sizeof(content));
  return {};
}

Status decodeMap(const void *bytes, ArrayMap &map) {
  if (bytes != nullptr)
    std::memcpy(&map, bytes, sizeof(map));
  if (bytes == nullptr || map.mark != mapMark)
    return makeError(StatusCode::DeviceError,
                     "expects a tensor map of the simulated device, but got other contents at ", bytes);
  return {};
}

} // namespace sparse_attn::sim
