//===- TokenOrderTest.cpp - Grids of tokens, stored tile by tile ----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/TokenOrder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <random>

using namespace sparse_attn;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

std::vector<int32_t> orderOf(const std::vector<int64_t> &shape, const std::vector<int64_t> &tile) {
  Result<std::vector<int32_t>> order = orderTokens(shape, tile);
  EXPECT_TRUE(order.isOk()) << order.status().message();
  return order.isOk() ? *order : std::vector<int32_t>();
}

std::string failureOf(const std::vector<int64_t> &shape, const std::vector<int64_t> &tile) {
  Result<std::vector<int32_t>> order = orderTokens(shape, tile);
  EXPECT_EQ(order.status().code(), StatusCode::InvalidArgument);
  return order.status().message();
}

TEST(TokenOrder, RowMajorWithoutTile) {
  std::vector<int32_t> rowMajor(24);
  std::iota(rowMajor.begin(), rowMajor.end(), 0);
  EXPECT_EQ(orderOf({24}, {}), rowMajor);
  EXPECT_EQ(orderOf({4, 6}, {}), rowMajor);
  EXPECT_EQ(orderOf({2, 3, 4}, {}), rowMajor);
  EXPECT_EQ(orderOf({2, 3, 4}, {1, 1, 1}), rowMajor);
  EXPECT_EQ(orderOf({2, 3, 4}, {2, 3, 4}), rowMajor);
  EXPECT_EQ(orderOf({24}, {6}), rowMajor) << "tiles of one axis follow each other as their tokens do";
}

TEST(TokenOrder, TileByTile) {
  EXPECT_THAT(orderOf({4, 4}, {2, 2}), ElementsAre(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15));
  EXPECT_THAT(orderOf({2, 6}, {2, 3}), ElementsAre(0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11));
  EXPECT_THAT(orderOf({2, 2, 4}, {1, 2, 2}), ElementsAre(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15));
}

/// Consecutive positions of the size of a tile are a box: each axis has as many coordinates as the tile.
TEST(TokenOrder, TilesAreBoxes) {
  std::vector<int64_t> shape = {6, 8, 10}, tile = {3, 4, 5};
  std::vector<int32_t> order = orderOf(shape, tile);
  ASSERT_EQ(order.size(), 480u);
  for (size_t first = 0; first < order.size(); first += 60) {
    int32_t corner = order[first], last = order[first + 59];
    EXPECT_EQ(last / 80 - corner / 80, 2);
    EXPECT_EQ(last / 10 % 8 - corner / 10 % 8, 3);
    EXPECT_EQ(last % 10 - corner % 10, 4);
  }
}

TEST(TokenOrder, RefusesOtherGrids) {
  EXPECT_EQ(failureOf({}, {}), "expects a shape of 1 to 3 numbers, but got 0");
  EXPECT_EQ(failureOf({2, 2, 2, 2}, {}), "expects a shape of 1 to 3 numbers, but got 4");
  EXPECT_EQ(failureOf({4, 4}, {2}), "expects a tile of 2 numbers, but got 1");
  EXPECT_EQ(failureOf({4, 0}, {}), "expects size 1 of the shape to be at least 1, but got 0");
  EXPECT_EQ(failureOf({-4, 4}, {}), "expects size 0 of the shape to be at least 1, but got -4");
  EXPECT_EQ(failureOf({4, 6}, {2, 4}), "expects size 1 of the tile to divide 6, but got 4");
  EXPECT_EQ(failureOf({4, 6}, {0, 2}), "expects size 0 of the tile to divide 4, but got 0");
  EXPECT_THAT(failureOf({1 << 15, 1 << 15}, {}), HasSubstr("expects a grid of less than 1073741824 tokens"));
  EXPECT_THAT(failureOf({INT64_MAX, 2, INT64_MAX}, {}), HasSubstr("expects a grid of less than 1073741824 tokens"));
}

