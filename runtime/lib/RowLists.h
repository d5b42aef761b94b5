//===- RowLists.h - Key tiles of each row, listed -------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Patterns without a closed form have their key tiles listed, once, by
// compiled code. The lists hold intervals, so that their size follows the
// boundary of the pattern, not the number of tiles.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_ROWLISTS_H
#define SPARSE_ATTN_LIB_ROWLISTS_H

#include "ArgumentBlock.h"
#include "RowGrid.h"
#include "RowMasks.h"
#include "sparse_attn/Plan.h"

#include <cstdint>
#include <vector>

namespace sparse_attn {

/// Intervals of key tiles, for the tiles visited with mask code and for those without.
struct RowLists {
  std::vector<int64_t> partialOffsets; ///< Row r has intervals [offsets[r], offsets[r + 1]).
  std::vector<uint32_t> partial;       ///< Two words an interval: first key tile, number of key tiles.
  std::vector<int64_t> fullOffsets;
  std::vector<uint32_t> full;
  /// Of a step with masks, else empty: row r has the partial tiles [entries[r], entries[r + 1]), each with as many
  /// words in a row as the masks need.
  std::vector<int64_t> partialEntries;
  std::vector<uint32_t> partialWords;
  bool budgetExceeded = false; ///< Some row listed more than need be.

  bool hasMasks() const { return !partialEntries.empty(); }

  size_t bytes() const {
    return (partialOffsets.size() + fullOffsets.size() + partialEntries.size()) * sizeof(int64_t) +
           (partial.size() + full.size() + partialWords.size()) * sizeof(uint32_t);
  }
};

/// What lists a row. All that is pointed to stays the caller's.
struct RowSource {
  PlanEntry plan;
  const std::vector<uint64_t> *block;
  const BlockLayout *layout;
  const std::vector<StepMask> *masks;     ///< By capture.
  const std::vector<Sequence> *sequences; ///< By batch; empty where all have `queryLength` queries.
  int64_t queryLength, tileQ, tileK;
};

/// Calls the `plan` entry once for each row of `grid`. While it runs, every thread holds room for one row with an
/// interval for each of the `keyTiles` key tiles.
///
/// Errors: DeviceError where the entry fails or lists what does not exist. Throws std::bad_alloc.
SPARSE_ATTN_EXPORT Result<RowLists> listRows(const RowSource &source, const RowGrid &grid, int64_t keyTiles);

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_ROWLISTS_H
