//===- RowPiece.h - A row of a mask, as loops see it ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Whatever the representation, a row is read as pieces of 65,536 key blocks:
// ranges, and single key blocks in 16 bits. All that asks or combines masks is
// written once, for pieces.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_ROWPIECE_H
#define SPARSE_ATTN_LIB_MASK_ROWPIECE_H

#include "sparse_attn/BlockMask.h"

#include <algorithm>
#include <cstdint>
#include <memory>

namespace sparse_attn::mask {

/// The key blocks of one row within [keyFirst, keyFirst + 65,536), less keyFirst. Ranges ascend and do not touch each
/// other; keys ascend and are in no range, but may touch ranges and each other. Somebody else keeps the memory.
struct RowPiece {
  uint32_t keyFirst = 0; ///< A multiple of `slabBlocks`.
  const BlockRange *ranges = nullptr;
  size_t rangeCount = 0;
  const uint16_t *keys = nullptr;
  size_t keyCount = 0;

  bool isEmpty() const { return rangeCount == 0 && keyCount == 0; }
  uint32_t count() const {
    size_t sum = keyCount;
    for (size_t i = 0; i < rangeCount; ++i)
      sum += ranges[i].past - ranges[i].first;
    return static_cast<uint32_t>(sum);
  }
};

/// A growing list of ranges that allocates nothing while it is short, since most rows have few.
class RangeBuffer {
public:
  RangeBuffer() = default;
  RangeBuffer(const RangeBuffer &) = delete;
  RangeBuffer &operator=(const RangeBuffer &) = delete;

  size_t size() const { return count; }
  const BlockRange *data() const { return elements; }
  const BlockRange &operator[](size_t index) const { return elements[index]; }
  void clear() { count = 0; }

  void add(BlockRange range) {
    if (count == capacity)
      grow();
    elements[count++] = range;
  }
  /// Adds a range that starts no earlier than the last one; where it touches or overlaps that, both become one.
  void join(BlockRange range) {
    if (count == 0 || range.first > elements[count - 1].past)
      return add(range);
    elements[count - 1].past = std::max(elements[count - 1].past, range.past);
  }
  /// Lets the range at `index` start at `first`.
  void trim(size_t index, uint32_t first) { elements[index].first = first; }
  /// Makes ranges in any order ascending ones that do not touch.
  void normalize() {
    if (count < 2)
      return;
    sort();
    size_t added = count;
    count = 1;
    for (size_t i = 1; i < added; ++i)
      join(elements[i]);
  }

private:
  static constexpr size_t fewRanges = 32;

  void sort() {
    auto before = [](const BlockRange &a, const BlockRange &b) { return a.first < b.first; };
    if (count > 16)
      return std::sort(elements, elements + count, before);
    for (size_t i = 1; i < count; ++i)
      for (size_t j = i; j > 0 && before(elements[j], elements[j - 1]); --j)
        std::swap(elements[j], elements[j - 1]);
  }

  void grow() {
    std::unique_ptr<BlockRange[]> larger(new BlockRange[2 * capacity]);
    std::copy(elements, elements + count, larger.get());
    heap = std::move(larger);
    elements = heap.get();
    capacity *= 2;
  }

  /// Left uninitialised.
  union Storage {
    Storage() {}
    BlockRange ranges[fewRanges];
  } inPlace;
  std::unique_ptr<BlockRange[]> heap;
  BlockRange *elements = inPlace.ranges;
  size_t count = 0;
  size_t capacity = fewRanges;
};

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_ROWPIECE_H
