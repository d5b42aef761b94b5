//===- BlockMaskTest.cpp - Questions to masks -----------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BlockMaskOracle.h"

#include <atomic>
#include <thread>

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

/// A window, two prefix columns, some dilated diagonals, and random blocks.
ByteMatrix mixedMatrix(const BlockGrid &grid, uint32_t seed, BlockMaskBuilder &builder) {
  std::mt19937 random(seed);
  ByteMatrix matrix(grid);
  BandTerm window = BandTerm::band(grid, -3, 2), dilated = BandTerm::band(grid, -40, -10);
  dilated.step = 5;
  dilated.phase = 2;
  BandTerm prefix = BandTerm::rectangle({0, grid.queryBlocks}, {0, std::min(2u, grid.keyBlocks)});
  for (const BandTerm &term : {window, dilated, prefix}) {
    matrix.addTerm(term);
    EXPECT_TRUE(builder.addTerm(term).isOk());
  }
  for (uint32_t q = 0; q < grid.queryBlocks; ++q) {
    std::vector<uint32_t> keys;
    for (uint32_t n = pick(random, 0, 6); n != 0; --n)
      keys.push_back(pick(random, 0, grid.keyBlocks - 1));
    if (pick(random, 0, 9) == 0) // A run.
      for (uint32_t k = grid.keyBlocks / 2; k < std::min(grid.keyBlocks, grid.keyBlocks / 2 + 7); ++k)
        keys.push_back(k);
    for (uint32_t k : keys)
      matrix.at(q, k) = 1;
    EXPECT_TRUE(builder.addAttention(q, keys).isOk());
  }
  return matrix;
}

/// Grids of one slab, of several in each direction, and such that end at a slab's edge.
const BlockGrid grids[] = {{60, 70, 16, 16},  {3, 66000, 16, 16},   {66000, 3, 1, 2},
                           {2, 65536, 1, 64}, {2, 200000, 64, 128}, {1, 1, 1, 1}};

TEST(BlockMask, EveryRepresentationAnswersAlike) {
  for (const BlockGrid &grid : grids)
    for (Representation representation : everyRepresentation) {
      BlockMaskBuilder builder(grid);
      ByteMatrix matrix = mixedMatrix(grid, grid.keyBlocks, builder);
      BlockMask mask = frozen(builder, {representation, 1});
      EXPECT_EQ(mask.stats().representation, representation);
      ASSERT_NO_FATAL_FAILURE(expectSame(mask, matrix)) << grid << ", " << representationName(representation);
      double pairs = double(grid.queryBlocks) * grid.keyBlocks;
      EXPECT_DOUBLE_EQ(mask.density(), double(matrix.count()) / pairs);
    }
}

TEST(BlockMask, RowIntersections) {
  for (const BlockGrid &grid : {grids[0], grids[1], grids[4]})
    for (Representation representation : everyRepresentation) {
      BlockMaskBuilder builder(grid);
      ByteMatrix matrix = mixedMatrix(grid, 5, builder);
      BlockMask mask = frozen(builder, {representation, 1});
      for (uint32_t q1 = 0; q1 < grid.queryBlocks; ++q1)
        for (uint32_t q2 = 0; q2 < grid.queryBlocks; ++q2) {
          std::vector<uint32_t> a = matrix.row(q1), b = matrix.row(q2), both;
          std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
          ASSERT_EQ(mask.intersection(q1, q2), both) << q1 << " and " << q2;
          ASSERT_EQ(mask.intersectionCount(q1, q2), both.size()) << q1 << " and " << q2;
        }
    }
}

TEST(BlockMask, UnionsOfRows) {
  std::mt19937 random(7);
  for (const BlockGrid &grid : {grids[0], grids[1], grids[2]})
    for (Representation representation : everyRepresentation) {
      BlockMaskBuilder builder(grid);
      ByteMatrix matrix = mixedMatrix(grid, 9, builder);
      BlockMask mask = frozen(builder, {representation, 1});
      for (int i = 0; i < 8; ++i) {
        BlockRange rows = pickRange(random, grid.queryBlocks);
        ByteMatrix joined({1, grid.keyBlocks, 1, 1});
        for (uint32_t q = rows.first; q < rows.past; ++q)
          for (uint32_t k = 0; k < grid.keyBlocks; ++k)
            joined.at(0, k) |= matrix.at(q, k);
        ASSERT_EQ(mask.unionOfRows(rows.first, rows.past), rangesOf(joined.row(0))) << rows.first << " " << rows.past;
      }
    }
}

