//===- ArrayRows.h - The rows of a strided array ----------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_RUNTIME_ARRAYROWS_H
#define SPARSE_ATTN_RUNTIME_ARRAYROWS_H

#include "sparse_attn/Value.h"

namespace sparse_attn {

/// Calls `visit(const uint8_t *row, size_t bytes)` for the innermost rows of an array of rank 1 or more, in order. The
/// innermost stride is 1; of an empty array there are none.
template <typename Visit> void forEachRow(const Value &array, Visit visit) {
  int64_t elementSize = elementBytes(static_cast<DType>(array.dtype));
  int32_t outer = array.rank - 1;
  int64_t rows = 1;
  for (int32_t i = 0; i < outer; ++i)
    rows *= array.size[i];
  if (array.size[outer] == 0)
    return;
  for (int64_t row = 0; row < rows; ++row) {
    int64_t offset = 0, number = row;
    for (int32_t i = outer; i-- > 0; number /= array.size[i])
      offset += number % array.size[i] * array.stride[i];
    visit(static_cast<const uint8_t *>(array.data) + offset * elementSize,
          static_cast<size_t>(array.size[outer] * elementSize));
  }
}

} // namespace sparse_attn

#endif // SPARSE_ATTN_RUNTIME_ARRAYROWS_H
