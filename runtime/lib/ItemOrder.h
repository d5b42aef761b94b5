//===- ItemOrder.h - Which item comes when --------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Threads take items one by one. If a heavy item comes last, all threads but
// one wait for it; so rows are handed out by descending work (the longest
// processing time rule of Graham, 1969). Items that share rows are ordered one
// copy behind another: heads then stay together, and so do their keys and
// values in the caches.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_ITEMORDER_H
#define SPARSE_ATTN_LIB_ITEMORDER_H

#include "ArgumentBlock.h"
#include "RowGrid.h"
#include "sparse_attn/Plan.h"

#include <vector>

namespace sparse_attn {

/// A permutation of the items of a grid that exist, in 4 bytes a row at most.
class SPARSE_ATTN_EXPORT ItemOrder {
public:
  ItemOrder() = default;
  /// `weights` has the work of each row, whether it exists or not; there are below 2^32 of them. Throws std::bad_alloc.
  ItemOrder(const RowGrid &grid, const std::vector<uint32_t> &weights);

  int64_t items() const { return itemCount; }
  size_t bytes() const { return rows.size() * sizeof(uint32_t); }
  /// True if items come by number, because rows never get heavier.
  bool isNatural() const { return rows.empty(); }
  /// The item at a position below `items()`.
  int64_t item(int64_t position) const {
    if (isNatural())
      return position;
    int64_t rowCount = static_cast<int64_t>(rows.size());
    return grid.item(position / rowCount, rows[static_cast<size_t>(position % rowCount)]);
  }

private:
  RowGrid grid;
  int64_t itemCount = 0;
  std::vector<uint32_t> rows; ///< By descending work; empty for the natural order.
};

/// What an item visits, summed over all of them, and the order that follows.
struct WeighedItems {
  TileCounts tiles;
  ItemOrder order;
};

/// Asks the `work` entry once for each row. `keyTiles` is the number of key tiles there are.
///
/// Errors: DeviceError where the entry fails or counts more tiles than there are. Throws std::bad_alloc.
Result<WeighedItems> weighItems(WorkEntry work, const uint64_t *block, const RowGrid &grid, int64_t keyTiles);

/// Asks the `work` entry for one item. Errors as above.
Result<TileCounts> countTiles(WorkEntry work, const uint64_t *block, int64_t item, int64_t keyTiles);

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_ITEMORDER_H
