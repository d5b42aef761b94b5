//===- RowIndexWriter.h - Where the rows of a slab begin ------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_ROWINDEXWRITER_H
#define SPARSE_ATTN_LIB_MASK_ROWINDEXWRITER_H

#include "mask/MaskStore.h"

#include <cstdint>
#include <utility>

namespace sparse_attn::mask {

/// Writes where each row of a slab begins; rows without elements get no entry where they are many.
class RowIndexWriter {
public:
  /// Of a slab of `rows` rows, `used` of which have elements.
  RowIndexWriter(uint32_t rows, size_t used) {
    if (used == 0)
      return;
    bool sparse = isSparse(rows, used);
    index.rows = Array<uint16_t>(sparse ? used : 0);
    index.offsets = Array<uint32_t>((sparse ? used : rows) + 1);
  }

  /// An entry that tells its row takes 6 bytes, one that does not takes 4.
  static bool isSparse(uint32_t rows, size_t used) { return used * 6 < size_t(rows) * 4; }

  /// Adds a row of `elements` elements; rows ascend, and those left out are empty.
  void add(uint16_t row, uint32_t elements) {
    if (elements == 0)
      return;
    if (index.rows.size() != 0)
      index.rows[next] = row;
    else
      fillTo(row);
    index.offsets[next++] = sum;
    sum += elements;
  }

  RowIndex finish() {
    if (index.offsets.size() != 0)
      fillTo(index.offsets.size());
    return std::move(index);
  }

private:
  void fillTo(size_t entry) {
    for (; next < entry; ++next)
      index.offsets[next] = sum;
  }

  RowIndex index;
  size_t next = 0;
  uint32_t sum = 0;
};

/// The index of rows of which row i has the elements [offsets[i], offsets[i + 1]).
inline RowIndex indexOf(const Array<uint32_t> &offsets) {
  uint32_t rows = static_cast<uint32_t>(offsets.size() - 1);
  size_t used = 0;
  for (uint32_t row = 0; row < rows; ++row)
    used += offsets[row] != offsets[row + 1];
  RowIndexWriter writer(rows, used);
  for (uint32_t row = 0; row < rows; ++row)
    writer.add(static_cast<uint16_t>(row), offsets[row + 1] - offsets[row]);
  return writer.finish();
}

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_ROWINDEXWRITER_H
