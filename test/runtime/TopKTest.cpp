//===- TopKTest.cpp - Selected blocks against a plain selection -----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/TopK.h"

#include "sparse_attn/Device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

using namespace sparse_attn;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

/// Scores [batch, heads, query blocks, key blocks], with room between the rows.
struct Scores {
  Scores(int64_t batch, int64_t heads, const SequenceBlocks &blocks)
      : size{batch, heads, blocks.queryBlocks(), blocks.keyBlocks()},
        elements(static_cast<size_t>(batch * heads * size[2] * (size[3] + 2))) {}

  float &at(int64_t b, int64_t h, int64_t q, int64_t k) {
    return elements[static_cast<size_t>(((b * size[1] + h) * size[2] + q) * (size[3] + 2) + k)];
  }
  Value value() const {
    int64_t row = size[3] + 2;
    return makeArray(elements.data(), DType::F32, {4, size}, {size[1] * size[2] * row, size[2] * row, row, 1});
  }

  std::array<int64_t, 4> size;
  std::vector<float> elements;
};

/// What the header says of one row, in the plainest words.
class RowReference {
public:
  RowReference(Scores &scores, const SequenceBlocks &blocks, const TopKOptions &options)
      : scores(scores), blocks(blocks), options(options) {}

  std::vector<uint32_t> select(int64_t batch, int64_t firstHead, int64_t q) {
    int64_t lastQuery = std::min((q + 1) * blocks.queryBlockSize, blocks.queryLength) - 1;
    int64_t position = lastQuery + blocks.keyLength - blocks.queryLength;
    int64_t diagonal = position < 0 ? -1 : position / blocks.keyBlockSize;
    int64_t candidates = options.causal ? diagonal + 1 : scores.size[3];
    sum(batch, firstHead, q, candidates);

    std::vector<bool> kept(static_cast<size_t>(candidates));
    for (int64_t k = 0; k < candidates; ++k)
      kept[k] = k < options.keepSinks || (k <= diagonal && k > diagonal - options.keepDiagonal);
    while (!isDone(kept)) {
      int64_t best = -1;
      for (int64_t k = 0; k < candidates; ++k)
        if (!kept[k] && order[k] > -infinity && (best < 0 || order[k] > order[best]))
          best = k;
      if (best < 0)
        break;
      kept[best] = true;
    }
    std::vector<uint32_t> blocksKept;
    for (int64_t k = 0; k < candidates; ++k)
      if (kept[k])
        blocksKept.push_back(static_cast<uint32_t>(k));
    return blocksKept;
  }

private:
  void sum(int64_t batch, int64_t firstHead, int64_t q, int64_t candidates) {
    order.assign(candidates, -infinity);
    masses.assign(candidates, 0.0);
    bool single = options.headsPerMask == 1 && (!options.batchesShare || scores.size[0] == 1);
    for (int64_t b = batch; b < (options.batchesShare ? scores.size[0] : batch + 1); ++b)
      for (int64_t h = firstHead; h < firstHead + options.headsPerMask; ++h) {
        double total = 0;
        for (int64_t k = 0; k < candidates; ++k)
          total += std::exp(double(scores.at(b, h, q, k)));
        for (int64_t k = 0; k < candidates; ++k)
          masses[k] += total > 0 ? std::exp(double(scores.at(b, h, q, k))) / total : 0.0;
      }
    for (int64_t k = 0; k < candidates; ++k)
      order[k] = single ? scores.at(batch, firstHead, q, k) : masses[k] > 0 ? static_cast<float>(masses[k]) : -infinity;
  }

  bool isDone(const std::vector<bool> &kept) const {
    if (options.count && std::count(kept.begin(), kept.end(), true) >= *options.count)
      return true;
    double sum = 0;
    for (size_t k = 0; k < kept.size(); ++k)
      sum += kept[k] ? masses[k] : 0.0;
    return options.mass && sum >= *options.mass * std::accumulate(masses.begin(), masses.end(), 0.0) - 1e-9;
  }

