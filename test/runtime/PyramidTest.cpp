//===- PyramidTest.cpp - Block minima and maxima against brute force ------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Pyramid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

using namespace sparse_attn;

namespace {

/// Compares every entry of one row with the elements it stands for.
void checkRow(const Pyramid &pyramid, int64_t row, const int32_t *elements, int64_t length) {
  int64_t m = pyramid.entries();
  const int32_t *minima = pyramid.minima() + 2 * m * row;
  const int32_t *maxima = pyramid.maxima() + 2 * m * row;
  for (int64_t level = 0; (m >> level) > 0; ++level)
    for (int64_t i = 0; i < (m >> level); ++i) {
      int32_t minimum = INT32_MAX, maximum = INT32_MIN;
      for (int64_t e = (i << level) * 16; e < std::min(((i + 1) << level) * 16, length); ++e) {
        minimum = std::min(minimum, elements[e]);
        maximum = std::max(maximum, elements[e]);
      }
      int64_t entry = 2 * m - ((2 * m) >> level) + i;
      ASSERT_EQ(minima[entry], minimum) << "row " << row << " level " << level << " entry " << i;
      ASSERT_EQ(maxima[entry], maximum) << "row " << row << " level " << level << " entry " << i;
    }
}

TEST(Pyramid, MatchesBruteForce) {
  std::mt19937 generator(11);
  for (int64_t length : {0, 1, 15, 16, 17, 32, 33, 1000, 4097, 700000}) {
    int64_t stride = length + 3;
    std::vector<int32_t> elements(static_cast<size_t>(3 * stride));
    for (int32_t &element : elements)
      element = static_cast<int32_t>(generator());
    Pyramid rows(makeArray(elements.data(), DType::I32, Shape{2, {3, length}}, {stride, 1}));
    int64_t needed = std::max<int64_t>(1, (length + 15) / 16);
    EXPECT_GE(rows.entries(), needed);
    EXPECT_TRUE(rows.entries() == 1 || rows.entries() / 2 < needed);
    for (int64_t row = 0; row < 3; ++row)
      checkRow(rows, row, elements.data() + row * stride, length);
    Pyramid single(makeArray(elements.data(), DType::I32, Shape{1, {length}}));
    checkRow(single, 0, elements.data(), length);
  }
}

TEST(Pyramid, NoRowsNeedNoData) {
  Pyramid pyramid(makeArray(nullptr, DType::I32, Shape{2, {0, 100}}));
  EXPECT_EQ(pyramid.entries(), 8);
}

} // namespace