TEST(BlockMask, UnionOfRowsWithoutSteps) {
  BlockGrid grid = {90, 80, 1, 1};
  std::mt19937 random(8);
  for (int i = 0; i < 200; ++i) {
    ByteMatrix matrix(grid);
    std::vector<BandTerm> terms;
    for (int n = 0; n < 3; ++n) {
      terms.push_back(pickTerm(random, grid));
      terms.back().step = 1;
      terms.back().phase = 0;
      matrix.addTerm(terms.back());
    }
    BlockMask mask = *BlockMask::fromTerms(grid, terms, {Representation::TermsAndRows, 1});
    BlockRange rows = pickRange(random, grid.queryBlocks);
    ByteMatrix joined({1, grid.keyBlocks, 1, 1});
    for (uint32_t q = rows.first; q < rows.past; ++q)
      for (uint32_t k = 0; k < grid.keyBlocks; ++k)
        joined.at(0, k) |= matrix.at(q, k);
    ASSERT_EQ(mask.unionOfRows(rows.first, rows.past), rangesOf(joined.row(0))) << i;
  }
}

TEST(BlockMask, IterationSkipsEmptyRows) {
  BlockMaskBuilder builder({70000, 70000, 1, 1});
  ASSERT_TRUE(builder.addAttention(3, {5, 6, 7, 69999}).isOk());
  ASSERT_TRUE(builder.addRange(69999, 65530, 65540).isOk());
  for (Representation representation : {Representation::TermsAndRows, Representation::Roaring}) {
    BlockMask mask = *frozen(builder).withRepresentation({representation, 1});
    std::vector<std::pair<uint32_t, std::vector<BlockRange>>> rows;
    mask.forEachRow([&](uint32_t q, RangeList ranges) { rows.push_back({q, {ranges.begin(), ranges.end()}}); });
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[0].first, 3u);
    EXPECT_EQ(rows[0].second, (std::vector<BlockRange>{{5, 8}, {69999, 70000}}));
    EXPECT_EQ(rows[1].first, 69999u);
    EXPECT_EQ(rows[1].second, (std::vector<BlockRange>{{65530, 65540}})) << "ranges go on across slabs";
    ASSERT_TRUE(builder.addMask(mask).isOk());
  }
}

TEST(BlockMask, RowsOutsideOfTheGridAreEmpty) {
  BlockGrid grid = {4, 6, 1, 1};
  for (Representation representation : everyRepresentation) {
    BlockMask mask = *BlockMask::fromTerms(grid, {BandTerm::causal(grid, 2)}, {representation, 1});
    EXPECT_EQ(mask.rowCount(3), 6u);
    EXPECT_EQ(mask.rowCount(4), 0u);
    EXPECT_TRUE(mask.activeBlocks(UINT32_MAX).empty());
    EXPECT_TRUE(mask.ranges(4).empty());
    EXPECT_EQ(mask.intersectionCount(3, 4), 0u);
    EXPECT_TRUE(mask.intersection(70000, 3).empty());
    EXPECT_FALSE(mask.contains(4, 0));
    EXPECT_FALSE(mask.contains(0, 6));
    EXPECT_TRUE(mask.unionOfRows(4, 100).empty());
    EXPECT_TRUE(mask.unionOfRows(3, 2).empty());
  }
}

TEST(BlockMask, SixteenBitsNeedFewKeyBlocks) {
  BlockMask mask = *BlockMask::fromTerms({2, 65537, 1, 1}, {});
  uint16_t out[1];
  Result<uint32_t> written = mask.activeBlocks(0, out);
  ASSERT_FALSE(written.isOk());
  EXPECT_EQ(written.status().code(), StatusCode::Unsupported);
  EXPECT_EQ(written.status().message(), "expects at most 65536 key blocks for 16 bits, but got 65537");
}

