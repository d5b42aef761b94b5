//===- BlockMaskTermsTest.cpp - Arithmetic on bands -----------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BlockMaskOracle.h"
#include "mask/BandTerms.h"
#include "mask/TermIndex.h"

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

const BlockGrid grids[] = {{13, 17, 1, 1}, {20, 9, 1, 1}, {1, 12, 1, 1}, {12, 1, 1, 1}};

ByteMatrix matrixOf(const BlockGrid &grid, const std::vector<BandTerm> &terms) {
  ByteMatrix matrix(grid);
  for (const BandTerm &term : terms)
    matrix.addTerm(term);
  return matrix;
}

/// A random term that is not empty, tight.
BandTerm pickTight(std::mt19937 &random, const BlockGrid &grid) {
  for (;;)
    if (std::optional<BandTerm> term = mask::tighten(pickTerm(random, grid)))
      return *term;
}

TEST(BlockMaskTerms, TighteningKeepsThePairs) {
  std::mt19937 random(1);
  for (int i = 0; i < 8000; ++i) {
    const BlockGrid &grid = grids[i % 4];
    BandTerm term = pickTerm(random, grid);
    ASSERT_TRUE(mask::checkTerm(grid, term).isOk());
    std::optional<BandTerm> tight = mask::tighten(term);
    ByteMatrix expected = matrixOf(grid, {term});
    ASSERT_EQ(tight.has_value(), expected.count() != 0) << i;
    if (!tight)
      continue;
    ASSERT_EQ(matrixOf(grid, {*tight}).bytes, expected.bytes) << i;
    ASSERT_EQ(*mask::tighten(*tight), *tight) << i;
    for (uint32_t q = tight->queryFirst; q < tight->queryPast && tight->step == 1; ++q)
      ASSERT_FALSE(mask::keysOfRow(*tight, q).isEmpty()) << "every row of a plain band has a range: " << i;
  }
}

TEST(BlockMaskTerms, TransposeExchangesQueriesAndKeys) {
  std::mt19937 random(2);
  for (int i = 0; i < 4000; ++i) {
    const BlockGrid &grid = grids[i % 4];
    BandTerm term = pickTight(random, grid);
    BandTerm transposed = mask::transpose(term);
    ASSERT_TRUE(mask::checkTerm(grid.transposed(), transposed).isOk());
    ASSERT_EQ(matrixOf(grid.transposed(), {transposed}).bytes, matrixOf(grid, {term}).transposed().bytes) << i;
    ASSERT_EQ(mask::transpose(transposed), term) << i;
  }
}

TEST(BlockMaskTerms, IntersectionIsOneTerm) {
  std::mt19937 random(3);
  for (int i = 0; i < 8000; ++i) {
    const BlockGrid &grid = grids[i % 4];
    BandTerm a = pickTight(random, grid), b = pickTight(random, grid);
    ByteMatrix expected = matrixOf(grid, {a}), other = matrixOf(grid, {b});
    for (size_t j = 0; j < expected.bytes.size(); ++j)
      expected.bytes[j] &= other.bytes[j];
    std::optional<BandTerm> both = mask::intersect(a, b);
    ASSERT_EQ(both.has_value(), expected.count() != 0) << i;
    if (both) {
      ASSERT_EQ(matrixOf(grid, {*both}).bytes, expected.bytes) << i;
    }
    if (mask::includes(a, b)) {
      ASSERT_EQ(expected.bytes, other.bytes) << i;
    }
  }
}

TEST(BlockMaskTerms, IntersectionOfStepsWithoutCommonFactor) {
  BlockGrid grid = {100, 50000000, 1, 1};
  BandTerm a = BandTerm::band(grid, 0, 49999999), b = a;
  a.step = 65537;
  a.phase = 5;
  b.step = 65521;
  b.phase = 5;
  std::optional<BandTerm> both = mask::intersect(*mask::tighten(a), *mask::tighten(b));
  ASSERT_TRUE(both.has_value());
  EXPECT_EQ(both->lowest, 5) << "the next common distance, 65537 * 65521 further, is outside of the grid";
  EXPECT_EQ(both->highest, 5);
  EXPECT_EQ(both->step, 1u);
}

