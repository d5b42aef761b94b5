//===- BlockMaskAlgebraTest.cpp - And, or, and not, transpose -------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BlockMaskOracle.h"

#include <functional>

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

struct Operation {
  Result<BlockMask> (*combine)(const BlockMask &, const BlockMask &, const FreezeOptions &);
  std::function<bool(bool, bool)> expected;
};

const Operation operations[] = {{conjunction, [](bool a, bool b) { return a && b; }},
                                {disjunction, [](bool a, bool b) { return a || b; }},
                                {difference, [](bool a, bool b) { return a && !b; }}};

ByteMatrix combined(const ByteMatrix &a, const ByteMatrix &b, const Operation &operation) {
  ByteMatrix result(a.grid);
  for (size_t i = 0; i < a.bytes.size(); ++i)
    result.bytes[i] = operation.expected(a.bytes[i], b.bytes[i]);
  return result;
}

/// A mask with terms and stored pairs, and its matrix.
struct Sample {
  ByteMatrix matrix;
  BlockMask mask;

  Sample(const BlockGrid &grid, Representation representation, std::mt19937 &random) : matrix(grid) {
    BlockMaskBuilder builder(grid);
    for (uint32_t n = pick(random, 0, 3); n != 0; --n) {
      BandTerm term = pickTerm(random, grid);
      matrix.addTerm(term);
      EXPECT_TRUE(builder.addTerm(term).isOk());
    }
    for (uint32_t n = pick(random, 0, 40); n != 0; --n) {
      uint32_t q = pick(random, 0, grid.queryBlocks - 1), k = pick(random, 0, grid.keyBlocks - 1);
      uint32_t past = std::min(grid.keyBlocks, k + pick(random, 1, pick(random, 0, 3) == 0 ? 30 : 1));
      for (uint32_t i = k; i < past; ++i)
        matrix.at(q, i) = 1;
      EXPECT_TRUE(builder.addRange(q, k, past).isOk());
    }
    mask = frozen(builder, {representation, 1});
  }
};

TEST(BlockMaskAlgebra, EveryPairOfRepresentations) {
  std::mt19937 random(1);
  const BlockGrid grids[] = {{40, 50, 16, 16}, {3, 66000, 1, 1}, {66000, 2, 1, 1}};
  for (int i = 0; i < 180; ++i) {
    const BlockGrid &grid = grids[i % 20 == 0 ? 1 : i % 90 == 1 ? 2 : 0];
    Sample a(grid, everyRepresentation[i % 3], random), b(grid, everyRepresentation[i / 3 % 3], random);
    for (const Operation &operation : operations)
      for (Representation wanted : {Representation::Automatic, everyRepresentation[i / 9 % 3]}) {
        Result<BlockMask> result = operation.combine(a.mask, b.mask, {wanted, 1 + i % 2});
        ASSERT_TRUE(result.isOk());
        ByteMatrix expected = combined(a.matrix, b.matrix, operation);
        ASSERT_NO_FATAL_FAILURE(expectSame(*result, expected)) << i;
        ASSERT_EQ(*result, maskOf(expected)) << i;
        if (wanted != Representation::Automatic) {
          ASSERT_EQ(result->stats().representation, wanted);
        }
      }
  }
}

TEST(BlockMaskAlgebra, TransposeInEveryRepresentation) {
  std::mt19937 random(2);
  const BlockGrid grids[] = {{130, 70, 16, 32}, {64, 64, 1, 1}, {3, 66000, 1, 1}, {66000, 2, 1, 1}, {1, 200, 1, 1}};
  for (int i = 0; i < 150; ++i) {
    const BlockGrid &grid = grids[i % 10 != 0 ? i % 2 : 2 + i / 10 % 3];
    Sample sample(grid, everyRepresentation[i % 3], random);
    BlockMask transposed = sample.mask.transpose(1 + i % 2);
    ASSERT_NO_FATAL_FAILURE(expectSame(transposed, sample.matrix.transposed())) << i;
    ASSERT_EQ(transposed.stats().representation, sample.mask.stats().representation);
    ASSERT_EQ(transposed.transpose(), sample.mask) << i;
    ASSERT_EQ(transposed, maskOf(sample.matrix.transposed())) << i;
  }
}