TEST(BlockMask, EmptyGrids) {
  EXPECT_EQ(BlockMask().count(), 0u);
  EXPECT_EQ(BlockMask().density(), 0);
  for (const BlockGrid &grid : {BlockGrid{0, 0, 1, 1}, {0, 5, 1, 1}, {5, 0, 1, 1}})
    for (Representation representation : everyRepresentation) {
      BlockMask mask = *BlockMask::fromTerms(grid, {BandTerm::causal(grid)}, {representation, 1});
      EXPECT_EQ(mask.count(), 0u);
      EXPECT_TRUE(mask.activeBlocks(0).empty());
      EXPECT_EQ(mask.transpose().grid(), grid.transposed());
      EXPECT_EQ(mask.transpose().transpose(), mask);
      EXPECT_TRUE(mask.unionOfRows(0, 5).empty());
    }
}

TEST(BlockMask, CopiesShareAndMovesEmpty) {
  BlockGrid grid = {40, 40, 1, 1};
  BlockMask mask = *BlockMask::fromTerms(grid, {BandTerm::causal(grid)});
  BlockMask copy = mask;
  EXPECT_EQ(&copy.store(), &mask.store());
  BlockMask moved = std::move(copy);
  EXPECT_EQ(moved, mask);
  EXPECT_EQ(copy, mask); // NOLINT: a mask that was moved from stays as it was.
  copy = mask;
  EXPECT_EQ(copy, mask);
}

TEST(BlockMask, EqualityAndHashDependOnPairsAndGridOnly) {
  std::mt19937 random(11);
  BlockGrid grid = {50, 60, 16, 16};
  ByteMatrix matrix(grid);
  for (uint8_t &byte : matrix.bytes)
    byte = pick(random, 0, 3) == 0;
  BlockMask reference = maskOf(matrix);
  for (Representation representation : everyRepresentation) {
    BlockMask mask = maskOf(matrix, {representation, 1});
    EXPECT_EQ(mask, reference);
    EXPECT_EQ(mask.contentHash(), reference.contentHash());
    ByteMatrix other = matrix;
    other.at(49, 59) ^= 1;
    EXPECT_NE(maskOf(other, {representation, 1}), mask);
    EXPECT_NE(maskOf(other, {representation, 1}).contentHash(), mask.contentHash());
    // As many pairs, one of them elsewhere.
    other = matrix;
    auto one = std::find(other.bytes.begin(), other.bytes.end(), 1), zero = std::find(one, other.bytes.end(), 0);
    std::swap(*one, *zero);
    EXPECT_NE(maskOf(other, {representation, 1}), mask);
    EXPECT_NE(maskOf(other, {representation, 1}).contentHash(), mask.contentHash());
  }
  // A window in closed form, and as dense bytes.
  ByteMatrix window(grid);
  window.addTerm(BandTerm::band(grid, -4, 4));
  BlockMask closed = *BlockMask::fromTerms(grid, {BandTerm::band(grid, -4, 4)});
  EXPECT_EQ(maskOf(window), closed);
  EXPECT_EQ(maskOf(window).contentHash(), closed.contentHash());
  // The same pairs in other blocks.
  BlockGrid coarser = {50, 60, 32, 16};
  BlockMask other = *BlockMask::fromTerms(coarser, {BandTerm::band(coarser, -4, 4)});
  EXPECT_NE(other, closed);
  EXPECT_NE(other.contentHash(), closed.contentHash());
}

TEST(BlockMask, HashesOfSimilarMasksDiffer) {
  BlockGrid grid = {30, 30, 1, 1};
  std::vector<std::pair<uint64_t, uint64_t>> hashes;
  for (uint32_t q = 0; q < 30; ++q)
    for (uint32_t k = 0; k < 30; ++k) {
      BlockMaskBuilder builder(grid);
      ASSERT_TRUE(builder.addAttention(q, {k}).isOk());
      ContentHash hash = frozen(builder).contentHash();
      hashes.push_back({hash.low, hash.high});
    }
  std::sort(hashes.begin(), hashes.end());
  EXPECT_EQ(std::unique(hashes.begin(), hashes.end()), hashes.end());
}