  Scores &scores;
  const SequenceBlocks &blocks;
  const TopKOptions &options;
  std::vector<float> order;
  std::vector<double> masses;
};

/// Options that a test draws.
struct Case {
  SequenceBlocks blocks;
  int64_t batch, heads;
  TopKOptions options;
};

Case randomCase(std::mt19937 &generator) {
  auto pick = [&](int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(generator); };
  Case c = {{pick(1, 40), pick(1, 60), pick(1, 8), pick(1, 8)}, pick(1, 2), 0, {}};
  c.options.headsPerMask = pick(1, 3);
  c.heads = c.options.headsPerMask * pick(1, 2);
  if (pick(0, 2) > 0)
    c.options.count = pick(0, 12);
  // Not a share that sums of equal masses might hit, but for rounding.
  if (!c.options.count || pick(0, 1) == 1)
    c.options.mass = static_cast<double>(pick(1, 99)) / 100.0 + 0.0037;
  c.options.keepSinks = pick(0, 2);
  c.options.keepDiagonal = pick(0, 2);
  c.options.causal = pick(0, 1) == 1;
  c.options.batchesShare = pick(0, 1) == 1;
  return c;
}

TEST(TopK, MatchesAPlainSelection) {
  std::mt19937 generator(21);
  for (int trial = 0; trial < 400; ++trial) {
    Case c = randomCase(generator);
    Scores scores(c.batch, c.heads, c.blocks);
    // Few different scores, so that there are ties, and some that exclude a block.
    bool coarse = generator() % 2 == 0;
    for (float &score : scores.elements)
      score = coarse ? static_cast<float>(generator() % 5) : std::normal_distribution<float>()(generator);
    if (c.options.headsPerMask == 1 && !c.options.batchesShare)
      for (float &score : scores.elements)
        score = generator() % 8 == 0 ? -infinity : score;
    else if (coarse)
      continue; // Sums of the same terms in another order may differ in their last bits, and break ties.
    Result<TopKMasks> masks = selectTopK(scores.value(), c.blocks, c.options);
    ASSERT_TRUE(masks.isOk()) << masks.status().message();
    RowReference reference(scores, c.blocks, c.options);
    for (int64_t b = 0; b < c.batch; ++b)
      for (int64_t h = 0; h < c.heads; ++h) {
        const BlockMask &mask = masks->mask(b, h);
        ASSERT_EQ(mask.grid(), c.blocks.grid());
        for (int64_t q = 0; q < c.blocks.queryBlocks(); ++q)
          ASSERT_EQ(
              mask.activeBlocks(static_cast<uint32_t>(q)),
              reference.select(c.options.batchesShare ? 0 : b, h / c.options.headsPerMask * c.options.headsPerMask, q))
              << "trial " << trial << " batch " << b << " head " << h << " row " << q;
      }
  }
}

/// Five key blocks and one row.
struct TopKRowTest : testing::Test {
  std::vector<uint32_t> select() {
    Result<TopKMasks> masks = selectTopK(scores.value(), blocks, options);
    EXPECT_TRUE(masks.isOk()) << masks.status().message();
    return masks->mask(0, 0).activeBlocks(0);
  }
  void set(std::vector<float> row) {
    for (size_t k = 0; k < row.size(); ++k)
      scores.at(0, 0, 0, static_cast<int64_t>(k)) = row[k];
  }
  void expect(StatusCode code, const char *message) {
    Result<TopKMasks> result = selectTopK(scores.value(), blocks, options);
    ASSERT_FALSE(result.isOk());
    EXPECT_EQ(result.status().code(), code);
    EXPECT_THAT(result.status().message(), HasSubstr(message));
  }

  SequenceBlocks blocks = {16, 80, 16, 16};
  Scores scores = Scores(1, 1, blocks);
  TopKOptions options;
};