TEST(BlockMaskTerms, DifferenceIsDisjointTerms) {
  std::mt19937 random(4);
  int notClosed = 0;
  for (int i = 0; i < 8000; ++i) {
    const BlockGrid &grid = grids[i % 4];
    BandTerm a = pickTight(random, grid), b = pickTight(random, grid);
    ByteMatrix expected = matrixOf(grid, {a}), other = matrixOf(grid, {b});
    for (size_t j = 0; j < expected.bytes.size(); ++j)
      expected.bytes[j] &= !other.bytes[j];
    std::vector<BandTerm> pieces;
    if (!mask::subtract(a, b, pieces)) {
      ++notClosed;
      ASSERT_TRUE(pieces.empty());
      continue;
    }
    uint64_t sum = 0;
    for (const BandTerm &piece : pieces)
      sum += matrixOf(grid, {piece}).count();
    ASSERT_EQ(matrixOf(grid, pieces).bytes, expected.bytes) << i;
    ASSERT_EQ(sum, expected.count()) << "pieces overlap: " << i;
  }
  EXPECT_LT(notClosed, 800);
}

TEST(BlockMaskTerms, SimplifyKeepsThePairsAndIsCanonical) {
  std::mt19937 random(5);
  for (int i = 0; i < 500; ++i) {
    const BlockGrid &grid = grids[i % 4];
    std::vector<BandTerm> terms;
    for (uint32_t n = pick(random, 0, 12); n != 0; --n)
      terms.push_back(pickTerm(random, grid));
    std::vector<BandTerm> simple = mask::simplify(terms);
    ASSERT_EQ(matrixOf(grid, simple).bytes, matrixOf(grid, terms).bytes) << i;
    std::shuffle(terms.begin(), terms.end(), random);
    ASSERT_EQ(mask::simplify(terms), simple) << i;
  }
}

TEST(BlockMaskTerms, IndexFindsTheTermsOfEveryRow) {
  std::mt19937 random(6);
  BlockGrid grid = {200, 10, 1, 1};
  for (uint32_t count : {0u, 1u, 8u, 9u, 40u, 300u}) {
    std::vector<BandTerm> terms;
    while (terms.size() < count)
      terms.push_back(pickTight(random, grid));
    mask::TermIndex index(terms);
    for (uint32_t q = 0; q < grid.queryBlocks + 10; ++q) {
      std::vector<const BandTerm *> found, expected;
      index.forEachAt(q, [&](const BandTerm &term) { found.push_back(&term); });
      for (const BandTerm &term : index.terms())
        if (q >= term.queryFirst && q < term.queryPast)
          expected.push_back(&term);
      std::sort(found.begin(), found.end());
      ASSERT_EQ(found, expected) << "row " << q << " of " << count << " terms";
    }
  }
}

TEST(BlockMaskTerms, BadTermsAreNamed) {
  BlockGrid grid = {10, 20, 1, 1};
  auto messageOf = [&](BandTerm term) {
    Status status = mask::checkTerm(grid, term);
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
    return status.message();
  };
  EXPECT_EQ(messageOf({0, 11, 0, 20, 0, 0, 1, 0}),
            "expects a term's query blocks to ascend and be at most 10, but got [0, 11)");
  EXPECT_EQ(messageOf({3, 2, 0, 20, 0, 0, 1, 0}),
            "expects a term's query blocks to ascend and be at most 10, but got [3, 2)");
  EXPECT_EQ(messageOf({0, 10, 5, 21, 0, 0, 1, 0}),
            "expects a term's key blocks to ascend and be at most 20, but got [5, 21)");
  EXPECT_EQ(messageOf({0, 10, 0, 20, -BandTerm::unbounded - 1, 0, 1, 0}),
            "expects a term's distances to be within 2^32, but got [-4294967297, 0]");
  EXPECT_EQ(messageOf({0, 10, 0, 20, 0, 0, 0, 0}),
            "expects a term's phase to be below its step, but got phase 0 and step 0");
  EXPECT_EQ(messageOf({0, 10, 0, 20, 0, 0, 3, 3}),
            "expects a term's phase to be below its step, but got phase 3 and step 3");
}

} // namespace
