//===- BlockMaskBuilderTest.cpp - Every way to build a mask ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BlockMaskOracle.h"

#include <limits>

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

/// Grids of one slab and of several.
const BlockGrid grids[] = {{45, 70, 16, 16}, {70, 45, 1, 1}, {3, 66000, 1, 1}, {66000, 2, 1, 1}};

ByteMatrix randomMatrix(const BlockGrid &grid, uint32_t oneIn, std::mt19937 &random) {
  ByteMatrix matrix(grid);
  for (uint8_t &byte : matrix.bytes)
    byte = random() % oneIn == 0;
  return matrix;
}

/// Matrices of more rows are compared once only.
constexpr uint32_t slowRows = 1000;

/// Freezes in every way. `fill(builder)` adds everything.
template <typename Fill> void expectBuilds(const ByteMatrix &matrix, const Fill &fill) {
  const FreezeOptions everyOption[] = {{Representation::TermsAndRows, 2}, {Representation::Automatic, 1},
                                       {Representation::TermsAndRows, 1}, {Representation::PackedBits, 2},
                                       {Representation::PackedBits, 1},   {Representation::Roaring, 1}};
  for (const FreezeOptions &options : everyOption) {
    BlockMaskBuilder builder(matrix.grid);
    ASSERT_NO_FATAL_FAILURE(fill(builder));
    BlockMask mask = frozen(builder, options);
    ASSERT_NO_FATAL_FAILURE(expectSame(mask, matrix))
        << matrix.grid << ", " << representationName(options.representation) << ", " << options.threads << " threads";
    if (matrix.grid.queryBlocks > slowRows)
      return;
  }
}

void expectOk(const Status &status) { ASSERT_TRUE(status.isOk()) << status.message(); }

TEST(BlockMaskBuilder, ListsInAnyOrderWithRepetitions) {
  std::mt19937 random(1);
  for (const BlockGrid &grid : grids) {
    ByteMatrix matrix(grid);
    std::vector<std::pair<uint32_t, std::vector<uint32_t>>> lists;
    for (int i = 0; i < 60; ++i) {
      std::vector<uint32_t> keys(pick(random, 0, 30));
      for (uint32_t &key : keys)
        key = pick(random, 0, grid.keyBlocks - 1);
      if (i % 3 == 0)
        std::sort(keys.begin(), keys.end());
      uint32_t q = pick(random, 0, grid.queryBlocks - 1);
      for (uint32_t key : keys)
        matrix.at(q, key) = 1;
      lists.push_back({q, keys});
    }
    expectBuilds(matrix, [&](BlockMaskBuilder &builder) {
      for (const auto &[q, keys] : lists)
        expectOk(builder.addAttention(q, keys));
    });
  }
}

TEST(BlockMaskBuilder, Ranges) {
  std::mt19937 random(2);
  for (const BlockGrid &grid : grids) {
    ByteMatrix matrix(grid);
    std::vector<std::pair<uint32_t, BlockRange>> ranges;
    for (int i = 0; i < 40; ++i) {
      uint32_t q = pick(random, 0, grid.queryBlocks - 1);
      BlockRange range = pickRange(random, grid.keyBlocks);
      if (i % 2 == 0)
        range.past = std::min(range.past, range.first + 5);
      ranges.push_back({q, range});
      for (uint32_t k = range.first; k < range.past; ++k)
        matrix.at(q, k) = 1;
    }
    expectBuilds(matrix, [&](BlockMaskBuilder &builder) {
      for (const auto &[q, range] : ranges)
        expectOk(builder.addRange(q, range.first, range.past));
    });
  }
}

