//===- MaskFileOverlap.cpp - Pairs in both parts of a file ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/MaskFileOverlap.h"

#include "mask/BandTerms.h"

#include <algorithm>

namespace sparse_attn::mask {

namespace {

/// The keys of a term's row that lie in a slab, less its keyFirst, but for the step; maybe empty.
BlockRange keysInSlab(const BandTerm &term, uint32_t q, uint32_t keyFirst) {
  BlockRange keys = keysOfRow(term, q);
  if (keys.isEmpty() || keys.past <= keyFirst)
    return {};
  return {std::max(keys.first, keyFirst) - keyFirst, std::min(keys.past - keyFirst, slabBlocks)};
}

uint32_t firstOf(uint16_t key) { return key; }
uint32_t lastOf(uint16_t key) { return key; }
uint32_t firstOf(const KeyRun &run) { return run.first; }
uint32_t lastOf(const KeyRun &run) { return run.last; }

/// Whether one of the ascending keys or runs [element, end) of a slab's row is in row q of `term`. Goes from the next
/// element to the next step and back, so that neither many elements nor many steps alone take long.
template <typename Element>
bool meets(const BandTerm &term, uint32_t q, uint32_t keyFirst, const Element *element, const Element *end) {
  const BlockRange range = keysInSlab(term, q, keyFirst);
  auto endsBefore = [](const Element &element, uint64_t key) { return lastOf(element) < key; };
  for (uint64_t key = range.first; key < range.past;) {
    element = std::lower_bound(element, end, key, endsBefore);
    if (element == end)
      return false;
    uint32_t from = std::max(static_cast<uint32_t>(key), firstOf(*element));
    if (from >= range.past)
      return false;
    key = firstStep(term, q, keyFirst + from) - keyFirst;
    if (key < range.past && key <= lastOf(*element))
      return true;
  }
  return false;
}

/// The same for all rows of a slab, whose elements `index` finds.
template <typename Element>
Status checkRows(const Slab &slab, const RowIndex &index, const Element *elements, const TermIndex &terms) {
  for (size_t entry = 0; entry < index.entries(); ++entry) {
    uint32_t q = slab.queryFirst + index.rowOf(entry), begin = index.offsets[entry], end = index.offsets[entry + 1];
    if (begin == end)
      continue;
    bool found = false;
    terms.forEachAt(q, [&](const BandTerm &term) {
      found = found || meets(term, q, slab.keyFirst, elements + begin, elements + end);
    });
    if (found)
      return makeError(StatusCode::InvalidArgument, "expects pairs that are in no term, but got one in row ", q);
  }
  return {};
}

} // namespace

Status checkApart(const Slab &slab, const TermIndex &terms) {
  if (Status status = checkRows(slab, slab.keyRows, slab.keys.data(), terms); !status.isOk())
    return status;
  return checkRows(slab, slab.runRows, slab.runs.data(), terms);
}

} // namespace sparse_attn::mask