/// Rows of random bytes with room between them, [batch, heads, rows, row size].
struct Rows {
  Rows(DType type, const std::array<int64_t, 4> &size, int64_t gap, uint32_t seed)
      : bytes(elementBytes(type)), size(size), row(size[3] + gap),
        memory(static_cast<size_t>(size[0] * size[1] * size[2] * row * bytes)) {
    std::mt19937 generator(seed);
    for (char &byte : memory)
      byte = static_cast<char>(generator());
    // Heads lie within rows, as in a packed array [batch, rows, heads, row size].
    value = makeArray(memory.data(), type, {4, size}, {size[2] * size[1] * row, row, size[1] * row, 1});
  }

  std::string at(int64_t b, int64_t h, int64_t r) const {
    int64_t first = ((b * size[2] + r) * size[1] + h) * row * bytes;
    return std::string(memory.data() + first, static_cast<size_t>(size[3] * bytes));
  }

  int64_t bytes;
  std::array<int64_t, 4> size;
  int64_t row;
  std::vector<char> memory;
  Value value;
};

void checkBothWays(DType type, const std::array<int64_t, 4> &size, const std::vector<int32_t> &order) {
  Rows source(type, size, 3, 1), moved(type, size, 0, 2), back(type, size, 5, 3);
  std::vector<char> before = source.memory;
  Status status = reorderRows(source.value, order, OrderDirection::Into, moved.value);
  ASSERT_TRUE(status.isOk()) << status.message();
  status = reorderRows(moved.value, order, OrderDirection::OutOf, back.value);
  ASSERT_TRUE(status.isOk()) << status.message();
  for (int64_t b = 0; b < size[0]; ++b)
    for (int64_t h = 0; h < size[1]; ++h)
      for (int64_t r = 0; r < size[2]; ++r) {
        ASSERT_EQ(moved.at(b, h, r), source.at(b, h, order[static_cast<size_t>(r)]));
        ASSERT_EQ(back.at(b, h, r), source.at(b, h, r));
      }
  EXPECT_EQ(source.memory, before);
}

TEST(TokenOrder, RowsMoveBothWays) {
  std::vector<int32_t> order = orderOf({6, 8, 12}, {3, 4, 2});
  for (DType type : {DType::F32, DType::F16, DType::BF16, DType::I32}) {
    checkBothWays(type, {2, 3, 576, 16}, order);
    checkBothWays(type, {1, 1, 576, 1}, order);
  }
  checkBothWays(DType::F32, {0, 3, 576, 16}, order);
  checkBothWays(DType::F32, {2, 3, 576, 0}, order);
  checkBothWays(DType::F32, {2, 3, 0, 16}, {});
}

TEST(TokenOrder, RefusesOtherRows) {
  std::array<int64_t, 4> size = {1, 2, 4, 8};
  Rows source(DType::F16, size, 0, 1), result(DType::F16, size, 0, 2);
  std::vector<int32_t> order = {0, 2, 1, 3};
  auto failure = [&](const Value &from, const std::vector<int32_t> &by, const Value &to, StatusCode code) {
    Status status = reorderRows(from, by, OrderDirection::Into, to);
    EXPECT_EQ(status.code(), code) << status.message();
    return status.message();
  };
  const StatusCode invalid = StatusCode::InvalidArgument, mismatch = StatusCode::ShapeMismatch;
  EXPECT_EQ(failure(source.value, {0, 2, 4, 3}, result.value, invalid),
            "expects an order of numbers in [0, 4), but got 4 at position 2");
  EXPECT_EQ(failure(source.value, {0, -1, 1, 3}, result.value, invalid),
            "expects an order of numbers in [0, 4), but got -1 at position 1");
  EXPECT_EQ(failure(source.value, {0, 2, 2, 3}, result.value, invalid),
            "expects an order that has each number once, but got 2 again at position 2");
  EXPECT_EQ(failure(source.value, {0, 2, 1}, result.value, mismatch),
            "argument 'source': expects size 2 to be 3, but got 4");
  EXPECT_EQ(failure(source.value, order, source.value, invalid),
            "expects two arrays, but got one as source and result");
  Rows other(DType::F16, {1, 2, 4, 6}, 2, 2), wide(DType::F32, size, 0, 2);
  EXPECT_EQ(failure(source.value, order, other.value, mismatch),
            "argument 'result': expects size 3 to be 8, but got 6");
  EXPECT_EQ(failure(source.value, order, wide.value, invalid),
            "argument 'result': expects element type f16, but got f32");
  Value mask = source.value, flat = source.value, missing = result.value, overlapping = result.value;
  mask.dtype = SPARSE_ATTN_BLOCK_MASK;
  flat.rank = 3;
  missing.data = nullptr;
  overlapping.stride[2] = 4;
  EXPECT_THAT(failure(mask, order, result.value, invalid), HasSubstr("but got the unknown type 4"));
  EXPECT_EQ(failure(flat, order, result.value, mismatch), "argument 'source': expects rank 4, but got 3");
  EXPECT_EQ(failure(source.value, order, missing, invalid), "argument 'result': expects data, but got null");
  EXPECT_THAT(failure(source.value, order, overlapping, mismatch), HasSubstr("expects elements that do not overlap"));
}

