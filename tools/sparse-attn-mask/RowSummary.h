//===- RowSummary.h - What the rows of a mask are like --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_MASK_ROWSUMMARY_H
#define SPARSE_ATTN_MASK_ROWSUMMARY_H

#include "sparse_attn/BlockMask.h"

#include <cstdint>

namespace sparse_attn::tools::mask {

struct RowSummary {
  uint64_t emptyRows = 0;
  uint32_t fewest = 0; ///< Key blocks of the shortest row.
  uint32_t most = 0;   ///< Of the longest.
  double mean = 0;
  uint64_t ranges = 0; ///< Intervals of all rows.
};

/// Visits every row of a mask.
RowSummary summarizeRows(const BlockMask &mask);

} // namespace sparse_attn::tools::mask

#endif // SPARSE_ATTN_MASK_ROWSUMMARY_H