TEST(BlockMaskBuilder, Structure) {
  for (const BlockGrid &grid : grids) {
    ByteMatrix matrix(grid);
    matrix.addWhere([&](int64_t q, int64_t k) {
      return (k >= q - 3 && k <= q + 1) || (q >= 1 && q < 2 && k <= q + 9) || k < 1 || (q >= 2 && q < 3) || k == 1;
    });
    expectBuilds(matrix, [&](BlockMaskBuilder &builder) {
      expectOk(builder.addWindow(3, 1));
      expectOk(builder.addWindow(100, 9, {1, 2}));
      expectOk(builder.addPrefix(1));
      expectOk(builder.addQueries({2, 3}));
      expectOk(builder.addKeys({1, 2}));
    });
  }
}

TEST(BlockMaskBuilder, WindowsWiderThanTheGrid) {
  BlockMaskBuilder builder({5, 9, 1, 1});
  expectOk(builder.addWindow(UINT32_MAX, UINT32_MAX));
  EXPECT_EQ(frozen(builder).count(), 45u);
}

TEST(BlockMaskBuilder, Terms) {
  std::mt19937 random(3);
  for (int i = 0; i < 40; ++i) {
    const BlockGrid &grid = grids[i % 2];
    ByteMatrix matrix(grid);
    std::vector<BandTerm> terms;
    for (uint32_t n = pick(random, 0, 14); n != 0; --n) {
      terms.push_back(pickTerm(random, grid));
      matrix.addTerm(terms.back());
    }
    expectBuilds(matrix, [&](BlockMaskBuilder &builder) {
      for (const BandTerm &term : terms)
        expectOk(builder.addTerm(term));
    });
  }
}

TEST(BlockMaskBuilder, MoreTermsThanAMaskKeeps) {
  BlockGrid grid = {1200, 1200, 1, 1};
  BlockMaskBuilder builder(grid);
  ByteMatrix matrix(grid);
  for (uint32_t q = 0; q < 1200; ++q)
    for (uint32_t k = q % 2; k < 1200; k += 16) {
      expectOk(builder.addTerm(BandTerm::rectangle({q, q + 1}, {k, k + 1})));
      matrix.at(q, k) = 1;
    }
  BlockMask mask = frozen(builder, {Representation::TermsAndRows, 1});
  EXPECT_LE(mask.stats().terms, 65536u);
  EXPECT_GT(mask.stats().storedBlocks, 0u);
  EXPECT_EQ(mask, maskOf(matrix));
}

template <typename Index> void expectPairs(const ByteMatrix &matrix, std::mt19937 &random) {
  std::vector<Index> pairs;
  for (uint32_t q = 0; q < matrix.grid.queryBlocks; ++q)
    for (uint32_t k : matrix.row(q))
      for (uint32_t copies = pick(random, 1, 2); copies != 0; --copies)
        pairs.insert(pairs.end(), {static_cast<Index>(q), static_cast<Index>(k)});
  for (size_t i = pairs.size() / 2; i > 1; --i) { // Fisher-Yates.
    size_t j = pick(random, 0, static_cast<uint32_t>(i - 1));
    std::swap_ranges(&pairs[2 * i - 2], &pairs[2 * i - 2] + 2, &pairs[2 * j]);
  }
  expectBuilds(matrix, [&](BlockMaskBuilder &builder) {
    expectOk(builder.addPairs(pairs.data(), pairs.data() + 1, pairs.size() / 2, 2));
  });
}

TEST(BlockMaskBuilder, Pairs) {
  std::mt19937 random(4);
  for (const BlockGrid &grid : grids)
    for (uint32_t oneIn : {4u, 3000u}) { // Many, and few compared with the rows.
      ByteMatrix matrix = randomMatrix(grid, oneIn, random);
      expectPairs<uint32_t>(matrix, random);
      expectPairs<int32_t>(matrix, random);
      expectPairs<uint64_t>(matrix, random);
      expectPairs<int64_t>(matrix, random);
    }
}

TEST(BlockMaskBuilder, PairsInTwoArrays) {
  ByteMatrix matrix({4, 4, 1, 1});
  matrix.at(3, 1) = matrix.at(0, 2) = matrix.at(3, 0) = 1;
  std::vector<int32_t> queries = {3, 0, 3, 3}, keys = {1, 2, 0, 1};
  expectBuilds(matrix, [&](BlockMaskBuilder &builder) {
    expectOk(builder.addPairs(queries.data(), keys.data(), queries.size()));
  });
}

