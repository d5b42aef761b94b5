//===- ReferenceTest.cpp - The reference on cases worked out by hand ------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/Reference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

using namespace sparse_attn;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

/// One query over three keys with head size 1, so that scores are the keys themselves.
struct ReferenceTest : testing::Test {
  double run(std::vector<float> keys, std::vector<uint8_t> attends) {
    int64_t count = static_cast<int64_t>(keys.size());
    const float one = 1.0f;
    return referenceRow(makeFloatView(&one, {1, 1, 1, 1}), makeFloatView(keys.data(), {1, 1, count, 1}),
                        makeFloatView(values, {1, 1, count, 1}), 1.0, attends.data(), 0, 0, 0, &output);
  }

  const float values[3] = {10.0f, 20.0f, 40.0f};
  double output = 99.0;
};

TEST_F(ReferenceTest, WeighsTheKeysThatAttend) {
  EXPECT_DOUBLE_EQ(run({std::log(1.0f), 5.0f, 0.0f}, {1, 0, 1}), std::log(2.0));
  EXPECT_DOUBLE_EQ(output, 25.0);
}

TEST_F(ReferenceTest, EmptyRowIsZero) {
  EXPECT_EQ(run({1.0f, 2.0f, 3.0f}, {0, 0, 0}), -infinity);
  EXPECT_EQ(output, 0.0);
  EXPECT_EQ(run({}, {}), -infinity);
  EXPECT_EQ(output, 0.0);
}

TEST_F(ReferenceTest, ScoreOfMinusInfinityDoesNotAttend) {
  EXPECT_EQ(run({-infinity, -infinity, 0.0f}, {1, 1, 0}), -infinity);
  EXPECT_EQ(output, 0.0);
  EXPECT_EQ(run({-infinity, 0.0f, 0.0f}, {1, 1, 0}), 0.0);
  EXPECT_EQ(output, 20.0);
}

TEST_F(ReferenceTest, NaNPropagatesOnlyWhereItAttends) {
  EXPECT_TRUE(std::isnan(run({NAN, 0.0f, 0.0f}, {1, 1, 0})));
  EXPECT_TRUE(std::isnan(output));
  EXPECT_EQ(run({NAN, 0.0f, 0.0f}, {0, 1, 0}), 0.0);
  EXPECT_EQ(output, 20.0);
  run({infinity, 0.0f, 0.0f}, {1, 1, 0});
  EXPECT_TRUE(std::isnan(output));
}

TEST_F(ReferenceTest, LargeScoresDoNotOverflow) {
  EXPECT_DOUBLE_EQ(run({3e4f, 3e4f, 0.0f}, {1, 1, 1}), 3e4 + std::log(2.0));
  EXPECT_DOUBLE_EQ(output, 15.0);
}

TEST(Reference, HeadsShareKeysInGroupsAndStridesCount) {
  // Two batches, four query heads over two key heads, stored [batch, length, heads, 1].
  std::vector<float> query(2 * 1 * 4, 0.0f), keyValue = {1, 2, 3, 4, 5, 6, 7, 8};
  FloatView queries{query.data(), {2, 4, 1, 1}, {4, 1, 4, 1}};
  FloatView keys{keyValue.data(), {2, 2, 2, 1}, {4, 1, 2, 1}};
  std::vector<double> output(8), lse(8);
  auto second = [](int64_t b, int64_t h, int64_t row, uint8_t *attends) {
    attends[0] = h == 3;
    attends[1] = 1;
  };
  referenceAttention(queries, keys, keys, 1.0, second, output.data(), lse.data());
  EXPECT_EQ(output, (std::vector<double>{3, 3, 4, 3, 7, 7, 8, 7}));
  EXPECT_EQ(lse[0], 0.0);
  EXPECT_DOUBLE_EQ(lse[3], std::log(2.0));
}

} // namespace
