//===- MaskStore.h - How a block mask lies in memory ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is stored pair by pair is cut into slabs of 65,536 x 65,536 blocks, so
// that a key block takes 16 bits however large the mask is.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_MASKSTORE_H
#define SPARSE_ATTN_LIB_MASK_MASKSTORE_H

#include "mask/Array.h"
#include "mask/TermIndex.h"
#include "sparse_attn/BlockMask.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace sparse_attn {
class RoaringBitmap;
} // namespace sparse_attn

namespace sparse_attn::mask {

/// Query blocks and key blocks of a slab.
constexpr uint32_t slabBlocks = 65536;

/// A mask has no more terms than this; further ones are stored row by row.
constexpr size_t maxTerms = 65536;

/// Key blocks first to last, inclusive, of one row of a slab.
struct KeyRun {
  uint16_t first;
  uint16_t last;
};

/// Where the elements of each row of a slab begin. Either every row of the slab has an entry, or only those that have
/// elements, or none.
struct RowIndex {
  Array<uint16_t> rows;    ///< The rows that have an entry, ascending; or empty: every row has.
  Array<uint32_t> offsets; ///< Entry i has the elements [offsets[i], offsets[i + 1]); empty without any element.

  size_t entries() const { return offsets.size() == 0 ? 0 : offsets.size() - 1; }
  uint32_t rowOf(size_t entry) const { return rows.size() == 0 ? static_cast<uint32_t>(entry) : rows[entry]; }
  /// The elements of `row`; those of a row without any are empty.
  BlockRange find(uint32_t row) const {
    if (rows.size() != 0)
      return findSparse(row);
    return row + size_t(1) < offsets.size() ? BlockRange{offsets[row], offsets[row + 1]} : BlockRange();
  }
  size_t bytes() const { return rows.bytes() + offsets.bytes(); }

private:
  BlockRange findSparse(uint32_t row) const;
};

/// The pairs outside of the terms of query blocks [queryFirst, queryFirst + 65,536) and key blocks [keyFirst, keyFirst
/// + 65,536). Runs and single keys of a row are disjoint; both ascend; runs do not touch one another.
struct Slab {
  uint32_t queryFirst = 0; ///< A multiple of `slabBlocks`, as is `keyFirst`.
  uint32_t keyFirst = 0;
  RowIndex keyRows;
  Array<uint16_t> keys; ///< Less keyFirst.
  RowIndex runRows;
  Array<KeyRun> runs; ///< Less keyFirst.

  size_t bytes() const { return keyRows.bytes() + keys.bytes() + runRows.bytes() + runs.bytes(); }
};

/// All pairs of a slab as one Roaring bitmap of (q - queryFirst) << 16 | (k - keyFirst).
struct RoaringSlab {
  uint32_t queryFirst = 0;
  uint32_t keyFirst = 0;
  std::shared_ptr<const RoaringBitmap> pairs;
};

/// All pairs, one bit each: bit k % 64 of words[q * rowWords + k / 64]. Bits behind the last key block are 0.
struct PackedBits {
  size_t rowWords = 0;
  Array<uint64_t> words;

  const uint64_t *row(uint32_t q) const { return words.data() + q * rowWords; }
};

/// The content of a mask. Immutable once a BlockMask has it.
class MaskStore {
public:
  BlockGrid grid;
  Representation representation = Representation::TermsAndRows;
  uint64_t count = 0; ///< Pairs.

  // With TermsAndRows:
  TermIndex terms;
  std::vector<Slab> slabs; ///< Not empty, ordered by queryFirst, then keyFirst.

  PackedBits bits;                  ///< With PackedBits.
  std::vector<RoaringSlab> bitmaps; ///< With Roaring; not empty, ordered as `slabs`.

  size_t heapBytes() const;
  /// The slabs of query block q: indices into `slabs`, or into `bitmaps`.
  BlockRange slabsOf(uint32_t q) const;

  /// Computed at the first call. Thread-safe.
  ContentHash contentHash() const;

private:
  mutable std::once_flag hashOnce;
  mutable ContentHash hash;
};

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_MASKSTORE_H
