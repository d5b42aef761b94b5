//===- Reference.h - Dense masked attention, to compare with --*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What every kernel is compared with: the plainest loops there are, in double
// precision, with the mask a callback. It shares no code with the kernels.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_REFERENCE_H
#define SPARSE_ATTN_REFERENCE_H

#include "sparse_attn/Export.h"

#include <array>
#include <cstdint>
#include <functional>

namespace sparse_attn {

/// A float array [batch, heads, length, head size] of the caller; strides in elements.
struct FloatView {
  const float *data = nullptr;
  std::array<int64_t, 4> size{};
  std::array<int64_t, 4> stride{};

  double at(int64_t b, int64_t h, int64_t s, int64_t d) const {
    return data[b * stride[0] + h * stride[1] + s * stride[2] + d * stride[3]];
  }
};

/// A contiguous view.
SPARSE_ATTN_EXPORT FloatView makeFloatView(const float *data, const std::array<int64_t, 4> &size);

/// Sets attends[k], for every key k, to 1 where query row `row` (0-based, not aligned) of batch b and query head h
/// attends to key k, and to 0 elsewhere. Called from several threads at a time.
using MaskFunction = std::function<void(int64_t b, int64_t h, int64_t row, uint8_t *attends)>;

/// Makes new scores, in place, of the scores (scale times product) of query row `row` with every key. Called from
/// several threads at a time.
using ScoreFunction = std::function<void(int64_t b, int64_t h, int64_t row, double *scores)>;

/// Computes one row: `output` receives [head size of value] numbers, and `maximum`, unless it is null, the greatest
/// score; the return value is the log-sum-exp.
///
/// `score`, unless it is null, is asked before the mask. Query head h reads key head h / (query heads / key heads). A
/// score of -inf does not attend. A row that attends to
/// nothing yields 0 and -inf. NaN and +inf of pairs that attend propagate as IEEE arithmetic has it.
SPARSE_ATTN_EXPORT double referenceRow(const FloatView &query, const FloatView &key, const FloatView &value,
                                       double scale, const uint8_t *attends, int64_t b, int64_t h, int64_t row,
                                       double *output, const ScoreFunction &score = nullptr, double *maximum = nullptr);

/// Computes all rows: `output` receives [batch, query heads, query length, head size of value] numbers and `lse`,
/// unless it is null, [batch, query heads, query length], both contiguous. The views must agree as sparse-attn
/// demands.
SPARSE_ATTN_EXPORT void referenceAttention(const FloatView &query, const FloatView &key, const FloatView &value,
                                           double scale, const MaskFunction &mask, double *output, double *lse,
                                           const ScoreFunction &score = nullptr);

} // namespace sparse_attn

#endif // SPARSE_ATTN_REFERENCE_H
