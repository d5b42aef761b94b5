//===- HeavyHittersTest.cpp - Heavy blocks against plain sums -------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/HeavyHitters.h"

#include "sparse_attn/Device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace sparse_attn;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

/// A float array [heads, size], with room between its rows.
struct Masses {
  Masses(int64_t heads, int64_t size) : heads(heads), size(size), elements(static_cast<size_t>(heads * (size + 3))) {}

  float &at(int64_t head, int64_t i) { return elements[static_cast<size_t>(head * (size + 3) + i)]; }
  Value value() const { return makeArray(elements.data(), DType::F32, {2, {heads, size}}, {size + 3, 1}); }

  int64_t heads, size;
  std::vector<float> elements;
};

HeavyHitters makeHitters(int64_t heads, double decay = 1.0, int64_t keyBlockSize = 4) {
  Result<HeavyHitters> hitters = HeavyHitters::make({heads, keyBlockSize, decay});
  EXPECT_TRUE(hitters.isOk()) << hitters.status().message();
  return *hitters;
}

/// Blocks that a selection keeps, of one row and head.
std::vector<uint32_t> top(const HeavyHitters &hitters, const HeavyHitterSelection &selection, int64_t head = 0,
                          uint32_t row = 0) {
  Result<TopKMasks> masks = hitters.topBlocks(selection);
  EXPECT_TRUE(masks.isOk()) << masks.status().message();
  return masks->mask(0, head).activeBlocks(row);
}

TEST(HeavyHitters, MatchPlainSums) {
  std::mt19937 generator(41);
  std::uniform_real_distribution<float> uniform;
  for (double decay : {1.0, 0.75}) {
    constexpr int64_t heads = 3, blockSize = 4, maxKeys = 60;
    HeavyHitters hitters = makeHitters(heads, decay, blockSize);
    std::vector<std::vector<double>> expected(heads, std::vector<double>(maxKeys));
    for (int step = 0; step < 40; ++step) {
      bool byKey = step % 2 == 0;
      Masses added(heads, byKey ? generator() % maxKeys : generator() % (maxKeys / blockSize));
      for (float &mass : added.elements)
        mass = uniform(generator);
      ASSERT_TRUE((byKey ? hitters.addKeyMass(added.value()) : hitters.addBlockMass(added.value())).isOk());
      for (int64_t head = 0; head < heads; ++head) {
        for (double &mass : expected[head])
          mass *= decay;
        for (int64_t i = 0; i < added.size; ++i)
          expected[head][byKey ? i / blockSize : i] += added.at(head, i);
      }
    }
    for (int64_t head = 0; head < heads; ++head)
      for (int64_t block = 0; block < maxKeys; ++block)
        EXPECT_NEAR(hitters.mass(head, block), expected[head][block], 1e-9);
  }
}

/// Two heads and six blocks of four keys.
struct HeavyHittersSelection : testing::Test {
  HeavyHittersSelection() {
    float rows[2][6] = {{1, 9, 2, 8, 3, 0}, {5, 0, 6, 0, 7, 0}};
    Masses masses(2, 6);
    for (int64_t head = 0; head < 2; ++head)
      for (int64_t block = 0; block < 6; ++block)
        masses.at(head, block) = rows[head][block];
    EXPECT_TRUE(hitters.addBlockMass(masses.value()).isOk());
    selection.keyLength = 24;
    selection.keepRecent = 0;
  }

  HeavyHitters hitters = makeHitters(2);
  HeavyHitterSelection selection;
};

TEST_F(HeavyHittersSelection, EachHeadKeepsItsOwn) {
  selection.count = 2;
  EXPECT_THAT(top(hitters, selection, 0), ElementsAre(1, 3));
  EXPECT_THAT(top(hitters, selection, 1), ElementsAre(2, 4));
}

TEST_F(HeavyHittersSelection, HeadsShareTheSum) {
  selection.count = 3;
  selection.headsShare = true;
  // Sums are 6, 9, 8, 8, 10, 0.
  EXPECT_THAT(top(hitters, selection, 0), ElementsAre(1, 2, 4));
  EXPECT_THAT(top(hitters, selection, 1), ElementsAre(1, 2, 4));
  EXPECT_EQ(hitters.topBlocks(selection)->masks.size(), 1u);
}

TEST_F(HeavyHittersSelection, SinksAndRecentBlocksStay) {
  selection.count = 4;
  selection.keepSinks = 1;
  selection.keepRecent = 2;
  EXPECT_THAT(top(hitters, selection, 0), ElementsAre(0, 1, 4, 5));
  // The recent blocks are those of the keys that there are.
  selection.keyLength = 15;
  EXPECT_THAT(top(hitters, selection, 0), ElementsAre(0, 1, 2, 3));
  selection.count = 2;
  EXPECT_THAT(top(hitters, selection, 0), ElementsAre(0, 2, 3));
}

