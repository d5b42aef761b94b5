//===- ListEntries.h - What the lists of a row consist of -----*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kind of entry has a sink that counts the entries of a row, and one that
// writes them.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_LISTENTRIES_H
#define SPARSE_ATTN_LIB_MASK_LISTENTRIES_H

#include "mask/MaximalRanges.h"
#include "mask/RowQueries.h"

#include <cstdint>

namespace sparse_attn::mask {

/// One entry a key block.
template <typename Block> struct BlockEntries {
  using Word = Block;
  static constexpr size_t words = 1;
  using Counter = BlockCounter;
  using Writer = BlockWriter<Block>;
};

/// One entry an interval: first key block, number of key blocks.
struct IntervalEntries {
  using Word = uint32_t;
  static constexpr size_t words = 2;

  /// Lets `Entries` take each interval.
  template <typename Entries> class Sink {
  public:
    explicit Sink(Entries entries = {}) : entries(entries), joiner(Take{this->entries}) {}
    Sink(const Sink &) = delete;
    Sink &operator=(const Sink &) = delete;

    void startPiece(uint32_t keyFirst) { joiner.startPiece(keyFirst); }
    void addRange(BlockRange range) { joiner.addRange(range); }
    void addKeys(const uint16_t *keys, size_t count) { joiner.addKeys(keys, count); }
    void addPiece(const RowPiece &piece) { joiner.addPiece(piece); }
    void finish() { joiner.flush(); }
    auto count() const { return entries.count; }
    auto end() const { return entries.next; }

  private:
    struct Take {
      Entries &entries;
      void operator()(BlockRange range) const { entries.take(range); }
    };

    Entries entries;
    RangeJoiner<Take> joiner;
  };

  struct Count {
    uint32_t count = 0;
    void take(BlockRange) { ++count; }
  };

  struct Write {
    uint32_t *next;
    void take(BlockRange range) {
      *next++ = range.first;
      *next++ = range.past - range.first;
    }
  };

  using Counter = Sink<Count>;

  struct Writer : Sink<Write> {
    explicit Writer(uint32_t *out) : Sink<Write>(Write{out}) {}
  };
};

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_LISTENTRIES_H
