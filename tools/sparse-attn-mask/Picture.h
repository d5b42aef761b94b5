//===- Picture.h - Masks as a grid of cells -------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_MASK_PICTURE_H
#define SPARSE_ATTN_MASK_PICTURE_H

#include "Options.h"

#include "sparse_attn/BlockMask.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sparse_attn::tools::mask {

/// What is drawn.
struct Subject {
  std::string title;
  BlockMask read;
  std::optional<BlockMask> partial; ///< Nothing: which blocks are partial is not known.
  bool overestimated = false;       ///< More blocks are read than need be.
};

/// The mask or pattern that `options` names. Throws an InputError; also where the partial blocks are no part of the
/// others.
Subject readSubject(const Options &options);

/// Blocks of a cell that are read.
struct Cell {
  uint64_t partial = 0;
  uint64_t full = 0;
};

/// A grid of cells of `scale` x `scale` blocks, fewer at the ends.
class Picture {
public:
  /// With at most `maxCells` cells a side. O(ranges of all rows x cells that they touch).
  Picture(const Subject &subject, uint32_t maxCells);

  uint32_t rows() const { return rowCount; }
  uint32_t columns() const { return columnCount; }
  uint32_t scale() const { return blocksPerCell; }
  const Cell &cell(uint32_t row, uint32_t column) const { return cells[size_t(row) * columnCount + column]; }
  /// Blocks of a cell, read or not.
  uint64_t blocksOf(uint32_t row, uint32_t column) const;
  /// The share of a cell's blocks that is read, 0 to 1.
  double shareOf(uint32_t row, uint32_t column) const;
  /// The largest share of a cell; 0 where nothing is read. Cells at the ends count where they have half of the blocks
  /// of others at least: the few blocks of smaller ones say little.
  double largestShare() const;

  const BlockGrid &grid() const { return blockGrid; }
  uint64_t blocks() const { return uint64_t(blockGrid.queryBlocks) * blockGrid.keyBlocks; }
  uint64_t full() const { return total.full; }
  uint64_t partial() const { return total.partial; }
  uint64_t empty() const { return blocks() - total.full - total.partial; }

private:
  void add(const BlockMask &mask, uint64_t Cell::*count);

  BlockGrid blockGrid;
  uint32_t blocksPerCell, rowCount, columnCount;
  std::vector<Cell> cells;
  Cell total;
};

/// "12.5 %" of all blocks.
std::string percentage(uint64_t part, uint64_t whole);

} // namespace sparse_attn::tools::mask

#endif // SPARSE_ATTN_MASK_PICTURE_H
