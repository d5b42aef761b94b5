//===- BitRows.h - Rows as bits -------------------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bit k of a row is bit k % 64 of its word k / 64.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_BITROWS_H
#define SPARSE_ATTN_LIB_MASK_BITROWS_H

#include "mask/RowPiece.h"

#include <cstddef>
#include <cstdint>

namespace sparse_attn::mask {

constexpr uint32_t wordBits = 64;

constexpr size_t wordsOf(uint32_t bits) { return (size_t(bits) + wordBits - 1) / wordBits; }

inline bool testBit(const uint64_t *words, uint32_t bit) { return words[bit / wordBits] >> (bit % wordBits) & 1; }
inline void setBit(uint64_t *words, uint32_t bit) { words[bit / wordBits] |= uint64_t(1) << (bit % wordBits); }

/// Sets the bits [range.first, range.past).
inline void setBits(uint64_t *words, BlockRange range) {
  if (range.isEmpty())
    return;
  uint32_t first = range.first / wordBits, last = (range.past - 1) / wordBits;
  uint64_t firstMask = ~uint64_t(0) << (range.first % wordBits);
  uint64_t lastMask = ~uint64_t(0) >> (wordBits - 1 - (range.past - 1) % wordBits);
  if (first == last) {
    words[first] |= firstMask & lastMask;
    return;
  }
  words[first] |= firstMask;
  for (uint32_t i = first + 1; i < last; ++i)
    words[i] = ~uint64_t(0);
  words[last] |= lastMask;
}

/// Sets the bits of `piece`, whose key 0 is bit 0.
inline void setBits(uint64_t *words, const RowPiece &piece) {
  for (size_t i = 0; i < piece.rangeCount; ++i)
    setBits(words, piece.ranges[i]);
  for (size_t i = 0; i < piece.keyCount; ++i)
    setBit(words, piece.keys[i]);
}

/// Calls visitor(BlockRange) for the runs of set bits, ascending, as few as there can be.
template <typename Visitor> void forEachRun(const uint64_t *words, size_t wordCount, const Visitor &visitor) {
  uint32_t open = 0; // The start of a run that reaches the current word.
  bool isOpen = false;
  for (size_t i = 0; i < wordCount; ++i) {
    uint64_t word = words[i];
    uint32_t base = static_cast<uint32_t>(i * wordBits);
    // A word is cut at its edges, where a bit differs from the one before.
    for (uint64_t edges = word ^ (word << 1 | uint64_t(isOpen)); edges != 0; edges &= edges - 1) {
      uint32_t edge = base + static_cast<uint32_t>(__builtin_ctzll(edges));
      if (isOpen)
        visitor(BlockRange{open, edge});
      open = edge;
      isOpen = !isOpen;
    }
  }
  if (isOpen)
    visitor(BlockRange{open, static_cast<uint32_t>(wordCount * wordBits)});
}

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_BITROWS_H