TEST_F(HeavyHittersSelection, RowsOfAChunkSeeTheirPast) {
  selection.count = 2;
  selection.keepRecent = 1;
  selection.queryLength = 12;
  selection.queryBlockSize = 4;
  EXPECT_THAT(top(hitters, selection, 0, 0), ElementsAre(1, 3));
  EXPECT_THAT(top(hitters, selection, 0, 1), ElementsAre(1, 4));
  EXPECT_THAT(top(hitters, selection, 0, 2), ElementsAre(1, 5));
  EXPECT_EQ(hitters.topBlocks(selection)->masks[0].grid(), (BlockGrid{3, 6, 4, 4}));
}

TEST_F(HeavyHittersSelection, ForgottenBlocksStartFromNothing) {
  ASSERT_TRUE(hitters.forget(std::vector<uint32_t>{1, 4, 1000}).isOk());
  selection.count = 2;
  EXPECT_THAT(top(hitters, selection, 0), ElementsAre(2, 3));
  EXPECT_THAT(top(hitters, selection, 1), ElementsAre(0, 2));
  EXPECT_THAT(hitters.forget(BlockList(nullptr, 1)).message(), HasSubstr("expects 1 blocks, but got null"));
}

TEST_F(HeavyHittersSelection, BlocksWithoutMassComeLast) {
  selection.count = 8;
  selection.keyLength = 36;
  EXPECT_THAT(top(hitters, selection, 0), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  selection.keyLength = 0;
  EXPECT_THAT(top(hitters, selection, 0), ElementsAre());
}

TEST_F(HeavyHittersSelection, NumbersOutOfRangeAreErrors) {
  selection.count = -1;
  EXPECT_THAT(hitters.topBlocks(selection).status().message(), HasSubstr("expects a count of at least 0, but got -1"));
  selection.count = 1;
  selection.keyLength = -1;
  EXPECT_THAT(hitters.topBlocks(selection).status().message(), HasSubstr("expects a length of at least 0, but got -1"));
  selection.keyLength = 24;
  selection.queryBlockSize = 0;
  EXPECT_THAT(hitters.topBlocks(selection).status().message(), HasSubstr("expects a block size of 1 to 65536"));
}

TEST(HeavyHitters, OldAttentionFades) {
  HeavyHitters hitters = makeHitters(1, 0.5);
  Masses masses(1, 2);
  masses.at(0, 0) = 8;
  ASSERT_TRUE(hitters.addBlockMass(masses.value()).isOk());
  masses.at(0, 0) = 0;
  masses.at(0, 1) = 1;
  for (int step = 0; step < 3; ++step)
    ASSERT_TRUE(hitters.addBlockMass(masses.value()).isOk());
  EXPECT_EQ(hitters.mass(0, 0), 1.0);
  EXPECT_EQ(hitters.mass(0, 1), 1.75);
  for (int step = 0; step < 1000; ++step)
    ASSERT_TRUE(hitters.addBlockMass(masses.value()).isOk());
  EXPECT_EQ(hitters.mass(0, 0), 0.0);
  EXPECT_EQ(hitters.mass(0, 1), 2.0);
}

TEST(HeavyHitters, BadMassesChangeNothing) {
  HeavyHitters hitters = makeHitters(2, 0.5);
  Masses masses(2, 3);
  masses.at(0, 0) = 1;
  ASSERT_TRUE(hitters.addBlockMass(masses.value()).isOk());
  for (float bad : {-1.0f, NAN, std::numeric_limits<float>::infinity()}) {
    masses.at(1, 2) = bad;
    Status status = hitters.addBlockMass(masses.value());
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr("for head 1, element 2"));
  }
  EXPECT_THAT(hitters.addBlockMass(Masses(3, 3).value()).message(), HasSubstr("expects size 0 to be 2, but got 3"));
  Value value = masses.value();
  value.dtype = SPARSE_ATTN_F16;
  EXPECT_THAT(hitters.addBlockMass(value).message(), HasSubstr("expects element type f32, but got f16"));
  value = masses.value();
  value.data = nullptr;
  EXPECT_THAT(hitters.addKeyMass(value).message(), HasSubstr("expects data, but got null"));
  EXPECT_EQ(hitters.mass(0, 0), 1.0);
  EXPECT_EQ(hitters.mass(0, 3), 0.0);
  EXPECT_EQ(hitters.mass(2, 0), 0.0);
  EXPECT_EQ(hitters.mass(-1, -1), 0.0);
}

TEST(HeavyHitters, OptionsOutOfRangeAreErrors) {
  auto message = [](HeavyHitterOptions options) { return HeavyHitters::make(options).status().message(); };
  EXPECT_THAT(message({0, 16, 1.0}), HasSubstr("expects 1 to 1048576 heads, but got 0"));
  EXPECT_THAT(message({1, 0, 1.0}), HasSubstr("expects a block size of 1 to 65536 tokens, but got 0"));
  for (double decay : {0.0, 1.5, double(NAN)})
    EXPECT_THAT(message({1, 16, decay}), HasSubstr("expects a decay above 0 and at most 1, but got "));
}

} // namespace