TEST_F(TopKRowTest, TiesGoToTheFirstBlock) {
  set({0.0f, 1.0f, -0.0f, 1.0f, 0.0f});
  options.count = 3;
  EXPECT_THAT(select(), ElementsAre(0, 1, 3));
  set({-0.0f, -1.0f, 0.0f, -1.0f, 0.0f});
  EXPECT_THAT(select(), ElementsAre(0, 2, 4));
  options.count = 4;
  EXPECT_THAT(select(), ElementsAre(0, 1, 2, 4));
}

TEST_F(TopKRowTest, KeptBlocksCountAndMayExceedTheCount) {
  set({0.0f, 5.0f, 4.0f, 3.0f, 0.0f});
  options.keepSinks = options.keepDiagonal = 1;
  options.count = 3;
  EXPECT_THAT(select(), ElementsAre(0, 1, 4));
  options.count = 1;
  EXPECT_THAT(select(), ElementsAre(0, 4));
  options.count = 0;
  options.keepSinks = options.keepDiagonal = 0;
  EXPECT_THAT(select(), ElementsAre());
  options.count = 100;
  EXPECT_THAT(select(), ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(TopKRowTest, MassTakesTheFewestBlocks) {
  set({std::log(0.1f), std::log(0.4f), std::log(0.05f), std::log(0.3f), std::log(0.15f)});
  options.mass = 0.39;
  EXPECT_THAT(select(), ElementsAre(1));
  options.mass = 0.69;
  EXPECT_THAT(select(), ElementsAre(1, 3));
  options.mass = 0.71;
  EXPECT_THAT(select(), ElementsAre(1, 3, 4));
  options.count = 2;
  EXPECT_THAT(select(), ElementsAre(1, 3));
  options.count.reset();
  options.mass = 1.0;
  EXPECT_THAT(select(), ElementsAre(0, 1, 2, 3, 4));
  // Blocks kept anyway carry mass, too.
  options.mass = 0.44;
  options.keepSinks = 1;
  EXPECT_THAT(select(), ElementsAre(0, 1));
}

TEST_F(TopKRowTest, MinusInfinityIsKeptByForceOnly) {
  set({-infinity, 1.0f, -infinity, -infinity, -infinity});
  options.count = 4;
  EXPECT_THAT(select(), ElementsAre(1));
  options.keepDiagonal = 2;
  EXPECT_THAT(select(), ElementsAre(1, 3, 4));
  options.mass = 0.5;
  options.keepDiagonal = 0;
  set({-infinity, -infinity, -infinity, -infinity, -infinity});
  EXPECT_THAT(select(), ElementsAre());
}

TEST_F(TopKRowTest, ScoresThatAreNoNumbersAreErrors) {
  options.count = 1;
  set({0.0f, 1.0f, NAN, 0.0f, 0.0f});
  expect(StatusCode::InvalidArgument,
         "expects scores below inf, but got nan for batch 0, head 0, query block 0, key block 2");
  set({0.0f, 1.0f, 0.0f, infinity, 0.0f});
  expect(StatusCode::InvalidArgument, "but got inf for batch 0, head 0, query block 0, key block 3");
  // Out of sight they do no harm.
  blocks = {48, 80, 16, 16};
  scores = Scores(1, 1, blocks);
  scores.at(0, 0, 0, 4) = NAN;
  options.causal = true;
  EXPECT_THAT(select(), ElementsAre(0));
}

TEST_F(TopKRowTest, OptionsOutOfRangeAreErrors) {
  expect(StatusCode::InvalidArgument, "expects a count or a mass, but got neither");
  options.count = -1;
  expect(StatusCode::InvalidArgument, "expects a count of at least 0, but got -1");
  options.count = 1;
  for (double mass : {0.0, -1.0, 1.01, double(NAN)}) {
    options.mass = mass;
    expect(StatusCode::InvalidArgument, "expects a mass above 0 and at most 1, but got ");
  }
  options.mass.reset();
  options.keepSinks = -2;
  expect(StatusCode::InvalidArgument, "expects keepSinks of at least 0, but got -2");
  options.keepSinks = 0;
  options.keepDiagonal = -3;
  expect(StatusCode::InvalidArgument, "expects keepDiagonal of at least 0, but got -3");
  options.keepDiagonal = 0;
  options.headsPerMask = 0;
  expect(StatusCode::InvalidArgument, "expects headsPerMask of at least 1, but got 0");
  options.headsPerMask = 2;
  expect(StatusCode::InvalidArgument, "expects headsPerMask to divide the number of heads, 1, but got 2");
}

TEST_F(TopKRowTest, OtherSizesAreErrors) {
  options.count = 1;
  blocks.keyLength = 81;
  expect(StatusCode::ShapeMismatch, "argument 'scores': expects size 3 to be 6, but got 5");
  blocks.keyBlockSize = 0;
  expect(StatusCode::InvalidArgument, "expects a block size of 1 to 65536 tokens, but got 0");
}

TEST(TopK, NoHeadsGiveNoMasks) {
  SequenceBlocks blocks = {16, 16, 16, 16};
  TopKOptions options;
  options.count = 1;
  Result<TopKMasks> masks = selectTopK(makeArray(nullptr, DType::F32, {4, {0, 3, 1, 1}}), blocks, options);
  ASSERT_TRUE(masks.isOk());
  EXPECT_TRUE(masks->masks.empty());
  blocks = {0, 16, 16, 16};
  masks = selectTopK(makeArray(nullptr, DType::F32, {4, {2, 3, 0, 1}}), blocks, options);
  ASSERT_TRUE(masks.isOk());
  EXPECT_EQ(masks->masks.size(), 6u);
  Value huge = makeArray(nullptr, DType::F32, {4, {1 << 30, 1 << 30, 0, 1}});
  EXPECT_THAT(selectTopK(huge, blocks, options).status().message(), HasSubstr("expects at most 16777216 masks"));
}

TEST(TopK, DoesNotDependOnThreads) {
  SequenceBlocks blocks = {1000, 1000, 16, 16};
  Scores scores(2, 4, blocks);
  std::mt19937 generator(8);
  for (float &score : scores.elements)
    score = std::normal_distribution<float>()(generator);
  TopKOptions options;
  options.mass = 0.8;
  options.causal = true;
  for (int64_t headsPerMask : {1, 4}) {
    options.headsPerMask = headsPerMask;
    ASSERT_TRUE(setThreadCount(1).isOk());
    Result<TopKMasks> one = selectTopK(scores.value(), blocks, options);
    ASSERT_TRUE(setThreadCount(5).isOk());
    Result<TopKMasks> five = selectTopK(scores.value(), blocks, options);
    ASSERT_TRUE(setThreadCount(0).isOk());
    ASSERT_EQ(one->masks.size(), five->masks.size());
    for (size_t i = 0; i < one->masks.size(); ++i)
      EXPECT_EQ(one->masks[i], five->masks[i]);
  }
}

TEST(TopK, TakesBlockScoresAsTheyAre) {
  std::vector<float> elements(256 * 8);
  std::mt19937 generator(4);
  for (float &element : elements)
    element = std::normal_distribution<float>()(generator);
  Value array = makeArray(elements.data(), DType::F32, {4, {1, 2, 128, 8}});
  BlockScoreOptions scoring;
  scoring.method = BlockScoreMethod::Antidiagonal;
  scoring.queryBlockSize = scoring.keyBlockSize = 16;
  scoring.stride = 8;
  scoring.causal = true;
  Result<BlockScores> scores = scoreBlocks(array, array, scoring);
  ASSERT_TRUE(scores.isOk());
  TopKOptions options;
  options.mass = 1.0;
  options.causal = true;
  Result<TopKMasks> masks = selectTopK(*scores, options);
  ASSERT_TRUE(masks.isOk());
  // All of the mass is all that is in sight.
  BlockMask causal = *BlockMask::fromTerms(scores->blocks.grid(), {BandTerm::causal(scores->blocks.grid())});
  EXPECT_EQ(masks->mask(0, 1), causal);
}

} // namespace