template <typename Offset, typename Index> void expectCsr(const ByteMatrix &matrix, std::mt19937 &random) {
  std::vector<Offset> offsets = {0};
  std::vector<Index> columns;
  for (uint32_t q = 0; q < matrix.grid.queryBlocks; ++q) {
    std::vector<uint32_t> row = matrix.row(q);
    if (q % 2 == 0)
      std::shuffle(row.begin(), row.end(), random);
    for (uint32_t k : row)
      columns.push_back(static_cast<Index>(k));
    offsets.push_back(static_cast<Offset>(columns.size()));
  }
  expectBuilds(matrix, [&](BlockMaskBuilder &builder) {
    expectOk(builder.addCsr(offsets.data(), columns.data(), columns.size()));
  });
}

TEST(BlockMaskBuilder, CompressedRows) {
  std::mt19937 random(5);
  ByteMatrix matrix = randomMatrix(grids[0], 5, random);
  expectCsr<uint32_t, uint16_t>(matrix, random);
  expectCsr<int32_t, int32_t>(matrix, random);
  expectCsr<int64_t, int64_t>(matrix, random);
  expectCsr<uint64_t, uint32_t>(matrix, random);
  expectCsr<int64_t, uint16_t>(matrix, random);
  ByteMatrix wide = randomMatrix(grids[2], 50, random);
  expectCsr<int64_t, int32_t>(wide, random);
  expectCsr<uint32_t, int64_t>(wide, random);
}

TEST(BlockMaskBuilder, PackedBits) {
  std::mt19937 random(6);
  for (const BlockGrid &grid : grids)
    for (uint32_t oneIn : {2u, 40u}) {
      ByteMatrix matrix = randomMatrix(grid, oneIn, random);
      size_t rowBytes = (grid.keyBlocks + 7) / 8 + 3;
      // Bits behind the last key block are noise.
      std::vector<uint8_t> bits(rowBytes * grid.queryBlocks, 0xff);
      for (uint32_t q = 0; q < grid.queryBlocks; ++q)
        for (uint32_t k = 0; k < grid.keyBlocks; ++k)
          if (!matrix.at(q, k))
            bits[q * rowBytes + k / 8] &= static_cast<uint8_t>(~(1 << k % 8));
      expectBuilds(matrix, [&](BlockMaskBuilder &builder) { expectOk(builder.addPackedBits(bits.data(), rowBytes)); });
    }
}

TEST(BlockMaskBuilder, DenseBytes) {
  std::mt19937 random(7);
  for (const BlockGrid &grid : grids) {
    ByteMatrix matrix = randomMatrix(grid, 3, random);
    size_t rowBytes = grid.keyBlocks + 5;
    std::vector<uint8_t> bytes(rowBytes * grid.queryBlocks, 1);
    for (uint32_t q = 0; q < grid.queryBlocks; ++q)
      for (uint32_t k = 0; k < grid.keyBlocks; ++k)
        bytes[q * rowBytes + k] = matrix.at(q, k) ? static_cast<uint8_t>(pick(random, 1, 255)) : 0;
    expectBuilds(matrix, [&](BlockMaskBuilder &builder) { expectOk(builder.addDense(bytes.data(), rowBytes)); });
  }
}

TEST(BlockMaskBuilder, Masks) {
  std::mt19937 random(8);
  for (const BlockGrid &grid : grids) {
    ByteMatrix first = randomMatrix(grid, 9, random), second(grid);
    second.addTerm(BandTerm::band(grid, -2, 5));
    ByteMatrix either = first;
    for (size_t i = 0; i < either.bytes.size(); ++i)
      either.bytes[i] |= second.bytes[i];
    for (Representation representation : everyRepresentation) {
      BlockMask a = maskOf(first, {representation, 1});
      BlockMask b = *BlockMask::fromTerms(grid, {BandTerm::band(grid, -2, 5)});
      expectBuilds(either, [&](BlockMaskBuilder &builder) {
        expectOk(builder.addMask(a));
        expectOk(builder.addMask(b));
      });
    }
  }
}

