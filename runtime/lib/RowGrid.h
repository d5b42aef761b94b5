//===- RowGrid.h - Work items and the rows they share ---------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A work item is a query tile of a (batch, head). Where a pattern is the same
// for every batch or head, items share what `prepare` finds out about them: a
// row is a query tile of the batches and heads that differ. Lists and orders
// have one entry a row, not one an item.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_ROWGRID_H
#define SPARSE_ATTN_LIB_ROWGRID_H

#include <cstdint>
#include <vector>

namespace sparse_attn {

/// Query tiles and key tiles of a batch.
struct BatchTiles {
  int64_t queries = 0;
  int64_t keys = 0;
};

/// The items of a step: batch x heads x tiles of them, whose number fits int64_t.
struct RowGrid {
  int64_t batch = 0;
  int64_t heads = 0;
  int64_t tiles = 0;
  bool perBatch = true; ///< Batches differ.
  bool perHead = true;  ///< Heads differ.
  /// Where batches are of different lengths, and so differ: of `tiles`, those that exist. Else empty: all do.
  std::vector<BatchTiles> batches;

  int64_t items() const { return batch * heads * tiles; }
  /// Rows; 0 without items.
  int64_t rows() const { return items() == 0 ? 0 : (perBatch ? batch : 1) * (perHead ? heads : 1) * tiles; }
  /// Items that share a row; 0 without items.
  int64_t copies() const { return items() == 0 ? 0 : items() / rows(); }

  /// The batch and the query tile of an item.
  int64_t batchOf(int64_t item) const { return item / tiles / heads; }
  int64_t tileOf(int64_t item) const { return item % tiles; }
  bool exists(int64_t item) const {
    return batches.empty() || tileOf(item) < batches[static_cast<size_t>(batchOf(item))].queries;
  }
  bool hasRow(int64_t row) const { return batches.empty() || exists(this->item(0, row)); }
  /// Pairs of tiles that exist, where a batch without a number of its own has `keyTiles`.
  int64_t pairs(int64_t keyTiles) const {
    if (batches.empty())
      return items() * keyTiles;
    int64_t sum = 0;
    for (const BatchTiles &of : batches)
      sum += heads * of.queries * of.keys;
    return sum;
  }

  /// row = b * batchStride() + h * headStride() + t
  int64_t headStride() const { return perHead ? tiles : 0; }
  int64_t batchStride() const { return perBatch ? (perHead ? heads : 1) * tiles : 0; }

  /// The item (b * heads + h) * tiles + t that is number `copy` of those that share `row`.
  int64_t item(int64_t copy, int64_t row) const {
    if (perBatch == perHead)
      return perBatch ? row : copy * tiles + row;
    if (perHead) // A copy is a batch.
      return copy * heads * tiles + row;
    // A copy is a head.
    return (row / tiles * heads + copy) * tiles + row % tiles;
  }
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_ROWGRID_H
