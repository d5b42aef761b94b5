//===- BlockMaskOracle.h - Masks as matrices of bytes ---------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The plainest form of a mask, to compare the real one with.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_TEST_RUNTIME_BLOCKMASKORACLE_H
#define SPARSE_ATTN_TEST_RUNTIME_BLOCKMASKORACLE_H

#include "sparse_attn/BlockMaskBuilder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace sparse_attn::test {

/// One byte a pair.
struct ByteMatrix {
  BlockGrid grid;
  std::vector<uint8_t> bytes;

  explicit ByteMatrix(const BlockGrid &grid) : grid(grid), bytes(size_t(grid.queryBlocks) * grid.keyBlocks) {}

  uint8_t &at(uint32_t q, uint32_t k) { return bytes[size_t(q) * grid.keyBlocks + k]; }
  uint8_t at(uint32_t q, uint32_t k) const { return bytes[size_t(q) * grid.keyBlocks + k]; }

  /// Sets every pair for which holds(q, k).
  template <typename Predicate> void addWhere(const Predicate &holds) {
    for (uint32_t q = 0; q < grid.queryBlocks; ++q)
      for (uint32_t k = 0; k < grid.keyBlocks; ++k)
        at(q, k) |= holds(int64_t(q), int64_t(k)) ? 1 : 0;
  }

  void addTerm(const BandTerm &t) {
    addWhere([&](int64_t q, int64_t k) {
      int64_t residue = ((k - q) % t.step + t.step) % t.step;
      return q >= t.queryFirst && q < t.queryPast && k >= t.keyFirst && k < t.keyPast && k - q >= t.lowest &&
             k - q <= t.highest && residue == t.phase;
    });
  }

  std::vector<uint32_t> row(uint32_t q) const {
    std::vector<uint32_t> blocks;
    for (uint32_t k = 0; k < grid.keyBlocks; ++k)
      if (at(q, k))
        blocks.push_back(k);
    return blocks;
  }

  ByteMatrix transposed() const {
    ByteMatrix result(grid.transposed());
    for (uint32_t q = 0; q < grid.queryBlocks; ++q)
      for (uint32_t k = 0; k < grid.keyBlocks; ++k)
        result.at(k, q) = at(q, k);
    return result;
  }

  uint64_t count() const { return static_cast<uint64_t>(std::count(bytes.begin(), bytes.end(), 1)); }
};

/// Ascending blocks as ranges that do not touch.
inline std::vector<BlockRange> rangesOf(const std::vector<uint32_t> &blocks) {
  std::vector<BlockRange> ranges;
  for (uint32_t block : blocks) {
    if (ranges.empty() || ranges.back().past != block)
      ranges.push_back({block, block});
    ranges.back().past = block + 1;
  }
  return ranges;
}

inline BlockMask frozen(BlockMaskBuilder &builder, const FreezeOptions &options = {}) {
  Result<BlockMask> mask = builder.freeze(options);
  EXPECT_TRUE(mask.isOk()) << mask.status().message();
  return mask.isOk() ? *mask : BlockMask();
}

/// The mask of `matrix`, whatever its representation should be.
inline BlockMask maskOf(const ByteMatrix &matrix, const FreezeOptions &options = {}) {
  BlockMaskBuilder builder(matrix.grid);
  EXPECT_TRUE(builder.addDense(matrix.bytes.data(), matrix.grid.keyBlocks).isOk());
  return frozen(builder, options);
}

/// Whether row q of `mask` is `blocks`, asked in every way there is.
inline bool isSameRow(const BlockMask &mask, uint32_t q, const std::vector<uint32_t> &blocks) {
  if (mask.grid().keyBlocks <= 65536) {
    std::vector<uint16_t> narrow(blocks.size());
    if (mask.rowCount(q) != blocks.size() || !mask.activeBlocks(q, narrow.data()).isOk() ||
        !std::equal(narrow.begin(), narrow.end(), blocks.begin()))
      return false;
  }
  return mask.rowCount(q) == blocks.size() && mask.activeBlocks(q) == blocks && mask.ranges(q) == rangesOf(blocks);
}

/// Holds every pair against `matrix`.
inline void expectSame(const BlockMask &mask, const ByteMatrix &matrix) {
  ASSERT_EQ(mask.grid(), matrix.grid);
  ASSERT_EQ(mask.count(), matrix.count());
  for (uint32_t q = 0; q < matrix.grid.queryBlocks; ++q) {
    std::vector<uint32_t> blocks = matrix.row(q);
    if (!isSameRow(mask, q, blocks))
      FAIL() << "row " << q << " is " << testing::PrintToString(mask.activeBlocks(q)) << ", not "
             << testing::PrintToString(blocks);
    for (uint32_t k = 0; k < matrix.grid.keyBlocks; ++k)
      if (mask.contains(q, k) != (matrix.at(q, k) != 0))
        FAIL() << "row " << q << ", key " << k << " is " << mask.contains(q, k);
  }
}

/// A random number in [first, last].
inline uint32_t pick(std::mt19937 &random, uint32_t first, uint32_t last) {
  return std::uniform_int_distribution<uint32_t>(first, last)(random);
}

inline BlockRange pickRange(std::mt19937 &random, uint32_t blocks) {
  uint32_t a = pick(random, 0, blocks), b = pick(random, 0, blocks);
  return {std::min(a, b), std::max(a, b)};
}

/// A random term within `grid`, whose bounds may exclude everything or nothing.
inline BandTerm pickTerm(std::mt19937 &random, const BlockGrid &grid) {
  BandTerm term = BandTerm::rectangle(pickRange(random, grid.queryBlocks), pickRange(random, grid.keyBlocks));
  if (pick(random, 0, 3) == 0)
    term = BandTerm::rectangle({0, grid.queryBlocks}, {0, grid.keyBlocks});
  int64_t reach = int64_t(grid.queryBlocks) + grid.keyBlocks;
  auto distance = [&] { return int64_t(pick(random, 0, static_cast<uint32_t>(reach))) - grid.queryBlocks; };
  if (pick(random, 0, 1) == 0)
    term.lowest = distance();
  if (pick(random, 0, 1) == 0)
    term.highest =
        pick(random, 0, 1) == 0 && term.lowest != -BandTerm::unbounded ? term.lowest + pick(random, 0, 8) : distance();
  if (pick(random, 0, 3) == 0) {
    term.step = pick(random, 1, pick(random, 0, 1) == 0 ? 4 : 40);
    term.phase = pick(random, 0, term.step - 1);
  }
  return term;
}

constexpr Representation everyRepresentation[] = {Representation::TermsAndRows, Representation::PackedBits,
                                                  Representation::Roaring};

} // namespace sparse_attn::test

#endif // SPARSE_ATTN_TEST_RUNTIME_BLOCKMASKORACLE_H
