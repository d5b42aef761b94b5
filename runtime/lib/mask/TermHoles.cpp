//===- TermHoles.cpp - Terms less stored pairs ----------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/TermHoles.h"

#include "mask/BandTerms.h"
#include "mask/RowReader.h"

#include <algorithm>

namespace sparse_attn::mask {

namespace {

/// A shorter part is stored row by row: 4 bytes a row against the 48 bytes of a term, which every row looks at.
constexpr uint32_t shortestPart = 64;

/// A term is not cut into more parts than this.
constexpr size_t maxParts = 64;

/// Whether `piece` has a key block of `term` in row q.
bool meets(const BandTerm &term, uint32_t q, const RowPiece &piece) {
  BlockRange keys = keysOfRow(term, q);
  auto meetsRange = [&](uint64_t first, uint64_t past) {
    first = std::max<uint64_t>(first, keys.first);
    return first < past && firstStep(term, q, static_cast<uint32_t>(first)) < std::min<uint64_t>(past, keys.past);
  };
  for (size_t i = 0; i < piece.rangeCount; ++i)
    if (meetsRange(uint64_t(piece.keyFirst) + piece.ranges[i].first, uint64_t(piece.keyFirst) + piece.ranges[i].past))
      return true;
  if (keys.past <= piece.keyFirst || keys.first >= uint64_t(piece.keyFirst) + slabBlocks)
    return false;
  uint32_t lowest = keys.first > piece.keyFirst ? keys.first - piece.keyFirst : 0;
  const uint16_t *end = piece.keys + piece.keyCount;
  for (const uint16_t *key = std::lower_bound(piece.keys, end, lowest); key != end; ++key) {
    if (meetsRange(uint64_t(piece.keyFirst) + *key, uint64_t(piece.keyFirst) + *key + 1))
      return true;
    if (piece.keyFirst + uint64_t(*key) >= keys.past)
      return false;
  }
  return false;
}

bool hasHole(const BandTerm &term, uint32_t q, RowReader &reader) {
  RowPiece piece;
  for (reader.start(q); reader.next(piece);)
    if (meets(term, q, piece))
      return true;
  return false;
}

} // namespace

void appendWithoutHoles(const BandTerm &term, const MaskStore &store, std::vector<BandTerm> &terms) {
  if (!mayHaveRows(store, RowPart::Stored, term.queryFirst, term.queryPast))
    return terms.push_back(term);
  RowReader reader(store, RowPart::Stored);
  size_t parts = 0;
  auto appendRows = [&](uint32_t first, uint32_t past) {
    if (past - first < shortestPart && past - first < term.queryPast - term.queryFirst)
      return;
    BandTerm part = term;
    part.queryFirst = first;
    part.queryPast = past;
    if (std::optional<BandTerm> tight = tighten(part); tight && parts++ < maxParts)
      terms.push_back(*tight);
  };
  uint32_t first = term.queryFirst;
  for (uint32_t q = term.queryFirst; q < term.queryPast; ++q)
    if (hasHole(term, q, reader)) {
      appendRows(first, q);
      first = q + 1;
    }
  appendRows(first, term.queryPast);
}

} // namespace sparse_attn::mask
