//===- RowProducer.h - Where the rows of a new mask come from -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A builder, a file, set algebra and a change of representation all make rows;
// how rows become a store does not depend on which.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_ROWPRODUCER_H
#define SPARSE_ATTN_LIB_MASK_ROWPRODUCER_H

#include "mask/RowReader.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace sparse_attn::mask {

/// Takes the pieces of a row.
class RowSink {
public:
  virtual ~RowSink();
  /// Pieces of a row come with ascending keyFirst; empty ones are allowed.
  virtual void add(const RowPiece &piece) = 0;
};

/// Makes rows, in any order. Belongs to one thread.
class RowProducer {
public:
  virtual ~RowProducer();
  /// Whether some row of [first, past) may not be empty. Asked for large steps, so that a mask may be mostly empty.
  virtual bool hasRows(uint32_t first, uint32_t past) = 0;
  /// Hands row q to `sink`.
  virtual void produce(uint32_t q, RowSink &sink) = 0;
};

/// Makes one producer for each thread. Thread-safe.
using RowSource = std::function<std::unique_ptr<RowProducer>()>;

/// The rows of `store`, which outlives the source, in whole or only what is outside of its terms.
RowSource rowsOf(const MaskStore &store, RowPart part = RowPart::All);

/// No rows at all.
RowSource noRows();

/// Gathers what set algebra results in, as one piece.
class PieceCollector {
public:
  void start(uint32_t keyFirst) {
    first = keyFirst;
    ranges.clear();
    keys.clear();
  }
  void addRange(BlockRange range) { ranges.join(range); }
  void addKeys(const uint16_t *added, size_t count) { keys.insert(keys.end(), added, added + count); }

  /// Valid until the next change.
  RowPiece piece() const { return {first, ranges.data(), ranges.size(), keys.data(), keys.size()}; }

private:
  uint32_t first = 0;
  RangeBuffer ranges;
  std::vector<uint16_t> keys;
};

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_ROWPRODUCER_H
