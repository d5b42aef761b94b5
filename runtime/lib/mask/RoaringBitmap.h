//===- RoaringBitmap.h - Sets of 32-bit integers in Roaring form -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The door to CRoaring: RoaringBitmap.cpp alone includes it, and uses only the
// functions of its C interface that 0.2.66 and 5.x share.
//
// CRoaring 0.2.66 loses data without a word where a range is added to or
// removed from a run container of more than 2047 runs and at most 4096 values:
// the bitmap in memory stays right, and what it is written as is another set.
// So there is no range edit in this class. Sets come from sorted values, from
// ranges or rows that are encoded here, and from set algebra; what is written
// is checked before anybody gets to see it.
//
// Roaring bitmaps: Lemire et al., "Roaring Bitmaps: Implementation of an
// Optimized Software Library", Software: Practice and Experience 48(4), 2018.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_ROARINGBITMAP_H
#define SPARSE_ATTN_LIB_MASK_ROARINGBITMAP_H

#include "sparse_attn/Export.h"
#include "sparse_attn/Status.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sparse_attn {

namespace mask {
class RoaringEncoder;
} // namespace mask

/// The integers begin <= x < end, with end <= 2^32. Empty where begin >= end.
struct ValueRange {
  uint64_t begin = 0;
  uint64_t end = 0;
};

/// A set of uint32_t. A slab of a mask, up to 2^16 rows by 2^16 keys, is the set of `row << 16 | key`, so that
/// one Roaring container is one row.
///
/// Owns its memory; copies are deep. Several threads may read one object. All members may throw std::bad_alloc.
class SPARSE_ATTN_EXPORT RoaringBitmap {
public:
  /// The empty set.
  RoaringBitmap();
  RoaringBitmap(const RoaringBitmap &other);
  RoaringBitmap(RoaringBitmap &&other) noexcept = default;
  RoaringBitmap &operator=(const RoaringBitmap &other);
  RoaringBitmap &operator=(RoaringBitmap &&other) noexcept = default;
  ~RoaringBitmap() = default;

  /// The set of `count` values, in any order and with repetitions; fastest when they rise. O(count) then.
  static RoaringBitmap fromValues(const uint32_t *values, size_t count);
  /// The union of ranges that rise and do not overlap; they may touch and be empty. O(count + containers).
  /// Errors: InvalidArgument where one starts before the last one's end, or ends past 2^32.
  static Result<RoaringBitmap> fromRanges(const ValueRange *ranges, size_t count);
  /// The set of all rows that were added to `encoder`.
  static RoaringBitmap fromEncoded(const mask::RoaringEncoder &encoder);

  uint64_t cardinality() const;
  bool isEmpty() const;
  bool contains(uint32_t value) const;
  bool operator==(const RoaringBitmap &other) const;
  bool operator!=(const RoaringBitmap &other) const { return !(*this == other); }

  RoaringBitmap unionWith(const RoaringBitmap &other) const;
  RoaringBitmap intersectionWith(const RoaringBitmap &other) const;
  RoaringBitmap differenceWith(const RoaringBitmap &other) const;
  uint64_t intersectionCount(const RoaringBitmap &other) const;
  void unite(const RoaringBitmap &other);
  void intersect(const RoaringBitmap &other);
  void subtract(const RoaringBitmap &other);

  /// The values, rising, into `values` of `cardinality()` elements.
  void copyValues(uint32_t *values) const;
  /// Appends the keys of row `row` of a slab, rising. O(log rows + keys).
  void appendRow(uint16_t row, std::vector<uint16_t> &keys) const;

  /// Uses run containers where they are smaller.
  void optimize();
  /// Memory of the containers and their index, without what the allocator and growth add. O(containers).
  size_t heapBytes() const;

  /// Bytes of the portable format (https://github.com/RoaringBitmap/RoaringFormatSpec).
  size_t serializedBytes() const;
  /// Appends the portable format to `bytes`. What was written is validated, and its values counted; where that fails,
  /// `bytes` is as before. Errors: Unsupported, naming what is wrong, where the library has written something else.
  Status serialize(std::vector<uint8_t> &bytes) const;
  /// Reads the portable format from bytes that nobody vouches for: they must be one valid bitmap, to the last byte.
  /// Allocates O(size) bytes. Errors: InvalidArgument, as of `validateRoaring`.
  static Result<RoaringBitmap> deserialize(const uint8_t *bytes, size_t size);

private:
  struct Free {
    void operator()(void *bitmap) const;
  };

  /// Takes what a function of the library has made. Throws std::bad_alloc for null.
  explicit RoaringBitmap(void *made);

  /// The library's roaring_bitmap_t, whose namespace depends on the version. Null only after a move.
  std::unique_ptr<void, Free> bitmap;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_MASK_ROARINGBITMAP_H