//===----------------------------------------------------------------------===//
// The C interface
//===----------------------------------------------------------------------===//

TEST(TokenOrder, OfC) {
  int64_t shape[] = {2, 6}, tile[] = {2, 3};
  int32_t order[12];
  ASSERT_EQ(sparse_attn_order_tokens(2, shape, tile, order, 12), SPARSE_ATTN_OK) << sparse_attn_last_error();
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11));
  Rows source(DType::F32, {1, 2, 12, 4}, 0, 1), moved(DType::F32, {1, 2, 12, 4}, 0, 2), back = moved;
  back.value.data = back.memory.data();
  ASSERT_EQ(sparse_attn_reorder_rows(&source.value, order, 12, SPARSE_ATTN_INTO_ORDER, &moved.value), SPARSE_ATTN_OK);
  EXPECT_EQ(moved.at(0, 1, 3), source.at(0, 1, 6));
  ASSERT_EQ(sparse_attn_reorder_rows(&moved.value, order, 12, SPARSE_ATTN_OUT_OF_ORDER, &back.value), SPARSE_ATTN_OK);
  EXPECT_EQ(back.memory, source.memory);
  ASSERT_EQ(sparse_attn_order_tokens(2, shape, nullptr, order, 12), SPARSE_ATTN_OK);
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
}

TEST(TokenOrder, ErrorsOfC) {
  int64_t shape[] = {2, 6};
  int32_t order[12];
  Rows source(DType::F32, {1, 2, 12, 4}, 0, 1), moved(DType::F32, {1, 2, 12, 4}, 0, 2);
  auto refuses = [](sparse_attn_status status, const char *message) {
    EXPECT_EQ(status, SPARSE_ATTN_INVALID_ARGUMENT);
    EXPECT_STREQ(sparse_attn_last_error(), message);
  };
  refuses(sparse_attn_order_tokens(2, nullptr, shape, order, 12), "expects a shape, but got null");
  refuses(sparse_attn_order_tokens(2, shape, shape, nullptr, 12), "expects a place for the order, but got null");
  refuses(sparse_attn_order_tokens(0, shape, shape, order, 12), "expects a rank of 1 to 3, but got 0");
  refuses(sparse_attn_order_tokens(4, shape, shape, order, 12), "expects a rank of 1 to 3, but got 4");
  refuses(sparse_attn_order_tokens(2, shape, shape, order, 11), "expects room for 12 tokens, but got 11");
  ASSERT_EQ(sparse_attn_order_tokens(2, shape, shape, order, 12), SPARSE_ATTN_OK);
  refuses(sparse_attn_reorder_rows(nullptr, order, 12, 0, &moved.value), "expects a source, but got null");
  refuses(sparse_attn_reorder_rows(&source.value, nullptr, 12, 0, &moved.value), "expects an order, but got null");
  refuses(sparse_attn_reorder_rows(&source.value, order, 12, 0, nullptr), "expects a result, but got null");
  refuses(sparse_attn_reorder_rows(&source.value, order, 12, 2, &moved.value),
          "expects a direction of 0 or 1, but got 2");
}

} // namespace
