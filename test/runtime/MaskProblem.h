//===- MaskProblem.h - Random masks as arguments --------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the tests of masks within plans share.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_TEST_MASKPROBLEM_H
#define SPARSE_ATTN_TEST_MASKPROBLEM_H

#include "Problem.h"

#include "sparse_attn/BlockMaskBuilder.h"

#include <random>
#include <vector>

namespace sparse_attn::test {

/// The blocks that so many queries and keys take.
inline BlockGrid gridOf(int64_t queries, int64_t keys, MaskBlock block) {
  auto blocks = [](int64_t length, int64_t size) { return static_cast<uint32_t>((length + size - 1) / size); };
  return {blocks(queries, block.queries), blocks(keys, block.keys), static_cast<uint32_t>(block.queries),
          static_cast<uint32_t>(block.keys)};
}

/// A mask of runs, so that some tiles are full and some empty; a run starts at a key block with chance `density` / 4.
inline BlockMask randomMask(const BlockGrid &grid, double density, std::mt19937 &generator) {
  BlockMaskBuilder builder(grid);
  std::uniform_int_distribution<uint32_t> length(1, 8), rows(1, 6);
  std::bernoulli_distribution starts(density / 4);
  for (uint32_t q = 0, past; q < grid.queryBlocks; q = past) {
    // Some successive rows are equal.
    past = std::min(q + rows(generator), grid.queryBlocks);
    for (uint32_t k = 0; k < grid.keyBlocks; ++k) {
      if (!starts(generator))
        continue;
      uint32_t end = std::min(k + length(generator), grid.keyBlocks);
      for (uint32_t row = q; row < past; ++row)
        EXPECT_TRUE(builder.addRange(row, k, end).isOk());
    }
  }
  Result<BlockMask> mask = builder.freeze();
  EXPECT_TRUE(mask.isOk()) << mask.status().message();
  return *mask;
}

/// Masks for all batches or 1, and all heads or 1, and the table that a function takes.
struct MaskTable {
  MaskTable(std::vector<BlockMask> list, int64_t batches, int64_t heads)
      : batches(batches), heads(heads), masks(std::move(list)) {
    for (const BlockMask &mask : masks)
      pointers.push_back(&mask);
    // An empty table has an address, too.
    pointers.reserve(1);
  }
  MaskTable(int64_t batches, int64_t heads, const BlockGrid &grid, double density, std::mt19937 &generator)
      : MaskTable(make(batches * heads, grid, density, generator), batches, heads) {}
  MaskTable(const MaskTable &) = delete;

  static std::vector<BlockMask> make(int64_t count, const BlockGrid &grid, double density, std::mt19937 &generator) {
    std::vector<BlockMask> list;
    for (int64_t i = 0; i < count; ++i)
      list.push_back(randomMask(grid, density, generator));
    return list;
  }

  Value value() {
    Value value = {};
    value.data = pointers.data();
    value.dtype = SPARSE_ATTN_BLOCK_MASK;
    value.rank = 2;
    value.size[0] = batches;
    value.size[1] = heads;
    value.stride[0] = heads;
    value.stride[1] = 1;
    return value;
  }
  const BlockMask &of(int64_t b, int64_t h) const {
    return masks[static_cast<size_t>((batches == 1 ? 0 : b) * heads + (heads == 1 ? 0 : h))];
  }

  int64_t batches, heads;
  std::vector<BlockMask> masks;
  std::vector<const BlockMask *> pointers; ///< By batch, then by head.
};

} // namespace sparse_attn::test

#endif // SPARSE_ATTN_TEST_MASKPROBLEM_H
