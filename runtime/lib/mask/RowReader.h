//===- RowReader.h - Reads the rows of a mask -----------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The only file, with its .cpp, that knows how each representation is read.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_ROWREADER_H
#define SPARSE_ATTN_LIB_MASK_ROWREADER_H

#include "mask/MaskStore.h"
#include "mask/RowPiece.h"

#include <cstdint>
#include <vector>

namespace sparse_attn::mask {

/// What is read of a mask.
enum class RowPart : uint8_t {
  All,
  Terms,
  Stored, ///< Only pairs outside of the terms.
};

/// Whether some row of [first, past) may not be empty. Coarse: looks at slabs, and where terms begin and end.
bool mayHaveRows(const MaskStore &store, RowPart part, uint32_t first, uint32_t past);

/// Reads one row after the other, in any order. Belongs to one thread at a time; the store outlives it.
class RowReader {
public:
  explicit RowReader(const MaskStore &store, RowPart part = RowPart::All) : store(store), part(part) {}

  /// Goes to the start of row q, which may be outside of the grid.
  void start(uint32_t q);
  /// Gives the next piece of the row that is not empty, keyFirst ascending, or returns false. The piece is valid until
  /// the next call.
  bool next(RowPiece &piece);

private:
  void startTerms(uint32_t q);
  /// The first column of slabs, at `column` or after, where the row may have something; `none` if there is none.
  uint32_t nextColumn() const;
  void readColumn(RowPiece &piece);
  void readRanges(RowPiece &piece);
  /// The same where stepped terms are about.
  void readSteps(RowPiece &piece);
  bool nextOfTerms(RowPiece &piece);
  bool nextOfBits(RowPiece &piece);
  void readBits(const uint64_t *words, size_t wordCount, RowPiece &piece);
  bool nextOfBitmaps(RowPiece &piece);

  static constexpr uint32_t none = UINT32_MAX;

  const MaskStore &store;
  RowPart part;
  uint32_t row = 0;
  uint32_t column = 0;           ///< The next column of slabs, in slabs.
  BlockRange slabs;              ///< Indices of the row's slabs that are still to come.
  uint32_t slabRow = none;       ///< The row of slabs that `slabsOfRow` are in.
  BlockRange slabsOfRow;         ///< Kept from row to row.
  RangeBuffer bands;             ///< Of the terms without step, over all columns.
  size_t bandsDone = 0;          ///< Those that end before `column`.
  std::vector<BandTerm> stepped; ///< The row's terms with a step.

  // Memory of the current piece.
  RangeBuffer scratch, merged;
  std::vector<uint64_t> bits;
  std::vector<uint16_t> keys;
};

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_ROWREADER_H