TEST(BlockMask, StructuredMasksAreSmall) {
  BlockGrid grid = {62500, 62500, 16, 16};
  BlockMaskBuilder builder(grid);
  ASSERT_TRUE(builder.addWindow(256, 255).isOk());
  ASSERT_TRUE(builder.addPrefix(64).isOk());
  ASSERT_TRUE(builder.addQueries({0, 64}).isOk());
  BlockMask mask = frozen(builder);
  EXPECT_LE(mask.stats().heapBytes, 4096u);
  EXPECT_EQ(mask.stats().terms, 3u);
  EXPECT_EQ(mask.transpose().stats().heapBytes, mask.stats().heapBytes);
  // Row 0: all; rows 64 to 319 reach the first blocks through the window in part.
  EXPECT_EQ(mask.rowCount(0), 62500u);
  EXPECT_EQ(mask.rowCount(100), 100u + 256u);
  EXPECT_EQ(mask.rowCount(319), 319u + 256u);
  EXPECT_EQ(mask.rowCount(30000), 64u + 512u);
  EXPECT_EQ(mask.rowCount(62499), 64u + 257u);
}

TEST(BlockMask, PairsOfTermsAreCountedInClosedForm) {
  std::mt19937 random(12);
  for (int i = 0; i < 300; ++i) {
    BlockGrid grid = {pick(random, 1, 900), pick(random, 1, 300), 1, 1};
    std::vector<BandTerm> terms;
    for (uint32_t n = pick(random, 0, 6); n != 0; --n) {
      terms.push_back(pickTerm(random, grid));
      if (i % 4 != 0)
        terms.back().step = 1, terms.back().phase = 0;
    }
    BlockMask mask = *BlockMask::fromTerms(grid, terms, {Representation::TermsAndRows, 1});
    uint64_t sum = 0;
    for (uint32_t q = 0; q < grid.queryBlocks; ++q)
      sum += mask.rowCount(q);
    ASSERT_EQ(mask.count(), sum) << i;
  }
}

TEST(BlockMask, LargestGrid) {
  uint32_t most = BlockGrid::maxBlocks;
  BlockGrid grid = {most, most, 16, 16};
  BlockMaskBuilder builder(grid);
  ASSERT_TRUE(builder.addWindow(100, 0).isOk());
  ASSERT_TRUE(builder.addAttention(most - 1, {0, 1000, most - 1}).isOk());
  BlockMask mask = frozen(builder);
  EXPECT_EQ(mask.count(), uint64_t(most) * 101 - 100 * 101 / 2 + 2);
  EXPECT_EQ(mask.activeBlocks(most - 1).size(), 103u);
  EXPECT_TRUE(mask.contains(most - 1, 0));
  EXPECT_LE(mask.stats().heapBytes, 4096u) << "a slab takes what is in it";
  EXPECT_EQ(mask.transpose().rowCount(0), 102u);
  FreezeOptions bits = {Representation::PackedBits, 1};
  Result<BlockMask> packed = mask.withRepresentation(bits);
  ASSERT_FALSE(packed.isOk());
  EXPECT_EQ(packed.status().code(), StatusCode::Unsupported);
  EXPECT_EQ(packed.status().message(), "expects packed bits to take at most 4294967296 bytes, but got 562949953421312");
}

TEST(BlockMask, AlmostEmptySlabsTakeLittle) {
  BlockGrid grid = {1 << 20, 1 << 20, 16, 16};
  BlockMaskBuilder builder(grid);
  std::vector<uint32_t> queries, keys;
  for (uint32_t i = 0; i < 16; ++i)
    for (uint32_t j = 0; j < 16; ++j) {
      queries.push_back(i * 65536 + 7 * j);
      keys.push_back(j * 65536 + 5 * i);
    }
  ASSERT_TRUE(builder.addPairs(queries.data(), keys.data(), queries.size()).isOk());
  BlockMask mask = frozen(builder);
  EXPECT_EQ(mask.count(), 256u);
  EXPECT_EQ(mask.stats().slabs, 256u);
  EXPECT_LT(mask.stats().heapBytes, 256u * 400);
  BlockMask transposed = mask.transpose();
  EXPECT_LT(transposed.stats().heapBytes, 256u * 400);
  for (size_t i = 0; i < queries.size(); ++i)
    ASSERT_TRUE(mask.contains(queries[i], keys[i]) && transposed.contains(keys[i], queries[i])) << i;
  EXPECT_EQ(transposed.transpose(), mask);
}

