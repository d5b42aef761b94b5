//===- RowQueries.h - Rows of a mask, written out -------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_ROWQUERIES_H
#define SPARSE_ATTN_LIB_MASK_ROWQUERIES_H

#include "mask/MaskKernels.h"
#include "mask/RowReader.h"

#include <cstdint>
#include <type_traits>

namespace sparse_attn::mask {

/// A sink that writes key blocks one behind another, as uint16_t or uint32_t.
template <typename Block> class BlockWriter {
public:
  explicit BlockWriter(Block *out) : next(out) {}

  /// The keyFirst of what follows; 0 for 16 bits.
  void startPiece(uint32_t keyFirst) { base = keyFirst; }

  void addRange(BlockRange range) {
    size_t count = range.past - range.first;
    if constexpr (std::is_same_v<Block, uint16_t>)
      kernels().fill16(next, range.first, count);
    else
      kernels().fill32(next, base + range.first, count);
    next += count;
  }

  void addKeys(const uint16_t *keys, size_t count) {
    if constexpr (std::is_same_v<Block, uint16_t>)
      std::copy(keys, keys + count, next);
    else
      kernels().widen(next, base, keys, count);
    next += count;
  }

  /// Ranges and keys of `piece`, in the order in which they lie.
  void addPiece(const RowPiece &piece) {
    startPiece(piece.keyFirst);
    if (hasFewLongRanges(piece))
      return addFewLongRanges(piece);
    const uint16_t *key = piece.keys, *end = piece.keys + piece.keyCount;
    for (size_t i = 0; i < piece.rangeCount; ++i) {
      size_t before =
          kernels().below(key, static_cast<size_t>(end - key), static_cast<uint16_t>(piece.ranges[i].first));
      addKeys(key, before);
      addRange(piece.ranges[i]);
      key += before;
    }
    addKeys(key, static_cast<size_t>(end - key));
  }

  void finish() {}
  Block *end() const { return next; }

private:
  /// Whether the row is as in most masks of a window and a few global columns.
  static bool hasFewLongRanges(const RowPiece &piece) {
    constexpr size_t fewRanges = 4;
    bool longRanges = piece.rangeCount <= fewRanges;
    for (size_t i = 0; i < piece.rangeCount && longRanges; ++i)
      longRanges = piece.ranges[i].past - piece.ranges[i].first >= piece.keyCount;
    return longRanges;
  }

  /// Keys come late from memory. If how much is written depended on them, the CPU would have to wait for them before it
  /// could go on to the next row. So all keys are written into the gap before each range and into the one behind it,
  /// and then the range, which is longer, over those that do not belong there.
  void addFewLongRanges(const RowPiece &piece) {
    size_t i = 0;
    if (piece.rangeCount != 0 && piece.ranges[0].first == 0)
      addRange(piece.ranges[i++]);
    Block *gap = next; // Where the first key would be, if no range were to come.
    addKeys(piece.keys, piece.keyCount);
    for (; i < piece.rangeCount; ++i) {
      const BlockRange &range = piece.ranges[i];
      next = gap + (range.past - range.first);
      addKeys(piece.keys, piece.keyCount);
      next = gap + kernels().below(piece.keys, piece.keyCount, static_cast<uint16_t>(range.first));
      addRange(range);
      gap += range.past - range.first;
    }
    next = gap + piece.keyCount;
  }

  Block *next;
  uint32_t base = 0;
};

/// A sink that only counts key blocks.
class BlockCounter {
public:
  void startPiece(uint32_t) {}
  void addRange(BlockRange range) { sum += range.past - range.first; }
  void addKeys(const uint16_t *, size_t count) { sum += static_cast<uint32_t>(count); }
  void addPiece(const RowPiece &piece) { sum += piece.count(); }
  void finish() {}
  uint32_t count() const { return sum; }

private:
  uint32_t sum = 0;
};

/// Writes row q to `out`, and returns how many blocks it has.
template <typename Block> uint32_t writeRow(RowReader &reader, uint32_t q, Block *out) {
  BlockWriter<Block> writer(out);
  RowPiece piece;
  for (reader.start(q); reader.next(piece);)
    writer.addPiece(piece);
  return static_cast<uint32_t>(writer.end() - out);
}

/// The number of blocks in row q.
inline uint32_t countRow(RowReader &reader, uint32_t q) {
  uint32_t count = 0;
  RowPiece piece;
  for (reader.start(q); reader.next(piece);)
    count += piece.count();
  return count;
}

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_ROWQUERIES_H