TEST(BlockMaskBuilder, AllFormsTogether) {
  BlockGrid grid = {64, 64, 16, 16};
  ByteMatrix matrix(grid);
  matrix.addWhere([](int64_t q, int64_t k) { return (q - k <= 2 && k - q <= 2) || k == 9 || (q == 7 && k >= 30); });
  std::vector<uint32_t> offsets(65), columns = {0};
  std::fill(offsets.begin() + 11, offsets.end(), 1); // Row 10 reads block 0.
  matrix.at(10, 0) = 1;
  uint32_t query = 63, key = 1;
  matrix.at(63, 1) = 1;
  expectBuilds(matrix, [&](BlockMaskBuilder &builder) {
    expectOk(builder.addPairs(&query, &key, 1));
    expectOk(builder.addWindow(2, 2));
    expectOk(builder.addRange(7, 30, 64));
    expectOk(builder.addCsr(offsets.data(), columns.data(), 1));
    for (uint32_t q = 64; q-- != 0;)
      expectOk(builder.addAttention(q, {9}));
  });
}

TEST(BlockMaskBuilder, FreezeEmptiesTheBuilder) {
  BlockMaskBuilder builder({9, 9, 1, 1});
  expectOk(builder.addWindow(1, 1));
  expectOk(builder.addAttention(0, {8}));
  EXPECT_EQ(frozen(builder).count(), 26u);
  EXPECT_EQ(frozen(builder).count(), 0u);
  expectOk(builder.addAttention(0, {8}));
  BlockMaskBuilder moved = std::move(builder);
  EXPECT_EQ(frozen(moved).count(), 1u);
}

TEST(BlockMaskBuilder, WhatIsInATermIsNotStored) {
  BlockMaskBuilder builder({500, 500, 1, 1});
  for (uint32_t q = 0; q < 500; ++q)
    expectOk(builder.addAttention(q, {q, (q * 77) % 500}));
  expectOk(builder.addWindow(20, 20));
  MaskStats stats = frozen(builder, {Representation::TermsAndRows, 1}).stats();
  EXPECT_LT(stats.storedBlocks, 500u);
  EXPECT_EQ(stats.terms, 1u);
}

TEST(BlockMaskBuilder, LongRunsAreStoredAsRanges) {
  BlockMaskBuilder builder({500, 5000, 1, 1});
  for (uint32_t q = 0; q < 500; ++q) {
    std::vector<uint32_t> keys(300);
    for (uint32_t i = 0; i < 300; ++i)
      keys[i] = (q * 31) % 4000 + i;
    expectOk(builder.addAttention(q, keys));
  }
  MaskStats stats = frozen(builder, {Representation::TermsAndRows, 1}).stats();
  EXPECT_EQ(stats.storedRanges, 500u);
  EXPECT_EQ(stats.storedBlocks, 0u);
  EXPECT_LT(stats.heapBytes, 8192u);
}