TEST(BlockMask, BadGrids) {
  auto messageOf = [](BlockGrid grid) {
    Result<BlockMask> mask = BlockMask::fromTerms(grid, {});
    EXPECT_EQ(mask.status().code(), StatusCode::InvalidArgument);
    return mask.status().message();
  };
  EXPECT_EQ(messageOf({67108865, 1, 1, 1}),
            "expects a grid of at most 67108864 blocks a side, but got 67108865 x 1 blocks of 1 x 1 tokens");
  EXPECT_EQ(messageOf({1, 4000000000, 1, 1}),
            "expects a grid of at most 67108864 blocks a side, but got 1 x 4000000000 blocks of 1 x 1 tokens");
  EXPECT_EQ(messageOf({1, 1, 0, 1}), "expects blocks of 1 to 65536 tokens, but got 1 x 1 blocks of 0 x 1 tokens");
  EXPECT_EQ(messageOf({1, 1, 1, 65537}),
            "expects blocks of 1 to 65536 tokens, but got 1 x 1 blocks of 1 x 65537 tokens");
  BlockGrid grid = {4, 4, 1, 1};
  EXPECT_FALSE(BlockMask::fromTerms(grid, {BandTerm::rectangle({0, 5}, {0, 4})}).isOk());
}

TEST(BlockMask, AutomaticChoice) {
  // Dense without structure: bits.
  std::mt19937 random(13);
  ByteMatrix dense({1500, 1500, 16, 16});
  for (uint8_t &byte : dense.bytes)
    byte = random() & 1;
  EXPECT_EQ(maskOf(dense).stats().representation, Representation::PackedBits);
  EXPECT_EQ(maskOf(dense, {Representation::Roaring, 1}).withRepresentation({})->stats().representation,
            Representation::PackedBits);
  // Structured: terms, however small.
  BlockGrid small = {8, 8, 16, 16};
  EXPECT_EQ(BlockMask::fromTerms(small, {BandTerm::causal(small)})->stats().representation,
            Representation::TermsAndRows);
  // Sparse without structure: rows.
  BlockMaskBuilder sparse({5000, 5000, 16, 16});
  for (uint32_t q = 0; q < 5000; ++q)
    ASSERT_TRUE(sparse.addAttention(q, {q / 2, q, 4999 - q}).isOk());
  EXPECT_EQ(frozen(sparse).stats().representation, Representation::TermsAndRows);
  // What a byte matrix shows to be sparse is not kept as bits.
  ByteMatrix few({2000, 2000, 16, 16});
  few.addWhere([](int64_t q, int64_t k) { return k == q * 7 % 2000; });
  EXPECT_EQ(maskOf(few).stats().representation, Representation::TermsAndRows);
}

TEST(BlockMask, ManyThreadsMayAsk) {
  BlockGrid grid = {300, 400, 16, 16};
  for (Representation representation : everyRepresentation) {
    BlockMaskBuilder builder(grid);
    ByteMatrix matrix = mixedMatrix(grid, 21, builder);
    BlockMask mask = frozen(builder, {representation, 2});
    ContentHash hash = maskOf(matrix).contentHash();
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (uint32_t t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        BlockMask copy = mask;
        wrong += copy.contentHash() != hash;
        for (uint32_t q = t; q < grid.queryBlocks; q += 2)
          wrong += copy.activeBlocks(q) != matrix.row(q);
        wrong += copy.transpose().count() != copy.count();
      });
    for (std::thread &thread : threads)
      thread.join();
    EXPECT_EQ(wrong, 0);
  }
}

} // namespace
