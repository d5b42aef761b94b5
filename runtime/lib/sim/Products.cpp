//===- Products.cpp - Products of small matrices --------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/Products.h"

#include "sparse_attn/CpuFeatures.h"
#include "sparse_attn/NumericTypes.h"

#include <immintrin.h>

/// A body of a function, compiled anew into each of its callers with the caller's instructions.
#define SPARSE_ATTN_KERNEL_BODY __attribute__((always_inline)) inline

namespace sparse_attn::sim {

namespace {

SPARSE_ATTN_KERNEL_BODY void widenBfloat16(const uint16_t *from, float *to, size_t count) {
  for (size_t i = 0; i < count; ++i)
    to[i] = bf16ToFloat(from[i]);
}

/// 8 rows and 8 columns of the result at a time, whose sums stay in registers.
SPARSE_ATTN_KERNEL_BODY void multiplyAddTiles(const float *a, const float *b, float *c, size_t rows, size_t columns) {
  for (size_t row = 0; row < rows; row += 8)
    for (size_t column = 0; column < columns; column += 8) {
      float sums[8][8] = {};
      for (size_t k = 0; k < Products::depth; ++k) {
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; ++i)
#pragma GCC unroll 1
          for (size_t j = 0; j < 8; ++j)
            sums[i][j] += a[(row + i) * Products::depth + k] * b[k * columns + column + j];
      }
      for (size_t i = 0; i < 8; ++i)
        for (size_t j = 0; j < 8; ++j)
          c[(row + i) * columns + column + j] += sums[i][j];
    }
}

void widenBaseline(const uint16_t *from, float *to, size_t count, bool bfloat16) {
  if (bfloat16)
    return widenBfloat16(from, to, count);
  for (size_t i = 0; i < count; ++i)
    to[i] = f16ToFloat(from[i]);
}

void multiplyAddBaseline(const float *a, const float *b, float *c, size_t rows, size_t columns) {
  multiplyAddTiles(a, b, c, rows, columns);
}

#define SPARSE_ATTN_V3 __attribute__((target("avx2,fma,f16c")))

SPARSE_ATTN_V3 void widenV3(const uint16_t *from, float *to, size_t count, bool bfloat16) {
  if (bfloat16)
    return widenBfloat16(from, to, count);
  // Not found by compilers in plain loops.
  for (size_t i = 0; i < count; i += 8)
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i *>(from + i))));
}

SPARSE_ATTN_V3 void multiplyAddV3(const float *a, const float *b, float *c, size_t rows, size_t columns) {
  multiplyAddTiles(a, b, c, rows, columns);
}

Products choose() {
  const CpuFeatures &features = hostCpuFeatures();
  bool v3 = features.count("avx2") != 0 && features.count("fma") != 0 && features.count("f16c") != 0;
  return v3 ? Products{widenV3, multiplyAddV3} : Products{widenBaseline, multiplyAddBaseline};
}

} // namespace

const Products &products() {
  static const Products chosen = choose();
  return chosen;
}

} // namespace sparse_attn::sim
