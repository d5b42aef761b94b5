//===- Reference.cpp - Dense masked attention, to compare with ------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/Reference.h"

#include "Threads.h"
#include "sparse_attn/Device.h"

#include <cmath>
#include <limits>
#include <vector>

namespace sparse_attn {

FloatView makeFloatView(const float *data, const std::array<int64_t, 4> &size) {
  return {data, size, {size[1] * size[2] * size[3], size[2] * size[3], size[3], 1}};
}

double referenceRow(const FloatView &query, const FloatView &key, const FloatView &value, double scale,
                    const uint8_t *attends, int64_t b, int64_t h, int64_t row, double *output,
                    const ScoreFunction &score, double *rowMaximum) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  int64_t keys = key.size[2];
  int64_t keyHead = h / (query.size[1] / key.size[1]);

  std::vector<double> scores(keys, -infinity);
  for (int64_t k = 0; k < keys; ++k) {
    if (!attends[k])
      continue;
    double product = 0.0;
    for (int64_t d = 0; d < query.size[3]; ++d)
      product += query.at(b, h, row, d) * key.at(b, keyHead, k, d);
    scores[k] = scale * product;
  }
  if (score)
    score(b, h, row, scores.data());
  double maximum = -infinity;
  for (int64_t k = 0; k < keys; ++k) {
    if (!attends[k])
      scores[k] = -infinity;
    if (scores[k] > maximum)
      maximum = scores[k];
  }
  if (rowMaximum)
    *rowMaximum = maximum;

  for (int64_t d = 0; d < value.size[3]; ++d)
    output[d] = 0.0;
  double sum = 0.0;
  bool any = false;
  for (int64_t k = 0; k < keys; ++k) {
    if (scores[k] == -infinity)
      continue;
    any = true;
    double weight = std::exp(scores[k] - maximum);
    sum += weight;
    for (int64_t d = 0; d < value.size[3]; ++d)
      output[d] += weight * value.at(b, keyHead, k, d);
  }
  if (!any)
    return -infinity;
  for (int64_t d = 0; d < value.size[3]; ++d)
    output[d] /= sum;
  return maximum + std::log(sum);
}

void referenceAttention(const FloatView &query, const FloatView &key, const FloatView &value, double scale,
                        const MaskFunction &mask, double *output, double *lse, const ScoreFunction &score) {
  int64_t heads = query.size[1];
  int64_t length = query.size[2];
  int64_t rows = query.size[0] * heads * length;
  parallelChunks(rows, 1, threadCount(), [&](int32_t, int64_t begin, int64_t) {
    int64_t b = begin / length / heads;
    int64_t h = begin / length % heads;
    int64_t row = begin % length;
    std::vector<uint8_t> attends(key.size[2]);
    mask(b, h, row, attends.data());
    double rowLse =
        referenceRow(query, key, value, scale, attends.data(), b, h, row, output + begin * value.size[3], score);
    if (lse)
      lse[begin] = rowLse;
  });
}

} // namespace sparse_attn
