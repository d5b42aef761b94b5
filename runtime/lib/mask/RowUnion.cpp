//===- RowUnion.cpp - What some rows read together ------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/BandTerms.h"
#include "mask/BitRows.h"
#include "mask/RowReader.h"
#include "sparse_attn/BlockMask.h"

#include <algorithm>

namespace sparse_attn {

using namespace mask;

namespace {

/// Sets the bits of all rows of [first, past).
void addRows(const MaskStore &store, RowPart part, uint32_t first, uint32_t past, uint64_t *bits) {
  RowReader reader(store, part);
  RowPiece piece;
  for (uint32_t q = first; q < past; ++q) {
    if (q % slabBlocks == 0 && !mayHaveRows(store, part, q, std::min(past, q + slabBlocks))) {
      q += slabBlocks - 1;
      continue;
    }
    for (reader.start(q); reader.next(piece);)
      setBits(bits + piece.keyFirst / wordBits, piece);
  }
}

/// Sets the bits of terms without step: since every row of such a term has a range that moves by one block at most,
/// rows together have a range, too.
void addTerms(const MaskStore &store, uint32_t first, uint32_t past, uint64_t *bits) {
  for (const BandTerm &term : store.terms.terms()) {
    uint32_t from = std::max(first, term.queryFirst), to = std::min(past, term.queryPast);
    if (from < to)
      setBits(bits, BlockRange{keysOfRow(term, from).first, keysOfRow(term, to - 1).past});
  }
}

} // namespace

std::vector<BlockRange> BlockMask::unionOfRows(uint32_t first, uint32_t past) const {
  past = std::min(past, grid().queryBlocks);
  std::vector<uint64_t> bits(wordsOf(grid().keyBlocks));
  bool hasSteps = content->terms.hasSteps();
  if (!hasSteps)
    addTerms(*content, first, past, bits.data());
  addRows(*content, hasSteps ? RowPart::All : RowPart::Stored, first, past, bits.data());
  std::vector<BlockRange> ranges;
  forEachRun(bits.data(), bits.size(), [&](BlockRange range) { ranges.push_back(range); });
  return ranges;
}

} // namespace sparse_attn
