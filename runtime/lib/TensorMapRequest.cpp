//===- TensorMapRequest.cpp - What a tensor map may describe --------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The CUDA driver answers a bad tensor map with "invalid argument" alone, so
// that its documented limits are checked, and named, here.
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/Accelerator.h"

namespace sparse_attn {

namespace {

using Limits = TensorMapRequest;

constexpr int32_t innermost = Limits::rank - 1, rowDimension = 2;
constexpr const char *dimensionNames[Limits::rank] = {"batch", "heads", "length", "head size"};
constexpr int64_t maxElementStride = Limits::maxStride / Limits::elementBytes;

Status checkElements(const Value &array) {
  if (array.rank != Limits::rank)
    return makeError(StatusCode::InvalidArgument, "expects an array of rank ", Limits::rank, ", but got rank ",
                     array.rank);
  if (array.dtype != SPARSE_ATTN_F16 && array.dtype != SPARSE_ATTN_BF16)
    return makeError(StatusCode::InvalidArgument, "expects elements of f16 or bf16, but got dtype ", array.dtype);
  if (!array.data || reinterpret_cast<uintptr_t>(array.data) % Limits::alignment != 0)
    return makeError(StatusCode::InvalidArgument, "expects an address that is a multiple of ", Limits::alignment,
                     " bytes, but got ", reinterpret_cast<uintptr_t>(array.data));
  return {};
}

Status checkSize(const Value &array, int32_t dimension) {
  int64_t size = array.size[dimension];
  if (size >= 1 && size <= Limits::maxSize)
    return {};
  return makeError(StatusCode::InvalidArgument, "expects a ", dimensionNames[dimension], " from 1 to ", Limits::maxSize,
                   ", but got ", size);
}

Status checkStride(const Value &array, int32_t dimension, int64_t modulo) {
  int64_t stride = array.stride[dimension];
  if (array.size[dimension] == 1)
    return {};
  const char *name = dimensionNames[dimension];
  if (dimension == innermost)
    return stride == 1 ? Status()
                       : makeError(StatusCode::InvalidArgument, "expects a ", name, " stride of 1, but got ", stride);
  int64_t most = dimension == rowDimension ? maxElementStride / modulo : maxElementStride;
  if (stride < 0 || stride > most)
    return makeError(StatusCode::InvalidArgument, "expects a ", name, " stride from 0 to ", most, " elements, but got ",
                     stride);
  if (stride * Limits::elementBytes % Limits::alignment != 0)
    return makeError(StatusCode::InvalidArgument, "expects a ", name, " stride that is a multiple of ",
                     Limits::alignment, " bytes, but got ", stride * Limits::elementBytes);
  return {};
}

Status checkBox(int32_t rows, int32_t columns) {
  if (rows < 1 || rows > Limits::maxBoxRows)
    return makeError(StatusCode::InvalidArgument, "expects a box of 1 to ", Limits::maxBoxRows, " rows, but got ",
                     rows);
  if (columns < 1 || columns > Limits::maxBoxColumns || columns % Limits::boxColumnStep != 0)
    return makeError(StatusCode::InvalidArgument, "expects a box of 1 to ", Limits::maxBoxColumns,
                     " columns, a multiple of ", Limits::boxColumnStep, ", but got ", columns);
  return {};
}

} // namespace

TiledArray TensorMapRequest::tile() const {
  TiledArray tiled{rank, 1, static_cast<char *>(array.data), {}, {}};
  tiled.size.fill(1);
  for (int32_t dimension = innermost, place = 0; dimension >= 0; --dimension, ++place) {
    if (dimension == rowDimension && rows != MapRows::All)
      ++place; // of the class
    tiled.size[static_cast<size_t>(place)] = array.size[dimension];
    tiled.stride[static_cast<size_t>(place)] = array.stride[dimension];
  }
  if (rows == MapRows::All)
    return tiled;
  int64_t length = array.size[rowDimension], stride = array.stride[rowDimension], longClasses = length % modulo;
  bool isLong = rows == MapRows::LongClasses;
  tiled.rank = rank + 1;
  tiled.rowDimension = 2;
  tiled.size[1] = isLong ? longClasses : modulo - longClasses;
  tiled.stride[1] = stride;
  tiled.size[2] = length / modulo + (isLong ? 1 : 0);
  tiled.stride[2] = stride * modulo;
  if (!isLong && !tiled.isEmpty())
    tiled.address += longClasses * stride * elementBytes;
  return tiled;
}

Status TensorMapRequest::check() const {
  if (Status status = checkElements(array); !status.isOk())
    return status;
  for (int32_t dimension = 0; dimension < rank; ++dimension) {
    if (Status status = checkSize(array, dimension); !status.isOk())
      return status;
    if (Status status = checkStride(array, dimension, modulo); !status.isOk())
      return status;
  }
  return checkBox(boxRows, boxColumns);
}

} // namespace sparse_attn
