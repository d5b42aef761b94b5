//===- TensorMaps.h - Boxes of arrays in memory -----------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_TENSORMAPS_H
#define SPARSE_ATTN_LIB_SIM_TENSORMAPS_H

#include "sparse_attn/Accelerator.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace sparse_attn::sim {

/// Of a box: innermost first. Those beyond the rank of the map are 0.
using Coordinates = std::array<int32_t, TiledArray::maxRank>;

/// What a TensorMap of the simulated device holds. All lists are innermost first.
struct ArrayMap {
  uint64_t mark;
  char *base;
  std::array<int64_t, TiledArray::maxRank> size;
  std::array<int64_t, TiledArray::maxRank> stride; ///< In bytes; the first is that of neighbours, 2.
  int32_t rowDimension;
  int32_t boxRows, boxColumns;
  int32_t swizzleSpan;

  size_t swizzleBytes() const { return size_t(swizzleSpan); }
  size_t boxBytes() const { return size_t(boxRows) * size_t(boxColumns) * 2; }

  /// Calls `copy(offset, address, begin, end)` for each 8 elements of a box: where they are in a box of shared memory
  /// at offset `start`, before it is swizzled; and which of them, if any, exist in the array, and where the first of
  /// these is.
  template <typename Copy> void forEachChunk(const Coordinates &at, const Copy &copy) const {
    for (int32_t row = 0; row < boxRows; ++row) {
      int64_t rowOffset = 0;
      bool exists = true;
      for (size_t i = 1; i < at.size(); ++i) {
        int64_t position = int64_t(at[i]) + (int32_t(i) == rowDimension ? row : 0);
        exists = exists && position >= 0 && position < size[i];
        rowOffset += position * stride[i];
      }
      for (int32_t column = 0; column < boxColumns; column += 8) {
        int64_t x = int64_t(at[0]) + column;
        int64_t begin = std::clamp<int64_t>(-x, 0, 8);
        int64_t end = exists ? std::clamp<int64_t>(size[0] - x, begin, 8) : begin;
        size_t offset = (size_t(row) * size_t(boxColumns) + size_t(column)) * 2;
        char *address = begin < end ? base + (x + begin) * stride[0] + rowOffset : nullptr;
        copy(offset, address, begin, end);
      }
    }
  }
};

/// Errors: as `TensorMapRequest::check`.
Status encodeMap(const TensorMapRequest &request, TensorMap &map);

/// Errors: DeviceError where `bytes` are no map of the simulated device.
Status decodeMap(const void *bytes, ArrayMap &map);

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_TENSORMAPS_H
