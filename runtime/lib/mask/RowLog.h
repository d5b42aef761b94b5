//===- RowLog.h - What was added to the rows of a mask --------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A builder only notes what it is given; sorting and joining wait until all is
// known, when threads can share the rows.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_ROWLOG_H
#define SPARSE_ATTN_LIB_MASK_ROWLOG_H

#include "mask/RowProducer.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sparse_attn::mask {

/// Something that was added to a row. Elements are words of 32 bits, but for `Narrow`.
struct RowEntry {
  enum class Kind : uint8_t {
    Ascending, ///< `count` key blocks, ascending strictly.
    Narrow,    ///< The same in 16 bits each; of a mask of one column of slabs.
    Unsorted,  ///< `count` key blocks in any order.
    Ranges,    ///< `count` pairs of first and past, ascending, none of which touch.
    Bits,      ///< `count` words of 64 bits; bit k % 64 of word k / 64 stands for key block k.
  };

  const void *elements; ///< In the log's memory.
  uint32_t q;
  uint32_t count;
  Kind kind;
};

/// All that was added, in the order in which it was.
class RowLog {
public:
  /// Room for `count` words, which stay where they are.
  uint32_t *allocate(size_t count) { return static_cast<uint32_t *>(allocateBytes(count * sizeof(uint32_t))); }
  /// Notes elements in memory of this log.
  void add(uint32_t q, RowEntry::Kind kind, const uint32_t *words, size_t count);
  /// Copies key blocks that ascend strictly, of a mask of one column of slabs.
  void addNarrow(uint32_t q, const uint32_t *keys, size_t count);
  /// Copies the row `bits` of `wordCount` words, as ranges where these are smaller. No bit is set behind the last key
  /// block.
  void addBits(uint32_t q, const uint64_t *bits, size_t wordCount);

  /// About how much memory the rows will take as lists, in bytes.
  uint64_t listBytes() const { return bytes; }

  /// Orders the entries by row.
  void sortByRow(uint32_t rows);
  /// The rows, after `sortByRow`. The log outlives the source, unchanged.
  RowSource rows() const;

private:
  friend class LoggedRows;

  /// Room for elements of up to 64 bits.
  void *allocateBytes(size_t count);

  std::vector<std::unique_ptr<char[]>> blocks;
  char *next = nullptr; ///< In the last block.
  size_t left = 0;      ///< Bytes behind `next`.
  std::vector<RowEntry> entries;
  uint64_t bytes = 0;
};

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_ROWLOG_H
