//===- BlockLists.cpp - The visited blocks, one by one --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BlockLists.h"

#include <algorithm>

namespace sparse_attn {

Result<BlockLists> listBlocks(const RowGrid &grid, const RowVisitor &visit) {
  BlockLists lists;
  lists.offsets.push_back(0);
  VisitedRow row;
  std::vector<std::pair<uint32_t, uint32_t>> blocks;
  for (int64_t item = 0; item < grid.items(); ++item) {
    if (Status status = visit(item, row); !status.isOk())
      return status;
    blocks.clear();
    for (size_t i = 0; i < row.partial.size(); ++i)
      blocks.emplace_back(2 * row.partial[i] + 1, static_cast<uint32_t>(row.firstWords + static_cast<int64_t>(i)));
    for (uint32_t tile : row.full)
      blocks.emplace_back(2 * tile, 0);
    std::sort(blocks.begin(), blocks.end());
    for (const auto &[tile, words] : blocks)
      lists.entries.insert(lists.entries.end(), {tile, words});
    lists.offsets.push_back(static_cast<int64_t>(lists.entries.size() / 2));
  }
  return lists;
}

BlockLists transposeBlocks(const BlockLists &rows, const RowGrid &grid, int64_t keyTiles) {
  BlockLists columns;
  int64_t heads = grid.batch * grid.heads;
  columns.offsets.assign(static_cast<size_t>(heads * keyTiles) + 1, 0);
  columns.entries.resize(rows.entries.size());
  // A counting sort, which keeps the query tiles of a column in order.
  auto forEach = [&](auto body) {
    for (int64_t item = 0; item < grid.items(); ++item)
      for (int64_t i = rows.offsets[static_cast<size_t>(item)]; i < rows.offsets[static_cast<size_t>(item) + 1]; ++i) {
        uint32_t word = rows.entries[static_cast<size_t>(2 * i)];
        body(static_cast<size_t>(item / grid.tiles * keyTiles + word / 2), static_cast<uint32_t>(grid.tileOf(item)),
             word, rows.entries[static_cast<size_t>(2 * i + 1)]);
      }
  };
  forEach([&](size_t column, uint32_t, uint32_t, uint32_t) { ++columns.offsets[column + 1]; });
  for (size_t i = 1; i < columns.offsets.size(); ++i)
    columns.offsets[i] += columns.offsets[i - 1];
  std::vector<int64_t> next(columns.offsets.begin(), columns.offsets.end() - 1);
  forEach([&](size_t column, uint32_t queryTile, uint32_t word, uint32_t words) {
    size_t at = static_cast<size_t>(2 * next[column]++);
    columns.entries[at] = 2 * queryTile + word % 2;
    columns.entries[at + 1] = words;
  });
  return columns;
}

ItemOrder orderByBlocks(const BlockLists &lists, const RowGrid &grid) {
  std::vector<uint32_t> weights;
  for (size_t item = 0; item + 1 < lists.offsets.size(); ++item)
    weights.push_back(static_cast<uint32_t>(lists.offsets[item + 1] - lists.offsets[item]));
  return ItemOrder(grid, weights);
}

} // namespace sparse_attn
