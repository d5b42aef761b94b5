//===- RowSummary.cpp - What the rows of a mask are like ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowSummary.h"

#include <algorithm>
#include <limits>

namespace sparse_attn::tools::mask {

RowSummary summarizeRows(const BlockMask &mask) {
  uint32_t rows = mask.grid().queryBlocks;
  if (rows == 0)
    return {};
  RowSummary summary;
  summary.emptyRows = rows;
  summary.fewest = std::numeric_limits<uint32_t>::max();
  mask.forEachRow([&](uint32_t, RangeList ranges) {
    uint32_t blocks = 0;
    for (BlockRange range : ranges)
      blocks += range.size();
    summary.ranges += ranges.size();
    summary.emptyRows -= 1;
    summary.fewest = std::min(summary.fewest, blocks);
    summary.most = std::max(summary.most, blocks);
  });
  if (summary.emptyRows > 0)
    summary.fewest = 0;
  summary.mean = static_cast<double>(mask.count()) / rows;
  return summary;
}

} // namespace sparse_attn::tools::mask
