//===- MaximalRanges.h - Rows as few ranges -------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Ranges that do not touch are the form in which equal rows look equal,
// whatever the representation.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_MAXIMALRANGES_H
#define SPARSE_ATTN_LIB_MASK_MAXIMALRANGES_H

#include "mask/RowReader.h"

#include <cstdint>
#include <vector>

namespace sparse_attn::mask {

/// A sink that joins what touches, within a piece and from piece to piece, and calls emit(BlockRange).
template <typename Emit> class RangeJoiner {
public:
  explicit RangeJoiner(Emit emit) : emit(emit) {}

  /// The keyFirst of what follows.
  void startPiece(uint32_t keyFirst) { base = keyFirst; }

  void addRange(BlockRange range) {
    if (base + range.first != open.past || open.isEmpty()) {
      flush();
      open.first = base + range.first;
    }
    open.past = base + range.past;
  }

  void addKeys(const uint16_t *keys, size_t count) {
    for (size_t i = 0; i < count; ++i)
      addRange({keys[i], keys[i] + uint32_t(1)});
  }

  /// Ranges and keys of `piece`, in the order in which they lie.
  void addPiece(const RowPiece &piece) {
    startPiece(piece.keyFirst);
    const uint16_t *key = piece.keys, *end = piece.keys + piece.keyCount;
    for (size_t i = 0; i < piece.rangeCount; ++i) {
      for (; key != end && *key < piece.ranges[i].first; ++key)
        addRange({*key, *key + uint32_t(1)});
      addRange(piece.ranges[i]);
    }
    addKeys(key, static_cast<size_t>(end - key));
  }

  void flush() {
    if (!open.isEmpty())
      emit(open);
    open = {};
  }

private:
  Emit emit;
  uint32_t base = 0;
  BlockRange open;
};

/// Calls emit(BlockRange) for row q as ascending ranges, as few as there can be.
template <typename Emit> void forEachRange(RowReader &reader, uint32_t q, const Emit &emit) {
  RangeJoiner<const Emit &> joiner(emit);
  RowPiece piece;
  for (reader.start(q); reader.next(piece);)
    joiner.addPiece(piece);
  joiner.flush();
}

/// Row q, into a vector whose memory is used again.
inline void readRanges(RowReader &reader, uint32_t q, std::vector<BlockRange> &ranges) {
  ranges.clear();
  forEachRange(reader, q, [&](BlockRange range) { ranges.push_back(range); });
}

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_MAXIMALRANGES_H