TEST(BlockMaskBuilder, BandsAmongRowsAreFound) {
  // Longformer with random blocks, once said to be that, once as lists of blocks, once as bytes.
  BlockGrid grid = {600, 600, 16, 16};
  std::mt19937 random(9);
  BlockMaskBuilder closed(grid), lists(grid), dense(grid);
  ByteMatrix matrix(grid);
  matrix.addTerm(BandTerm::band(grid, -32, 31));
  matrix.addTerm(BandTerm::rectangle({0, 600}, {0, 16}));
  matrix.addTerm(BandTerm::rectangle({0, 20}, {0, 600}));
  expectOk(closed.addWindow(32, 31));
  expectOk(closed.addPrefix(16));
  expectOk(closed.addQueries({0, 20}));
  for (uint32_t q = 0; q < 600; ++q) {
    uint32_t k = pick(random, 0, 599);
    matrix.at(q, k) = 1;
    expectOk(closed.addAttention(q, {k}));
    expectOk(lists.addAttention(q, matrix.row(q)));
  }
  expectOk(dense.addDense(matrix.bytes.data(), 600));
  const FreezeOptions rows = {Representation::TermsAndRows, 1};
  BlockMask expected = frozen(closed, rows);
  for (BlockMaskBuilder *builder : {&lists, &dense}) {
    BlockMask mask = frozen(*builder, rows);
    EXPECT_EQ(mask, expected);
    EXPECT_LE(mask.stats().terms, 16u);
    EXPECT_LT(mask.stats().storedRanges, 60u);
    EXPECT_LT(mask.stats().heapBytes, 2 * expected.stats().heapBytes);
    ASSERT_NO_FATAL_FAILURE(expectSame(mask, matrix));
  }
}

TEST(BlockMaskBuilder, BandsOfDocumentsAreFound) {
  BlockGrid grid = {2000, 2000, 16, 16};
  ByteMatrix matrix(grid);
  matrix.addWhere([](int64_t q, int64_t k) { return q / 50 == k / 50 && k <= q; });
  BlockMask mask = maskOf(matrix, {Representation::TermsAndRows, 1});
  EXPECT_EQ(mask.stats().terms, 40u);
  ASSERT_NO_FATAL_FAILURE(expectSame(mask, matrix));
}

TEST(BlockMaskBuilder, BandsAcrossSlabsAreFound) {
  BlockGrid grid = {66000, 66000, 16, 16};
  BlockMaskBuilder builder(grid);
  for (uint32_t q = 0; q < grid.queryBlocks; ++q)
    expectOk(builder.addRange(q, q < 9 ? 0 : q - 9, std::min(q + 10, grid.keyBlocks)));
  BlockMask mask = frozen(builder);
  EXPECT_EQ(mask, *BlockMask::fromTerms(grid, {BandTerm::band(grid, -9, 9)}));
  EXPECT_LT(mask.stats().heapBytes, 8192u);
}

TEST(BlockMaskBuilder, BlocksOutsideAreNamed) {
  BlockGrid grid = {10, 20, 1, 1};
  BlockMaskBuilder builder(grid);
  auto expectError = [](const Status &status, const std::string &message) {
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
    EXPECT_EQ(status.message(), message);
  };
  expectError(builder.addAttention(10, {1}), "expects a query block below 10, but got 10");
  expectError(builder.addAttention(3, {1, 5, 20}), "expects key blocks below 20 in row 3, but got 20");
  expectError(builder.addAttention(3, {1, 77, 5}), "expects key blocks below 20 in row 3, but got 77");
  expectError(builder.addAttention(3, BlockList(nullptr, 2)), "expects key blocks, but got null");
  expectError(builder.addRange(10, 0, 1), "expects a query block below 10, but got 10");
  expectError(builder.addRange(9, 0, 21), "expects a range of key blocks below 20 in row 9, but got [0, 21)");
  expectError(builder.addRange(9, 5, 4), "expects a range of key blocks below 20 in row 9, but got [5, 4)");
  expectError(builder.addPrefix(21), "expects a term's key blocks to ascend and be at most 20, but got [0, 21)");
  expectError(builder.addKeys({3, 2}), "expects a term's key blocks to ascend and be at most 20, but got [3, 2)");
  expectError(builder.addQueries({0, 11}),
              "expects a term's query blocks to ascend and be at most 10, but got [0, 11)");
  expectError(builder.addWindow(1, 1, {5, 11}),
              "expects a term's query blocks to ascend and be at most 10, but got [5, 11)");
  std::vector<int64_t> queries = {0, -1, 3}, keys = {0, 1, -7};
  expectError(builder.addPairs(queries.data(), keys.data(), 3), "expects query blocks below 10, but got -1 in pair 1");
  queries[1] = 9;
  expectError(builder.addPairs(queries.data(), keys.data(), 3), "expects key blocks below 20 in row 3, but got -7");
  expectError(builder.addPairs<int64_t>(nullptr, keys.data(), 3),
              "expects the query and key blocks of pairs, but got null");
  uint64_t huge = std::numeric_limits<uint64_t>::max(), zero = 0;
  expectError(builder.addPairs(&zero, &huge, 1), "expects key blocks below 20 in row 0, but got 18446744073709551615");
  EXPECT_EQ(frozen(builder).count(), 0u) << "a call that fails adds nothing";
}

