//===- BlockListsTest.cpp - The visited blocks, one by one ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BlockLists.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

using namespace sparse_attn;

namespace {

/// A block, by the number of its batch times heads, row and column; and its two words but for the tile.
using Place = std::tuple<int64_t, int64_t, int64_t>;
using Blocks = std::map<Place, std::pair<bool, uint32_t>>;

/// Random rows: some empty, some whole, and where there are words, those of the partial tiles stand one behind another.
struct Sample {
  RowGrid grid;
  int64_t keyTiles;
  std::vector<VisitedRow> rows;
  Blocks blocks;

  Sample(const RowGrid &grid, int64_t keyTiles, bool hasWords, uint32_t seed) : grid(grid), keyTiles(keyTiles) {
    std::mt19937 random(seed);
    int64_t words = 0;
    for (int64_t item = 0; item < grid.items(); ++item) {
      VisitedRow row;
      row.firstWords = hasWords ? words : 0;
      uint32_t density = random() % 4; // Of 3, and of those visited half are partial.
      for (int64_t tile = 0; tile < keyTiles; ++tile)
        if (random() % 3 < density)
          (random() % 2 ? row.partial : row.full).push_back(static_cast<uint32_t>(tile));
      Place place{item / grid.tiles, grid.tileOf(item), 0};
      for (size_t i = 0; i < row.partial.size(); ++i)
        blocks[{std::get<0>(place), std::get<1>(place), row.partial[i]}] = {
            true, static_cast<uint32_t>(row.firstWords + static_cast<int64_t>(i))};
      for (uint32_t tile : row.full)
        blocks[{std::get<0>(place), std::get<1>(place), tile}] = {false, 0};
      words += static_cast<int64_t>(row.partial.size());
      rows.push_back(row);
    }
  }

  Result<BlockLists> list() const {
    return listBlocks(grid, [&](int64_t item, VisitedRow &row) {
      row = rows[static_cast<size_t>(item)];
      return Status();
    });
  }
};

/// The blocks of lists whose items are `tiles` rows, or columns, of each head. Expects those of each item to ascend.
Blocks read(const BlockLists &lists, int64_t heads, int64_t tiles, bool byColumn) {
  Blocks blocks;
  EXPECT_EQ(lists.offsets.size(), static_cast<size_t>(heads * tiles) + 1);
  EXPECT_EQ(lists.offsets.front(), 0);
  EXPECT_EQ(lists.entries.size(), static_cast<size_t>(2 * lists.blocks()));
  for (int64_t item = 0; item < heads * tiles; ++item) {
    int64_t last = -1;
    EXPECT_LE(lists.offsets[static_cast<size_t>(item)], lists.offsets[static_cast<size_t>(item) + 1]);
    for (int64_t i = lists.offsets[static_cast<size_t>(item)]; i < lists.offsets[static_cast<size_t>(item) + 1]; ++i) {
      uint32_t word = lists.entries[static_cast<size_t>(2 * i)];
      int64_t other = word / 2, own = item % tiles;
      EXPECT_GT(other, last) << "item " << item;
      last = other;
      Place place{item / tiles, byColumn ? other : own, byColumn ? own : other};
      blocks[place] = {word % 2 == 1, lists.entries[static_cast<size_t>(2 * i + 1)]};
    }
  }
  return blocks;
}

struct Sizes {
  int64_t batch, heads, tiles, keyTiles;
};
const Sizes sizes[] = {{1, 1, 1, 1}, {2, 3, 5, 7}, {1, 4, 40, 3}, {3, 1, 2, 90},
                       {1, 2, 0, 4}, {1, 2, 4, 0}, {0, 2, 4, 4}};

RowGrid gridOf(const Sizes &of) { return {of.batch, of.heads, of.tiles, true, true, {}}; }

TEST(BlockLists, AreSortedAndWhole) {
  for (const Sizes &of : sizes)
    for (uint32_t seed = 0; seed < 20; ++seed) {
      Sample sample(gridOf(of), of.keyTiles, seed % 2 == 0, seed);
      Result<BlockLists> lists = sample.list();
      ASSERT_TRUE(lists.isOk());
      EXPECT_EQ(lists->blocks(), static_cast<int64_t>(sample.blocks.size()));
      EXPECT_EQ(lists->bytes(), 8 * lists->offsets.size() + 8 * sample.blocks.size());
      EXPECT_EQ(read(*lists, of.batch * of.heads, of.tiles, false), sample.blocks);
    }
}

TEST(BlockLists, TransposedAreTheSameByColumn) {
  for (const Sizes &of : sizes)
    for (uint32_t seed = 0; seed < 20; ++seed) {
      Sample sample(gridOf(of), of.keyTiles, seed % 2 == 0, seed);
      Result<BlockLists> lists = sample.list();
      ASSERT_TRUE(lists.isOk());
      BlockLists columns = transposeBlocks(*lists, sample.grid, of.keyTiles);
      EXPECT_EQ(read(columns, of.batch * of.heads, of.keyTiles, true), sample.blocks);
      // Twice is back where it began.
      RowGrid transposed{of.batch, of.heads, of.keyTiles, true, true, {}};
      BlockLists again = transposeBlocks(columns, transposed, of.tiles);
      EXPECT_EQ(again.offsets, lists->offsets);
      EXPECT_EQ(again.entries, lists->entries);
    }
}

TEST(BlockLists, ItemsWithMostBlocksComeFirst) {
  for (const Sizes &of : sizes)
    for (uint32_t seed = 0; seed < 20; ++seed) {
      Sample sample(gridOf(of), of.keyTiles, false, seed);
      Result<BlockLists> lists = sample.list();
      ASSERT_TRUE(lists.isOk());
      ItemOrder order = orderByBlocks(*lists, sample.grid);
      ASSERT_EQ(order.items(), sample.grid.items());
      std::vector<int64_t> items(static_cast<size_t>(order.items())), all(items.size());
      for (size_t i = 0; i < items.size(); ++i)
        items[i] = order.item(static_cast<int64_t>(i));
      auto blocksOf = [&](int64_t item) {
        return lists->offsets[static_cast<size_t>(item) + 1] - lists->offsets[static_cast<size_t>(item)];
      };
      EXPECT_TRUE(
          std::is_sorted(items.begin(), items.end(), [&](int64_t a, int64_t b) { return blocksOf(a) > blocksOf(b); }));
      std::sort(items.begin(), items.end());
      std::iota(all.begin(), all.end(), 0);
      EXPECT_EQ(items, all);
    }
}

TEST(BlockLists, ErrorsOfAVisitEndTheList) {
  int64_t visits = 0;
  Result<BlockLists> lists = listBlocks(gridOf({1, 2, 3, 4}), [&](int64_t item, VisitedRow &) {
    ++visits;
    return item == 2 ? Status(StatusCode::DeviceError, "expects a tile below 4, but got 9") : Status();
  });
  EXPECT_EQ(lists.status().code(), StatusCode::DeviceError);
  EXPECT_EQ(lists.status().message(), "expects a tile below 4, but got 9");
  EXPECT_EQ(visits, 3);
}

} // namespace
