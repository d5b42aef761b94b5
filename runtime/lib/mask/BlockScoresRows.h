//===- BlockScoresRows.h - Rows of an array as f32 ------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_BLOCKSCORESROWS_H
#define SPARSE_ATTN_LIB_MASK_BLOCKSCORESROWS_H

#include "sparse_attn/NumericTypes.h"
#include "sparse_attn/Value.h"

#include <algorithm>
#include <cstdint>

namespace sparse_attn::mask {

/// The rows (length) of one head of an array [batch, heads, length, head size] of f32, f16 or bf16.
class HeadRows {
public:
  HeadRows(const Value &array, int64_t b, int64_t h)
      : length(array.size[2]), width(array.size[3]), type(static_cast<DType>(array.dtype)), rowStride(array.stride[2]),
        first(static_cast<const char *>(array.data) +
              (b * array.stride[0] + h * array.stride[1]) * elementBytes(static_cast<DType>(array.dtype))) {}

  /// Writes row `row` to `out`.
  void read(int64_t row, float *out) const {
    visit(row, [out](int64_t i, float element) { out[i] = element; });
  }

  /// Writes the mean of rows [begin, end) to `out`, times `factor`.
  void readMean(int64_t begin, int64_t end, float factor, float *out) const {
    std::fill_n(out, width, 0.0f);
    for (int64_t row = begin; row < end; ++row)
      visit(row, [out](int64_t i, float element) { out[i] += element; });
    for (int64_t i = 0; i < width; ++i)
      out[i] *= factor / static_cast<float>(end - begin);
  }

  const int64_t length;
  const int64_t width;

private:
  /// Calls body(i, element i of the row as f32). One loop for each type, so that the compiler sees which.
  template <typename Body> void visit(int64_t row, const Body &body) const {
    if (type == DType::F32) {
      const float *elements = reinterpret_cast<const float *>(first) + row * rowStride;
      for (int64_t i = 0; i < width; ++i)
        body(i, elements[i]);
      return;
    }
    const uint16_t *elements = reinterpret_cast<const uint16_t *>(first) + row * rowStride;
    if (type == DType::BF16)
      for (int64_t i = 0; i < width; ++i)
        body(i, bf16ToFloat(elements[i]));
    else
      for (int64_t i = 0; i < width; ++i)
        body(i, f16ToFloat(elements[i]));
  }

  const DType type;
  const int64_t rowStride;
  const char *const first;
};

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_BLOCKSCORESROWS_H
