//===- RoaringStore.cpp - Masks in Roaring bitmaps ------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/RoaringStore.h"

#include "mask/RoaringBitmap.h"
#include "mask/RoaringEncoder.h"
#include "mask/RowReader.h"
#include "mask/Workers.h"

#include <map>
#include <utility>

namespace sparse_attn::mask {

namespace {

std::shared_ptr<MaskStore> makeRoaring(const BlockGrid &grid) {
  auto store = std::make_shared<MaskStore>();
  store->grid = grid;
  store->representation = Representation::Roaring;
  return store;
}

/// The bitmaps of the slabs at query block `queryFirst`.
std::vector<RoaringSlab> encodeSlabs(const MaskStore &store, uint32_t queryFirst) {
  std::map<uint32_t, RoaringEncoder> encoders; // By keyFirst.
  RowReader reader(store);
  RowPiece piece;
  uint32_t rows = std::min(slabBlocks, store.grid.queryBlocks - queryFirst);
  for (uint32_t row = 0; row < rows; ++row)
    for (reader.start(queryFirst + row); reader.next(piece);)
      encoders[piece.keyFirst].addRow(static_cast<uint16_t>(row), piece);
  std::vector<RoaringSlab> slabs;
  for (const auto &[keyFirst, encoder] : encoders)
    slabs.push_back({queryFirst, keyFirst, std::make_shared<RoaringBitmap>(RoaringBitmap::fromEncoded(encoder))});
  return slabs;
}

RoaringBitmap combine(const RoaringBitmap &a, const RoaringBitmap &b, SetOperation operation) {
  switch (operation) {
  case SetOperation::And:
    return a.intersectionWith(b);
  case SetOperation::Or:
    return a.unionWith(b);
  default:
    return a.differenceWith(b);
  }
}

/// What a slab that one of two masks lacks contributes, or null for nothing.
std::shared_ptr<const RoaringBitmap> combineAlone(const RoaringSlab &slab, bool isFirst, SetOperation operation) {
  bool kept = operation == SetOperation::Or || (operation == SetOperation::AndNot && isFirst);
  return kept ? slab.pairs : nullptr;
}

} // namespace

std::shared_ptr<const MaskStore> toRoaring(const MaskStore &store, int32_t threads) {
  std::shared_ptr<MaskStore> result = makeRoaring(store.grid);
  int64_t slabRows = (store.grid.queryBlocks + int64_t(slabBlocks) - 1) / slabBlocks;
  std::vector<std::vector<RoaringSlab>> found(static_cast<size_t>(slabRows));
  parallelChunks(slabRows, 1, workersFor(threads), [&](int32_t, int64_t i, int64_t) {
    uint32_t queryFirst = static_cast<uint32_t>(i) * slabBlocks;
    if (mayHaveRows(store, RowPart::All, queryFirst, std::min(queryFirst + slabBlocks, store.grid.queryBlocks)))
      found[static_cast<size_t>(i)] = encodeSlabs(store, queryFirst);
  });
  for (std::vector<RoaringSlab> &slabs : found)
    std::move(slabs.begin(), slabs.end(), std::back_inserter(result->bitmaps));
  result->bitmaps.shrink_to_fit();
  result->count = store.count;
  return result;
}

std::shared_ptr<const MaskStore> combineRoaring(const MaskStore &a, const MaskStore &b, SetOperation operation) {
  std::shared_ptr<MaskStore> result = makeRoaring(a.grid);
  auto place = [](const RoaringSlab &slab) { return std::make_pair(slab.queryFirst, slab.keyFirst); };
  auto i = a.bitmaps.begin(), endA = a.bitmaps.end();
  auto j = b.bitmaps.begin(), endB = b.bitmaps.end();
  while (i != endA || j != endB) {
    bool takeA = i != endA && (j == endB || place(*i) <= place(*j));
    bool takeB = j != endB && (i == endA || place(*j) <= place(*i));
    const RoaringSlab &slab = takeA ? *i : *j;
    std::shared_ptr<const RoaringBitmap> pairs =
        takeA && takeB ? std::make_shared<RoaringBitmap>(combine(*i->pairs, *j->pairs, operation))
                       : combineAlone(slab, takeA, operation);
    if (pairs && !pairs->isEmpty()) {
      result->bitmaps.push_back({slab.queryFirst, slab.keyFirst, pairs});
      result->count += pairs->cardinality();
    }
    i += takeA;
    j += takeB;
  }
  result->bitmaps.shrink_to_fit();
  return result;
}

} // namespace sparse_attn::mask
