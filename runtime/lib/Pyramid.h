//===- Pyramid.h - Block minima and maxima of an array --------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// To bound a captured array over a range of positions, compiled coverage looks
// at the minima and maxima of aligned power-of-two ranges instead of at every
// element. They are computed once, in `prepare`, in O(length).
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_PYRAMID_H
#define SPARSE_ATTN_LIB_PYRAMID_H

#include "sparse_attn/Value.h"

#include <cstdint>
#include <vector>

namespace sparse_attn {

/// The pyramids of an i32 array of rank 1 or 2, one for each of its rows; docs/artifact.md has the layout.
class SPARSE_ATTN_EXPORT Pyramid {
public:
  /// Elements under one entry of level 0: few, so that small tiles have entries of their own. A pyramid then takes a
  /// quarter to a half of the bytes of its array.
  static constexpr int64_t blockElements = 16;

  /// Reads the array, whose innermost stride is 1. Throws std::bad_alloc.
  explicit Pyramid(const Value &array);

  /// Entries at level 0, a power of two. Pyramids of successive rows lie 2 * entries() apart.
  int64_t entries() const { return levelZero; }
  const int32_t *minima() const { return minimum.data(); }
  const int32_t *maxima() const { return maximum.data(); }

private:
  int64_t levelZero;
  std::vector<int32_t> minimum;
  std::vector<int32_t> maximum;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_PYRAMID_H