TEST(BlockMaskBuilder, BadCompressedRows) {
  BlockMaskBuilder builder({3, 5, 1, 1});
  auto messageOf = [&](std::vector<int32_t> offsets, std::vector<int32_t> columns) {
    Status status = builder.addCsr(offsets.data(), columns.data(), columns.size());
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
    return status.message();
  };
  EXPECT_EQ(messageOf({1, 1, 1, 1}, {0}), "expects row offsets to start at 0, but got 1");
  EXPECT_EQ(messageOf({0, 2, 1, 2}, {0, 1}), "expects row offsets to ascend up to 2, but got 2 and 1 for row 1");
  EXPECT_EQ(messageOf({0, 1, 7, 2}, {0, 1}), "expects row offsets to ascend up to 2, but got 1 and 7 for row 1");
  EXPECT_EQ(messageOf({0, -1, 1, 2}, {0, 1}), "expects row offsets to ascend up to 2, but got 0 and -1 for row 0");
  EXPECT_EQ(messageOf({0, 1, 1, 1}, {0, 1}), "expects row offsets to end at the number of columns, 2, but got 1");
  EXPECT_EQ(messageOf({0, 1, 1, 2}, {0, 5}), "expects key blocks below 5 in row 2, but got 5");
  EXPECT_EQ(messageOf({0, 1, 1, 2}, {0, -5}), "expects key blocks below 5 in row 2, but got -5");
  const int32_t *null = nullptr;
  EXPECT_FALSE(builder.addCsr(null, null, 0).isOk());
  EXPECT_EQ(frozen(builder).count(), 0u);
}

TEST(BlockMaskBuilder, BadDenseMasks) {
  BlockMaskBuilder builder({3, 20, 1, 1});
  std::vector<uint8_t> bytes(60);
  EXPECT_EQ(builder.addDense(bytes.data(), 19).message(), "expects rows of at least 20 bytes, but got 19");
  EXPECT_EQ(builder.addDense(nullptr, 20).message(), "expects a dense mask, but got null");
  EXPECT_EQ(builder.addPackedBits(bytes.data(), 2).message(),
            "expects rows of at least 3 bytes for 20 bits, but got 2");
  EXPECT_EQ(builder.addPackedBits(nullptr, 3).message(), "expects packed bits, but got null");
}

TEST(BlockMaskBuilder, BadGridFailsEverywhere) {
  BlockMaskBuilder builder({3, 20, 0, 1});
  std::string expected = "expects blocks of 1 to 65536 tokens, but got 3 x 20 blocks of 0 x 1 tokens";
  EXPECT_EQ(builder.addAttention(0, {0}).message(), expected);
  EXPECT_EQ(builder.addRange(0, 0, 1).message(), expected);
  EXPECT_EQ(builder.addWindow(0, 0).message(), expected);
  EXPECT_EQ(builder.freeze().status().message(), expected);
}

TEST(BlockMaskBuilder, MaskOfAnotherGrid) {
  BlockMaskBuilder builder({3, 20, 1, 1});
  Status status = builder.addMask(*BlockMask::fromTerms({3, 20, 2, 1}, {}));
  EXPECT_EQ(status.code(), StatusCode::ShapeMismatch);
  EXPECT_EQ(status.message(),
            "expects a mask of 3 x 20 blocks of 1 x 1 tokens, but got one of 3 x 20 blocks of 2 x 1 tokens");
}

} // namespace
