//===- RoaringEncoder.h - Writes the portable Roaring format --*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows of a mask are sorted already, so that encoding them is little more than
// a copy, several times as fast as making a bitmap of them and writing that.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_ROARINGENCODER_H
#define SPARSE_ATTN_LIB_MASK_ROARINGENCODER_H

#include "mask/RowPiece.h"
#include "sparse_attn/Export.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sparse_attn::mask {

/// Collects rows, then writes them as one bitmap, a container a row, each in the smallest of the three forms that the
/// format allows for it; so equal sets give equal bytes. Members may throw std::bad_alloc.
class SPARSE_ATTN_EXPORT RoaringEncoder {
public:
  RoaringEncoder() : RoaringEncoder({}, 0, false) {}
  /// Will write behind `prefix`. `rows`, those to come that are not empty, and `hasRuns`, whether one of them will take
  /// the form of runs, only save time where they are right.
  RoaringEncoder(std::vector<uint8_t> prefix, size_t rows, bool hasRuns);

  /// Adds the values `row << 16 | key`. Rows rise strictly from call to call. Returns whether the keys do, too; where
  /// they do not, nothing is added. Without keys nothing is added, either. O(count).
  bool addRow(uint16_t row, const uint16_t *keys, size_t count);
  /// The same for a piece of a row, which is taken to be as it should. O(ranges + keys + bytes written).
  void addRow(uint16_t row, const RowPiece &piece);

  /// Rows so far that are not empty.
  size_t size() const { return containers.size(); }
  uint64_t cardinality() const { return valueCount; }
  /// Bytes of the bitmap.
  size_t bytes() const;
  /// Writes the bitmap, `bytes()` bytes.
  void write(uint8_t *out) const;
  /// The prefix and the bitmap behind it; nothing may be called afterwards.
  std::vector<uint8_t> finish() &&;

private:
  struct Container {
    uint16_t row;
    uint16_t lastIndex; ///< Cardinality - 1, as the format has it.
    bool isRuns;
    uint32_t offset; ///< From `bodyStart`.
  };

  static size_t headerBytes(size_t rows, bool hasRuns);

  /// Adds a container, without its content; returns whether that is to be runs.
  bool addContainer(uint16_t row, size_t runs, uint32_t cardinality);
  uint8_t *grow(size_t bytes);
  void append(const void *bytes, size_t size);
  void addKeys(uint16_t row, const uint16_t *keys, size_t count, size_t runs);
  void addRanges(uint16_t row, const BlockRange *ranges, size_t count);
  void writeHeader(uint8_t *out) const;

  std::vector<Container> containers;
  std::vector<uint8_t> file; ///< The prefix, room for the header, the containers.
  size_t start;              ///< Of that room.
  size_t bodyStart;
  uint64_t valueCount = 0;
  bool hasRuns = false;
  std::vector<BlockRange> merged; ///< Ranges and keys of a row together.
};

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_ROARINGENCODER_H