TEST(BlockMaskAlgebra, StructureStaysClosed) {
  BlockGrid grid = {62500, 62500, 16, 16};
  BlockMask window = *BlockMask::fromTerms(grid, {BandTerm::band(grid, -256, 255)});
  BlockMask causal = *BlockMask::fromTerms(grid, {BandTerm::causal(grid)});
  BlockMask prefix = *BlockMask::fromTerms(grid, {BandTerm::rectangle({0, 62500}, {0, 64})});
  for (const BlockMask &mask : {*conjunction(window, causal), *disjunction(window, prefix), *difference(causal, window),
                                *difference(causal, *disjunction(window, prefix)), *difference(window, prefix)}) {
    EXPECT_EQ(mask.stats().storedBlocks + mask.stats().storedRanges, 0u);
    EXPECT_LE(mask.stats().heapBytes, 4096u);
  }
  EXPECT_EQ(conjunction(window, causal)->stats().terms, 1u);
  EXPECT_EQ(disjunction(window, window)->stats().terms, 1u);
  EXPECT_EQ(difference(window, window)->count(), 0u);
}

TEST(BlockMaskAlgebra, HolesLeaveTheOtherRowsClosed) {
  BlockGrid grid = {10000, 10000, 16, 16};
  BlockMask causal = *BlockMask::fromTerms(grid, {BandTerm::causal(grid)});
  BlockMaskBuilder builder(grid);
  ASSERT_TRUE(builder.addAttention(5000, {0, 17, 4000, 9000}).isOk());
  BlockMask holes = frozen(builder);
  BlockMask rest = *difference(causal, holes);
  EXPECT_EQ(rest.count(), causal.count() - 3);
  EXPECT_EQ(rest.stats().terms, 2u);
  EXPECT_EQ(rest.ranges(5000), (std::vector<BlockRange>{{1, 17}, {18, 4000}, {4001, 5001}}));
  EXPECT_EQ(*disjunction(rest, *conjunction(holes, causal)), causal);
}

TEST(BlockMaskAlgebra, ManyDocuments) {
  // One square a document; each row of the difference of two such masks has at most two ranges.
  BlockGrid grid = {3000, 3000, 16, 16};
  std::vector<BandTerm> a, b;
  for (uint32_t first = 0; first < 3000; first += 10)
    a.push_back(BandTerm::rectangle({first, first + 10}, {first, first + 10}));
  for (uint32_t first = 0; first < 3000; first += 15)
    b.push_back(BandTerm::rectangle({first, first + 15}, {first, first + 15}));
  ByteMatrix matrixA(grid), matrixB(grid);
  matrixA.addWhere([](int64_t q, int64_t k) { return q / 10 == k / 10; });
  matrixB.addWhere([](int64_t q, int64_t k) { return q / 15 == k / 15; });
  BlockMask maskA = *BlockMask::fromTerms(grid, a), maskB = *BlockMask::fromTerms(grid, b);
  EXPECT_EQ(maskA, maskOf(matrixA));
  for (const Operation &operation : operations)
    EXPECT_EQ(*operation.combine(maskA, maskB, {}), maskOf(combined(matrixA, matrixB, operation)));
  EXPECT_EQ(maskA.transpose(), maskA);
}

TEST(BlockMaskAlgebra, GridsMustAgree) {
  BlockMask a = *BlockMask::fromTerms({4, 5, 16, 16}, {}), b = *BlockMask::fromTerms({4, 5, 16, 32}, {});
  for (const Operation &operation : operations) {
    Result<BlockMask> result = operation.combine(a, b, {});
    ASSERT_FALSE(result.isOk());
    EXPECT_EQ(result.status().code(), StatusCode::ShapeMismatch);
    EXPECT_EQ(result.status().message(), "expects two masks of one grid, but got 4 x 5 blocks of 16 x 16 tokens and "
                                         "4 x 5 blocks of 16 x 32 tokens");
  }
}

} // namespace
