//===- RowMasks.h - Block masks as kernels read them ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiled code never sees a BlockMask. While a row is listed it reads the
// state of each key block for the queries of the row, through minima and maxima
// over aligned runs of blocks; a kernel reads one bit for each block within a
// partial tile (docs/artifact.md).
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_ROWMASKS_H
#define SPARSE_ATTN_LIB_ROWMASKS_H

#include "ArgumentBlock.h"
#include "sparse_attn/BlockMask.h"

#include <cstdint>
#include <vector>

namespace sparse_attn {

/// The masks of one capture: for every batch and head, or shared where a count is 1.
struct StepMask {
  std::vector<BlockMask> masks; ///< By batch, then by head; empty for a capture that is no mask.
  int64_t batches = 0;
  int64_t heads = 0;

  bool isMask() const { return !masks.empty(); }
  const BlockMask &of(int64_t b, int64_t h) const {
    return masks[static_cast<size_t>((batches == 1 ? 0 : b) * heads + (heads == 1 ? 0 : h))];
  }
};

/// The key blocks of one mask for some of its rows.
class MaskStates {
public:
  explicit MaskStates(const BlockGrid &grid);

  /// Sets the states for rows [first, past) of `mask`, which has no more key blocks than the grid.
  void select(const BlockMask &mask, uint32_t first, uint32_t past);

  /// 0, 1 or 2 where no selected row, some, or all of them hold a block. Levels as in a pyramid with entries() blocks.
  const int32_t *minima() const { return minimum.data(); }
  const int32_t *maxima() const { return maximum.data(); }
  int64_t entries() const { return levelZero; }

  /// Does selected row `row` (0: the first) hold key block `block`? False for blocks that do not exist.
  bool holds(uint32_t row, uint32_t block) const {
    return row < selectedRows && block < keyBlocks && (bits[row * rowWords + block / 64] >> (block % 64) & 1) != 0;
  }

private:
  void clear();
  /// Recomputes the levels above level 0 over the touched blocks.
  void propagate();

  uint32_t keyBlocks;
  int64_t levelZero;
  size_t rowWords;
  uint32_t selectedRows = 0;
  std::vector<int32_t> minimum, maximum;
  std::vector<uint64_t> bits;    ///< Of the selected rows.
  std::vector<uint32_t> touched; ///< Blocks whose state is not 0, ascending.
  std::vector<uint32_t> nodes;   ///< Of the level at hand.
  std::vector<BlockRange> ranges;
};

/// The masks of a step, and an argument block through which compiled code reads them. For one thread.
class RowMasks {
public:
  /// All but the argument block, which is copied, must outlive this.
  RowMasks(const std::vector<StepMask> &masks, const BlockLayout &layout, const std::vector<uint64_t> &block);

  /// Sets the states for the query rows [first, past) of (b, h).
  void select(int64_t b, int64_t h, int64_t first, int64_t past);
  const uint64_t *block() const { return words.data(); }

  /// Appends the words of key tile `tile` of the query tile that is selected.
  void appendTileWords(int64_t tile, int64_t tileQ, int64_t tileK, std::vector<uint32_t> &tileWords) const;

private:
  const std::vector<StepMask> &masks;
  std::vector<uint64_t> words;
  std::vector<MaskStates> states; ///< Of the captures that are masks, in order.
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_ROWMASKS_H
