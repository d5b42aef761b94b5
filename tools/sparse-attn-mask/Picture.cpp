//===- Picture.cpp - Masks as a grid of cells -----------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Picture.h"

#include "FromPattern.h"
#include "MaskFiles.h"

#include "support/InputError.h"

#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <sstream>

namespace sparse_attn::tools::mask {

namespace {

uint32_t divideUp(uint32_t value, uint32_t divisor) { return value / divisor + (value % divisor != 0 ? 1 : 0); }

Subject readPattern(const Options &options) {
  refuseOptions(options, {"--partial"}, "a mask");
  PatternBlocks blocks = findPatternBlocks(options);
  return {blocks.title, blocks.read, blocks.partial, blocks.overestimated};
}

} // namespace

Subject readSubject(const Options &options) {
  const std::string &path = options.inputs[0];
  if (isPatternFile(path))
    return readPattern(options);
  refuseOptions(options, patternOptions, "a pattern");
  refuseOptions(options, {"--block", "--queries", "--keys", "--batch", "--head"}, "a pattern");
  Subject subject;
  subject.title = std::filesystem::path(path).filename().string();
  subject.read = readMask(path);
  if (options.partialFile.empty())
    return subject;
  subject.partial = readMask(options.partialFile);
  Result<BlockMask> outside = difference(*subject.partial, subject.read);
  if (!outside.isOk())
    fail(options.partialFile, ": ", outside.status().message());
  if (outside->count() > 0)
    fail(options.partialFile, ": expects blocks that ", path, " has, but got ", outside->count(), " others");
  return subject;
}

Picture::Picture(const Subject &subject, uint32_t maxCells)
    : blockGrid(subject.read.grid()),
      blocksPerCell(std::max(1u, divideUp(std::max(blockGrid.queryBlocks, blockGrid.keyBlocks), maxCells))),
      rowCount(divideUp(blockGrid.queryBlocks, blocksPerCell)),
      columnCount(divideUp(blockGrid.keyBlocks, blocksPerCell)), cells(size_t(rowCount) * columnCount) {
  add(subject.read, &Cell::full);
  total.full = subject.read.count();
  if (!subject.partial)
    return;
  add(*subject.partial, &Cell::partial);
  for (Cell &cell : cells)
    cell.full -= cell.partial;
  total.partial = subject.partial->count();
  total.full -= total.partial;
}

uint64_t Picture::blocksOf(uint32_t row, uint32_t column) const {
  uint64_t queries = std::min(blocksPerCell, blockGrid.queryBlocks - row * blocksPerCell);
  uint64_t keys = std::min(blocksPerCell, blockGrid.keyBlocks - column * blocksPerCell);
  return queries * keys;
}

double Picture::shareOf(uint32_t row, uint32_t column) const {
  const Cell &found = cell(row, column);
  return static_cast<double>(found.full + found.partial) / static_cast<double>(blocksOf(row, column));
}

double Picture::largestShare() const {
  double largest = 0;
  for (uint32_t row = 0; row < rowCount; ++row)
    for (uint32_t column = 0; column < columnCount; ++column)
      if (2 * blocksOf(row, column) >= blocksOf(0, 0))
        largest = std::max(largest, shareOf(row, column));
  return largest;
}

void Picture::add(const BlockMask &mask, uint64_t Cell::*count) {
  mask.forEachRow([&](uint32_t q, RangeList ranges) {
    Cell *row = cells.data() + size_t(q / blocksPerCell) * columnCount;
    for (BlockRange range : ranges)
      for (uint32_t first = range.first; first < range.past;) {
        uint32_t column = first / blocksPerCell, past = std::min(range.past, (column + 1) * blocksPerCell);
        row[column].*count += past - first;
        first = past;
      }
  });
}

std::string percentage(uint64_t part, uint64_t whole) {
  std::ostringstream text;
  text << std::setprecision(3) << (whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole))
       << " %";
  return text.str();
}

} // namespace sparse_attn::tools::mask
