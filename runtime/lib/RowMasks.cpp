//===- RowMasks.cpp - Block masks as kernels read them --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowMasks.h"

#include <algorithm>
#include <limits>

namespace sparse_attn {

namespace {

constexpr int32_t heldByAll = 2;

int64_t powerOfTwoFrom(uint32_t count) {
  int64_t power = 1;
  while (power < count)
    power *= 2;
  return power;
}

} // namespace

//===----------------------------------------------------------------------===//
// MaskStates
//===----------------------------------------------------------------------===//

/// Blocks that do not exist are held by all rows, so that the last tile can be full.
MaskStates::MaskStates(const BlockGrid &grid)
    : keyBlocks(grid.keyBlocks), levelZero(powerOfTwoFrom(grid.keyBlocks)), rowWords((keyBlocks + 63) / 64) {
  minimum.assign(static_cast<size_t>(2 * levelZero), std::numeric_limits<int32_t>::max());
  maximum.assign(static_cast<size_t>(2 * levelZero), 0);
  int64_t level = 0;
  int64_t nodes = keyBlocks;
  for (int64_t size = levelZero; size > 0; size /= 2, nodes = (nodes + 1) / 2) {
    std::fill_n(minimum.begin() + level, nodes, 0);
    level += size;
  }
}

void MaskStates::clear() {
  std::fill(bits.begin(), bits.end(), 0);
  for (uint32_t block : touched)
    minimum[block] = maximum[block] = 0;
  propagate();
  touched.clear();
}

void MaskStates::propagate() {
  nodes = touched;
  int64_t below = 0;
  for (int64_t size = levelZero / 2, level = levelZero; size > 0; below = level, level += size, size /= 2) {
    size_t count = 0;
    for (uint32_t node : nodes) {
      uint32_t parent = node / 2;
      if (count > 0 && nodes[count - 1] == parent)
        continue;
      size_t left = static_cast<size_t>(below + 2 * int64_t(parent)), at = static_cast<size_t>(level + parent);
      minimum[at] = std::min(minimum[left], minimum[left + 1]);
      maximum[at] = std::max(maximum[left], maximum[left + 1]);
      nodes[count++] = parent;
    }
    nodes.resize(count);
  }
}

void MaskStates::select(const BlockMask &mask, uint32_t first, uint32_t past) {
  clear();
  selectedRows = past - first;
  bits.resize(selectedRows * rowWords);
  // Level 0 of the maxima counts rows first.
  for (uint32_t row = 0; row < selectedRows; ++row) {
    mask.ranges(first + row, ranges);
    for (const BlockRange &range : ranges)
      for (uint32_t block = range.first; block < range.past; ++block) {
        bits[row * rowWords + block / 64] |= uint64_t(1) << (block % 64);
        if (maximum[block]++ == 0)
          touched.push_back(block);
      }
  }
  if (selectedRows > 1)
    std::sort(touched.begin(), touched.end());
  for (uint32_t block : touched)
    minimum[block] = maximum[block] = maximum[block] == static_cast<int32_t>(selectedRows) ? heldByAll : 1;
  propagate();
}

//===----------------------------------------------------------------------===//
// RowMasks
//===----------------------------------------------------------------------===//

RowMasks::RowMasks(const std::vector<StepMask> &masks, const BlockLayout &layout, const std::vector<uint64_t> &block)
    : masks(masks), words(block) {
  // Masks of sequences are of different lengths.
  auto isNarrower = [](const BlockMask &a, const BlockMask &b) { return a.grid().keyBlocks < b.grid().keyBlocks; };
  for (const StepMask &mask : masks)
    if (mask.isMask())
      states.emplace_back(std::max_element(mask.masks.begin(), mask.masks.end(), isNarrower)->grid());
  size_t next = 0;
  for (size_t capture = 0; capture < masks.size(); ++capture)
    if (masks[capture].isMask()) {
      uint64_t *at = &words[layout.captures[capture]];
      at[0] = addressWord(states[next].minima());
      at[1] = addressWord(states[next].maxima());
      at[2] = static_cast<uint64_t>(states[next].entries());
      ++next;
    }
}

void RowMasks::select(int64_t b, int64_t h, int64_t first, int64_t past) {
  size_t next = 0;
  for (const StepMask &step : masks)
    if (step.isMask()) {
      const BlockMask &mask = step.of(b, h);
      int64_t size = mask.grid().queryBlockSize;
      states[next++].select(mask, static_cast<uint32_t>(first / size), static_cast<uint32_t>((past - 1) / size + 1));
    }
}

void RowMasks::appendTileWords(int64_t tile, int64_t tileQ, int64_t tileK, std::vector<uint32_t> &tileWords) const {
  size_t next = 0;
  for (const StepMask &step : masks) {
    if (!step.isMask())
      continue;
    const MaskStates &state = states[next++];
    const BlockGrid &grid = step.masks.front().grid();
    int64_t rows = std::max<int64_t>(tileQ / grid.queryBlockSize, 1);
    int64_t columns = std::max<int64_t>(tileK / grid.keyBlockSize, 1);
    uint32_t firstBlock = static_cast<uint32_t>(tile * tileK / grid.keyBlockSize);
    size_t first = tileWords.size();
    tileWords.resize(first + static_cast<size_t>((rows * columns + 31) / 32));
    for (int64_t bit = 0; bit < rows * columns; ++bit)
      if (state.holds(static_cast<uint32_t>(bit / columns), firstBlock + static_cast<uint32_t>(bit % columns)))
        tileWords[first + static_cast<size_t>(bit / 32)] |= uint32_t(1) << (bit % 32);
  }
}

} // namespace sparse_attn
