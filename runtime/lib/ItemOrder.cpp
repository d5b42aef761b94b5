//===- ItemOrder.cpp - Which item comes when ------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ItemOrder.h"

#include "FirstFailure.h"
#include "Threads.h"

#include <algorithm>
#include <atomic>
#include <functional>

namespace sparse_attn {

namespace {

/// Rows that a thread takes at a time.
constexpr int64_t chunkRows = 256;

} // namespace

ItemOrder::ItemOrder(const RowGrid &grid, const std::vector<uint32_t> &weights) : grid(grid), itemCount(grid.items()) {
  if (grid.batches.empty() && std::is_sorted(weights.begin(), weights.end(), std::greater<uint32_t>()))
    return;
  rows.reserve(weights.size());
  for (uint32_t row = 0; row < weights.size(); ++row)
    if (grid.hasRow(row))
      rows.push_back(row);
  itemCount = static_cast<int64_t>(rows.size()) * grid.copies();
  std::sort(rows.begin(), rows.end(), [&](uint32_t left, uint32_t right) {
    return weights[left] != weights[right] ? weights[left] > weights[right] : left < right;
  });
}

Result<TileCounts> countTiles(WorkEntry work, const uint64_t *block, int64_t item, int64_t keyTiles) {
  int64_t counts[2] = {0, 0};
  if (int32_t code = work(block, item, counts); code != 0)
    return makeError(StatusCode::DeviceError, "expects the kernel to count key tiles, but got error ", code);
  if (counts[0] < 0 || counts[1] < 0 || counts[0] > keyTiles || counts[1] > keyTiles - counts[0])
    return makeError(StatusCode::DeviceError, "expects the kernel to visit at most ", keyTiles, " key tiles, but got ",
                     counts[0], " with and ", counts[1], " without mask code");
  return TileCounts{counts[0], counts[1], keyTiles};
}

Result<WeighedItems> weighItems(WorkEntry work, const uint64_t *block, const RowGrid &grid, int64_t keyTiles) {
  std::vector<uint32_t> weights(static_cast<size_t>(grid.rows()));
  std::atomic<int64_t> partial{0}, full{0};
  FirstFailure failure;
  parallelChunks(grid.rows(), chunkRows, threadCount(), [&](int32_t, int64_t begin, int64_t end) {
    TileCounts sum;
    for (int64_t row = begin; row < end && failure.none(); ++row) {
      if (!grid.hasRow(row))
        continue;
      Result<TileCounts> counts = countTiles(work, block, grid.item(0, row), keyTiles);
      if (!counts.isOk())
        return failure.record(counts.status());
      weights[static_cast<size_t>(row)] = static_cast<uint32_t>(counts->partial + counts->full);
      sum.partial += counts->partial;
      sum.full += counts->full;
    }
    partial += sum.partial;
    full += sum.full;
  });
  if (!failure.none())
    return failure.status();
  TileCounts tiles{partial * grid.copies(), full * grid.copies(), grid.pairs(keyTiles)};
  return WeighedItems{tiles, ItemOrder(grid, weights)};
}

} // namespace sparse_attn
