//===- CaptureTableTest.cpp - Tables against walks and scans --------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CaptureTable.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

using namespace sparse_attn;

namespace {

const int32_t *wordsOf(const Value &table) { return static_cast<const int32_t *>(table.data); }

bool isAncestor(const int32_t *parents, int32_t ancestor, int32_t node) {
  while (node > ancestor)
    node = parents[node];
  return node == ancestor;
}

TEST(CaptureTable, TreesAnswerAsWalksDo) {
  std::mt19937 generator(5);
  constexpr int32_t nodes = 60, stride = nodes + 4;
  std::vector<int32_t> parents(3 * stride);
  for (int32_t row = 0; row < 3; ++row)
    for (int32_t node = 0; node < nodes; ++node)
      parents[static_cast<size_t>(row * stride + node)] = static_cast<int32_t>(generator() % uint32_t(node + 1)) - 1;
  CaptureTable tree(ArrayForm::Tree, makeArray(parents.data(), DType::I32, Shape{2, {3, nodes}}, {stride, 1}), 1000);
  EXPECT_EQ(shapeOf(tree.value()), (Shape{2, {3, 2 * nodes}}));
  for (int32_t row = 0; row < 3; ++row) {
    const int32_t *first = wordsOf(tree.value()) + 2 * nodes * row, *last = first + nodes;
    for (int32_t node = 0; node < nodes; ++node)
      for (int32_t key = 0; key < nodes; ++key)
        ASSERT_EQ(first[key] <= first[node] && first[node] < last[key],
                  isAncestor(parents.data() + row * stride, key, node))
            << "row " << row << ", nodes " << key << " and " << node;
  }
}

TEST(CaptureTable, BitsAnswerAsScansDo) {
  std::mt19937 generator(6);
  for (int32_t keys : {0, 1, 31, 32, 33, 64, 500}) {
    std::vector<int32_t> elements(2 * 3 * 20);
    for (int32_t &element : elements)
      element = static_cast<int32_t>(generator() % uint32_t(keys + 80)) - 5;
    CaptureTable bits(ArrayForm::Bits, makeArray(elements.data(), DType::I32, Shape{3, {2, 3, 20}}), keys);
    int64_t words = bits.value().size[2];
    for (int32_t row = 0; row < 6; ++row) {
      const int32_t *table = wordsOf(bits.value()) + words * row, *begin = elements.data() + 20 * row;
      int32_t before = 0;
      for (int32_t position = 0; position <= keys; ++position) {
        ASSERT_LT(position / 32 * 2 + 1, words);
        auto word = static_cast<uint32_t>(table[position / 32 * 2]);
        uint32_t below = (uint32_t(1) << position % 32) - 1;
        ASSERT_EQ(table[position / 32 * 2 + 1] + __builtin_popcount(word & below), before) << position;
        bool isThere = std::find(begin, begin + 20, position) != begin + 20;
        ASSERT_EQ((word >> position % 32 & 1) != 0, isThere) << position;
        before += isThere;
      }
    }
  }
}

TEST(CaptureTable, NoRowsNeedNoData) {
  CaptureTable table(ArrayForm::Tree, makeArray(nullptr, DType::I32, Shape{1, {0}}), 100);
  EXPECT_EQ(shapeOf(table.value()), (Shape{1, {0}}));
}

} // namespace
