//===- RowReader.cpp - Reads the rows of a mask ---------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/RowReader.h"

#include "mask/BandTerms.h"
#include "mask/BitRows.h"
#include "mask/MaskKernels.h"
#include "mask/RoaringBitmap.h"

namespace sparse_attn::mask {

namespace {

/// The part of `range` within the column of slabs that starts at keyFirst, less keyFirst; maybe empty.
BlockRange clip(BlockRange range, uint32_t keyFirst) {
  if (range.past <= keyFirst)
    return {};
  uint32_t first = range.first > keyFirst ? range.first - keyFirst : 0;
  return {std::min(first, slabBlocks), std::min(range.past - keyFirst, slabBlocks)};
}

/// Ascending runs and ranges, disjoint, become ascending ranges that do not touch.
void mergeRuns(const BlockRange *ranges, size_t rangeCount, const KeyRun *runs, size_t runCount, RangeBuffer &merged) {
  merged.clear();
  for (size_t i = 0, j = 0; i < rangeCount || j < runCount;) {
    if (j == runCount || (i < rangeCount && ranges[i].first < runs[j].first)) {
      merged.join(ranges[i++]);
      continue;
    }
    merged.join({runs[j].first, runs[j].last + uint32_t(1)});
    ++j;
  }
}

/// Asks for the keys of a row, which arrive while its terms are worked out.
void prefetchKeys(const Slab &slab, uint32_t q) {
  constexpr uint32_t lineKeys = 64 / sizeof(uint16_t), maxLines = 8;
  BlockRange at = slab.keyRows.find(q - slab.queryFirst);
  uint32_t past = std::min(at.past, at.first + maxLines * lineKeys);
  for (uint32_t i = at.first; i < past; i += lineKeys)
    __builtin_prefetch(slab.keys.data() + i);
  if (past > at.first)
    __builtin_prefetch(slab.keys.data() + past - 1);
}

} // namespace

bool mayHaveRows(const MaskStore &store, RowPart part, uint32_t first, uint32_t past) {
  if (store.representation == Representation::PackedBits)
    return true;
  for (uint32_t q = first; part != RowPart::Terms && q < past; q = q / slabBlocks * slabBlocks + slabBlocks)
    if (!store.slabsOf(q).isEmpty())
      return true;
  const std::vector<BandTerm> &terms = store.terms.terms();
  return part != RowPart::Stored && std::any_of(terms.begin(), terms.end(), [&](const BandTerm &term) {
           return term.queryFirst < past && term.queryPast > first;
         });
}

void RowReader::start(uint32_t q) {
  row = q;
  column = 0;
  if (q >= store.grid.queryBlocks) {
    column = none;
    return;
  }
  if (store.representation == Representation::PackedBits)
    return;
  if (q / slabBlocks != slabRow) {
    slabRow = q / slabBlocks;
    slabsOfRow = store.slabsOf(q);
  }
  slabs = slabsOfRow;
  if (part == RowPart::Terms)
    slabs = {};
  if (store.representation == Representation::Roaring)
    return;
  if (!slabs.isEmpty())
    prefetchKeys(store.slabs[slabs.first], q);
  startTerms(q);
}

void RowReader::startTerms(uint32_t q) {
  bands.clear();
  stepped.clear();
  bandsDone = 0;
  if (part == RowPart::Stored)
    return;
  // Terms are sorted by their first keys, and mostly so are their ranges.
  bool ascending = true;
  store.terms.forEachAt(q, [&](const BandTerm &term) {
    if (term.step > 1)
      return stepped.push_back(term);
    BlockRange keys = keysOfRow(term, q);
    ascending &= bands.size() == 0 || keys.first >= bands[bands.size() - 1].first;
    ascending ? bands.join(keys) : bands.add(keys);
  });
  if (!ascending)
    bands.normalize();
}

bool RowReader::next(RowPiece &piece) {
  if (column == none)
    return false;
  switch (store.representation) {
  case Representation::PackedBits:
    return nextOfBits(piece);
  case Representation::Roaring:
    return nextOfBitmaps(piece);
  default:
    return nextOfTerms(piece);
  }
}

uint32_t RowReader::nextColumn() const {
  uint32_t found = none;
  if (bandsDone < bands.size())
    found = std::max(column, bands[bandsDone].first / slabBlocks);
  if (!slabs.isEmpty())
    found = std::min(found, store.slabs[slabs.first].keyFirst / slabBlocks);
  for (const BandTerm &term : stepped) {
    BlockRange keys = keysOfRow(term, row);
    if (uint64_t(keys.past) > uint64_t(column) * slabBlocks && !keys.isEmpty())
      found = std::min(found, std::max(column, keys.first / slabBlocks));
  }
  return found;
}

bool RowReader::nextOfTerms(RowPiece &piece) {
  if (store.grid.keyBlocks <= slabBlocks) {
    if (column != 0)
      return false;
    readColumn(piece);
    column = 1;
    return !piece.isEmpty();
  }
  do {
    column = nextColumn();
    if (column == none)
      return false;
    readColumn(piece);
    ++column;
    while (bandsDone < bands.size() && bands[bandsDone].past <= uint64_t(column) * slabBlocks)
      ++bandsDone;
  } while (piece.isEmpty());
  return true;
}

void RowReader::readColumn(RowPiece &piece) {
  piece = {};
  piece.keyFirst = column * slabBlocks;
  readRanges(piece);
  if (!slabs.isEmpty() && store.slabs[slabs.first].keyFirst == piece.keyFirst) {
    const Slab &slab = store.slabs[slabs.first++];
    uint32_t slabLocal = row - slab.queryFirst;
    BlockRange keysAt = slab.keyRows.find(slabLocal);
    piece.keys = slab.keys.data() + keysAt.first;
    piece.keyCount = keysAt.size();
    BlockRange runsAt = slab.runRows.find(slabLocal);
    if (!runsAt.isEmpty()) {
      mergeRuns(piece.ranges, piece.rangeCount, slab.runs.data() + runsAt.first, runsAt.size(), merged);
      piece.ranges = merged.data();
      piece.rangeCount = merged.size();
    }
  }
  if (!stepped.empty())
    readSteps(piece);
}

void RowReader::readRanges(RowPiece &piece) {
  // Most masks are one slab wide: nothing to clip.
  if (store.grid.keyBlocks <= slabBlocks) {
    piece.ranges = bands.data();
    piece.rangeCount = bands.size();
    return;
  }
  scratch.clear();
  for (size_t i = bandsDone; i < bands.size() && bands[i].first < piece.keyFirst + uint64_t(slabBlocks); ++i)
    scratch.add(clip(bands[i], piece.keyFirst));
  piece.ranges = scratch.data();
  piece.rangeCount = scratch.size();
}

void RowReader::readSteps(RowPiece &piece) {
  uint32_t width = std::min(slabBlocks, store.grid.keyBlocks - piece.keyFirst);
  bits.assign(wordsOf(width), 0);
  setBits(bits.data(), piece);
  for (const BandTerm &term : stepped) {
    BlockRange keys = keysOfRow(term, row);
    uint64_t past = std::min<uint64_t>(keys.past, uint64_t(piece.keyFirst) + width);
    for (uint64_t k = firstStep(term, row, std::max(keys.first, piece.keyFirst)); k < past; k += term.step)
      setBit(bits.data(), static_cast<uint32_t>(k - piece.keyFirst));
  }
  scratch.clear();
  forEachRun(bits.data(), bits.size(), [&](BlockRange run) { scratch.add(run); });
  piece = {piece.keyFirst, scratch.data(), scratch.size(), nullptr, 0};
}

bool RowReader::nextOfBits(RowPiece &piece) {
  constexpr size_t columnWords = slabBlocks / wordBits;
  for (; column * columnWords < store.bits.rowWords; ++column) {
    const uint64_t *words = store.bits.row(row) + column * columnWords;
    piece = {};
    piece.keyFirst = column * slabBlocks;
    readBits(words, std::min(columnWords, store.bits.rowWords - column * columnWords), piece);
    if (piece.isEmpty())
      continue;
    ++column;
    return true;
  }
  return false;
}

void RowReader::readBits(const uint64_t *words, size_t wordCount, RowPiece &piece) {
  uint64_t set = kernels().countBits(words, wordCount);
  if (kernels().countRuns(words, wordCount) * 4 > set) {
    // Runs so short that single keys are quicker.
    keys.resize(set);
    kernels().decode16(words, wordCount, keys.data());
    piece.keys = keys.data();
    piece.keyCount = keys.size();
    return;
  }
  scratch.clear();
  forEachRun(words, wordCount, [&](BlockRange run) { scratch.add(run); });
  piece.ranges = scratch.data();
  piece.rangeCount = scratch.size();
}

bool RowReader::nextOfBitmaps(RowPiece &piece) {
  while (!slabs.isEmpty()) {
    const RoaringSlab &slab = store.bitmaps[slabs.first++];
    keys.clear();
    slab.pairs->appendRow(static_cast<uint16_t>(row - slab.queryFirst), keys);
    if (keys.empty())
      continue;
    piece = {slab.keyFirst, nullptr, 0, keys.data(), keys.size()};
    return true;
  }
  return false;
}

} // namespace sparse_attn::mask
