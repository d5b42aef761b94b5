//===- RowSets.h - Set algebra on two rows --------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The starts and ends of both rows' ranges cut the key blocks into segments.
// Within one, each row has either every key block or a list of them, so that
// most segments are copied or dropped whole, and the result comes out sorted.
//
// Results go to a sink, a class with the members
//   void addRange(BlockRange range);                     // not empty
//   void addKeys(const uint16_t *keys, size_t count);    // ascending
// which are called in ascending order, less keyFirst as in RowPiece.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_ROWSETS_H
#define SPARSE_ATTN_LIB_MASK_ROWSETS_H

#include "mask/MaskKernels.h"
#include "mask/MaskStore.h"
#include "mask/RowPiece.h"
#include "mask/RowReader.h"

#include <cstdint>
#include <memory>

namespace sparse_attn::mask {

/// What a row has in a segment: every key block, or those listed.
struct SegmentSide {
  bool all = false;
  const uint16_t *keys = nullptr;
  size_t count = 0;
};

/// Walks along one row, from segment to segment.
class SegmentWalker {
public:
  explicit SegmentWalker(const RowPiece &piece)
      : range(piece.ranges), rangesEnd(piece.ranges + piece.rangeCount), key(piece.keys),
        keysEnd(piece.keys + piece.keyCount) {}

  /// Where what the row has at `from` ends: a range, or the gap before the next one.
  uint32_t endOf(uint32_t from) const {
    if (range == rangesEnd)
      return slabBlocks;
    return range->first > from ? range->first : range->past;
  }

  /// What the row has in [from, to), which ends no later than `endOf(from)`; and moves on to `to`.
  SegmentSide take(uint32_t from, uint32_t to) {
    if (range != rangesEnd && range->first <= from) {
      range += to == range->past;
      return {true, nullptr, 0};
    }
    const uint16_t *first = key;
    if (to == slabBlocks)
      key = keysEnd;
    else if (key != keysEnd && *key < to)
      key += kernels().below(key, static_cast<size_t>(keysEnd - key), static_cast<uint16_t>(to));
    return {false, first, static_cast<size_t>(key - first)};
  }

  bool isDone() const { return range == rangesEnd && key == keysEnd; }

private:
  const BlockRange *range;
  const BlockRange *rangesEnd;
  const uint16_t *key;
  const uint16_t *keysEnd;
};

/// Calls visitor(BlockRange, SegmentSide a, SegmentSide b) for segments in ascending order, until one row is done, and
/// with `Both` only until both are.
template <bool Both, typename Visitor>
void forEachSegment(const RowPiece &a, const RowPiece &b, const Visitor &visitor) {
  SegmentWalker walkerA(a), walkerB(b);
  for (uint32_t from = 0; from < slabBlocks;) {
    if (Both ? walkerA.isDone() && walkerB.isDone() : walkerA.isDone())
      return;
    uint32_t to = std::min(walkerA.endOf(from), walkerB.endOf(from));
    SegmentSide sideA = walkerA.take(from, to);
    SegmentSide sideB = walkerB.take(from, to);
    visitor(BlockRange{from, to}, sideA, sideB);
    from = to;
  }
}

/// Memory for the lists that a segment results in; none is allocated while they are short.
class KeyScratch {
public:
  KeyScratch() {}

  /// Room for `count` keys and what kernels write past them.
  uint16_t *reserve(size_t count) {
    if (count + kernelSlack > capacity) {
      capacity = 2 * (count + kernelSlack);
      heap.reset(new uint16_t[capacity]);
    }
    return heap ? heap.get() : inPlace;
  }

private:
  static constexpr size_t fewKeys = 256;

  uint16_t inPlace[fewKeys]; ///< Left uninitialised.
  std::unique_ptr<uint16_t[]> heap;
  size_t capacity = fewKeys;
};

/// The key blocks in both rows.
template <typename Sink> void intersectPieces(const RowPiece &a, const RowPiece &b, KeyScratch &scratch, Sink &sink) {
  forEachSegment<false>(a, b, [&](BlockRange range, const SegmentSide &a, const SegmentSide &b) {
    if (a.all && b.all)
      return sink.addRange(range);
    if (a.count + b.count == 0 || (!a.all && !b.all && (a.count == 0 || b.count == 0)))
      return;
    if (a.all || b.all)
      return a.all ? sink.addKeys(b.keys, b.count) : sink.addKeys(a.keys, a.count);
    uint16_t *both = scratch.reserve(std::min(a.count, b.count));
    sink.addKeys(both, kernels().intersect(a.keys, a.count, b.keys, b.count, both));
  });
}

/// The key blocks in at least one row.
template <typename Sink> void unitePieces(const RowPiece &a, const RowPiece &b, KeyScratch &scratch, Sink &sink) {
  forEachSegment<true>(a, b, [&](BlockRange range, const SegmentSide &a, const SegmentSide &b) {
    if (a.all || b.all)
      return sink.addRange(range);
    if (a.count + b.count == 0)
      return;
    if (a.count == 0 || b.count == 0)
      return a.count == 0 ? sink.addKeys(b.keys, b.count) : sink.addKeys(a.keys, a.count);
    uint16_t *either = scratch.reserve(a.count + b.count);
    sink.addKeys(either, kernels().unite(a.keys, a.count, b.keys, b.count, either));
  });
}

/// Adds `range` without the keys in it.
template <typename Sink> void addGaps(BlockRange range, const uint16_t *keys, size_t count, Sink &sink) {
  for (size_t i = 0; i < count; ++i) {
    if (keys[i] > range.first)
      sink.addRange({range.first, keys[i]});
    range.first = keys[i] + uint32_t(1);
  }
  if (!range.isEmpty())
    sink.addRange(range);
}

/// The key blocks in row a, but not in b.
template <typename Sink> void subtractPieces(const RowPiece &a, const RowPiece &b, KeyScratch &scratch, Sink &sink) {
  forEachSegment<false>(a, b, [&](BlockRange range, const SegmentSide &a, const SegmentSide &b) {
    if (b.all || (!a.all && a.count == 0))
      return;
    if (a.all)
      return addGaps(range, b.keys, b.count, sink);
    if (b.count == 0)
      return sink.addKeys(a.keys, a.count);
    uint16_t *left = scratch.reserve(a.count);
    sink.addKeys(left, kernels().subtract(a.keys, a.count, b.keys, b.count, left));
  });
}

/// Calls visitor(uint32_t keyFirst, RowPiece a, RowPiece b) for the columns where either row has something; a piece is
/// empty where the other alone has. Both readers were started.
template <typename Visitor> void forEachPair(RowReader &readerA, RowReader &readerB, const Visitor &visitor) {
  RowPiece a, b;
  bool moreA = readerA.next(a), moreB = readerB.next(b);
  while (moreA || moreB) {
    bool takeA = moreA && (!moreB || a.keyFirst <= b.keyFirst);
    bool takeB = moreB && (!moreA || b.keyFirst <= a.keyFirst);
    visitor(takeA ? a.keyFirst : b.keyFirst, takeA ? a : RowPiece(), takeB ? b : RowPiece());
    if (takeA)
      moreA = readerA.next(a);
    if (takeB)
      moreB = readerB.next(b);
  }
}

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_ROWSETS_H
