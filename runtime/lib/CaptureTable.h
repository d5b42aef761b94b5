//===- CaptureTable.h - Tables made of captured arrays --------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Some questions about an array take kernels a walk through it, and one look at
// a table of the same facts in another form. `prepare` makes such a table once,
// and everything compiled gets it in the place of the array.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_CAPTURETABLE_H
#define SPARSE_ATTN_LIB_CAPTURETABLE_H

#include "sparse_attn/Manifest.h"
#include "sparse_attn/Value.h"

#include <cstdint>
#include <vector>

namespace sparse_attn {

/// The table of an i32 array, row by row; docs/artifact.md has the layouts.
class SPARSE_ATTN_EXPORT CaptureTable {
public:
  /// Reads an array whose content has been checked, for `keys` keys. Throws std::bad_alloc.
  CaptureTable(ArrayForm form, const Value &array, int64_t keys);

  /// A contiguous array that this table keeps.
  Value value() const { return makeArray(words.data(), DType::I32, shape); }

private:
  Shape shape;
  std::vector<int32_t> words;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_CAPTURETABLE_H
