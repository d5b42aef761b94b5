//===- CanonicalSlabs.cpp - Slabs that came from elsewhere ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Slabs out of a file or a transpose mostly are as SlabBuilder would make them.
// To see that takes a third of the time that it takes to make them again.
//
//===----------------------------------------------------------------------===//

#include "mask/MaskKernels.h"
#include "mask/RowIndexWriter.h"
#include "mask/SlabBuilder.h"
#include "mask/Workers.h"

#include <algorithm>
#include <atomic>

namespace sparse_attn::mask {

namespace {

constexpr int64_t chunkRows = 256;

/// Whether RowIndexWriter would make the same of `index`.
bool isCanonicalIndex(const RowIndex &index, uint32_t rows) {
  if (index.entries() == 0)
    return index.bytes() == 0;
  size_t used = 0;
  for (size_t i = 0; i < index.entries(); ++i)
    used += index.offsets[i] != index.offsets[i + 1];
  bool sparse = RowIndexWriter::isSparse(rows, used);
  return index.entries() == (sparse ? used : rows) && (index.rows.size() != 0) == sparse && used != 0;
}

/// Whether row `row` of a slab without runs has no hidden ones, and nothing that the terms have.
bool isCanonicalRow(const Slab &slab, uint32_t row, RowReader &terms) {
  BlockRange at = slab.keyRows.find(row);
  const uint16_t *keys = slab.keys.data() + at.first, *end = slab.keys.data() + at.past;
  if (kernels().hasRun(keys, at.size(), shortestRun))
    return false;
  RowPiece piece;
  for (terms.start(slab.queryFirst + row); terms.next(piece);)
    for (size_t i = 0; i < piece.rangeCount && piece.keyFirst == slab.keyFirst; ++i) {
      const uint16_t *key = std::lower_bound(keys, end, piece.ranges[i].first);
      if (key != end && *key < piece.ranges[i].past)
        return false;
    }
  return true;
}

/// Whether buildSlabs would make the same of `slabs`. May say no where it would.
bool areCanonical(const MaskStore &termsOnly, const std::vector<Slab> &slabs, int32_t threads) {
  std::atomic<bool> canonical{!termsOnly.terms.hasSteps()};
  for (const Slab &slab : slabs) {
    uint32_t rows = std::min(slabBlocks, termsOnly.grid.queryBlocks - slab.queryFirst);
    if (slab.keys.size() == 0 || !isCanonicalIndex(slab.keyRows, rows) || slab.runs.size() != 0)
      canonical = false;
    parallelChunks(canonical ? rows : 0, chunkRows, workersFor(threads), [&](int32_t, int64_t begin, int64_t end) {
      RowReader reader(termsOnly, RowPart::Terms);
      for (int64_t row = begin; row < end && canonical; ++row)
        if (!isCanonicalRow(slab, static_cast<uint32_t>(row), reader))
          canonical = false;
    });
  }
  return canonical;
}

} // namespace

std::vector<Slab> canonicalSlabs(const MaskStore &termsOnly, std::vector<Slab> slabs, int32_t threads) {
  if (areCanonical(termsOnly, slabs, threads))
    return slabs;
  MaskStore given;
  given.grid = termsOnly.grid;
  given.slabs = std::move(slabs);
  return buildSlabs(termsOnly, rowsOf(given), threads);
}

} // namespace sparse_attn::mask
