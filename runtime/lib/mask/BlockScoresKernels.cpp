//===- BlockScoresKernels.cpp - The inner loops of block scores -----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/BlockScoresKernels.h"

#include "sparse_attn/CpuFeatures.h"
#include "sparse_attn/NumericTypes.h"

#include <algorithm>
#include <limits>

/// A body of a kernel, compiled anew into each of its callers with the caller's instructions.
#define SPARSE_ATTN_KERNEL_BODY __attribute__((always_inline)) inline

namespace sparse_attn::mask {

namespace {

/// At most `Rows` rows at a time, as many as the registers hold sums of.
template <int64_t Rows>
SPARSE_ATTN_KERNEL_BODY void multiply(const float *left, int64_t leftStride, const float *panel, int64_t depth,
                                      float *products, int64_t productStride) {
  float sums[Rows][panelRows] = {};
  // Rows unrolled and neighbours not, GCC makes vectors of the neighbours and keeps all sums in registers.
  for (int64_t c = 0; c < depth; ++c) {
#pragma GCC unroll 8
    for (int64_t r = 0; r < Rows; ++r)
#pragma GCC unroll 1
      for (int64_t j = 0; j < panelRows; ++j)
        sums[r][j] += left[r * leftStride + c] * panel[c * panelRows + j];
  }
  for (int64_t r = 0; r < Rows; ++r)
    for (int64_t j = 0; j < panelRows; ++j)
      products[r * productStride + j] = sums[r][j];
}

template <int64_t Rows>
SPARSE_ATTN_KERNEL_BODY void multiplyInSteps(const float *left, int64_t leftStride, const float *panel, int64_t depth,
                                             float *products, int64_t productStride) {
  static_assert(tileRows % Rows == 0);
  for (int64_t r = 0; r < tileRows; r += Rows)
    multiply<Rows>(left + r * leftStride, leftStride, panel, depth, products + r * productStride, productStride);
}

/// exp(x) = 2^n exp(f) with n = round(x / ln 2) and |f| <= ln 2 / 2, where seven terms of the series leave 1e-7.
SPARSE_ATTN_KERNEL_BODY float exponential(float x) {
  constexpr float inverseLn2 = 1.44269504f;
  // ln 2 in two parts, so that n times the first is exact.
  constexpr float ln2High = 0.693359375f;
  constexpr float ln2Low = -2.12194440e-4f;
  // Below, 2^n would leave the range of normal numbers. A NaN passes.
  x = x < -87.0f ? -87.0f : x;
  // The sum has units of 1 in its last place, so that adding rounds, and its low bits count n.
  constexpr float rounder = 12582912.0f; // 1.5 * 2^23
  float shifted = x * inverseLn2 + rounder;
  float n = shifted - rounder;
  float f = (x - n * ln2High) - n * ln2Low;
  float series = 1.0f / 720;
  series = series * f + 1.0f / 120;
  series = series * f + 1.0f / 24;
  series = series * f + 1.0f / 6;
  series = series * f + 0.5f;
  series = series * f + 1.0f;
  series = series * f + 1.0f;
  return series * floatOfBits((bitsOfFloat(shifted) + 127) << 23);
}

SPARSE_ATTN_KERNEL_BODY float maximumOf(const float *values, int64_t count) {
  // Lanes of their own, since a compiler may not reorder comparisons that a NaN could take part in.
  float lanes[panelRows];
  std::fill_n(lanes, panelRows, -std::numeric_limits<float>::infinity());
  int64_t i = 0;
  for (; i + panelRows <= count; i += panelRows)
    for (int64_t j = 0; j < panelRows; ++j)
      lanes[j] = values[i + j] > lanes[j] ? values[i + j] : lanes[j];
  for (; i < count; ++i)
    lanes[0] = values[i] > lanes[0] ? values[i] : lanes[0];
  return *std::max_element(lanes, lanes + panelRows);
}

SPARSE_ATTN_KERNEL_BODY void exponentiate(float *values, int64_t count) {
  float maximum = maximumOf(values, count);
  for (int64_t i = 0; i < count; ++i)
    values[i] = exponential(values[i] - maximum);
}

/// Defines the three kernels of a level; `rows` is what its registers hold.
#define SPARSE_ATTN_DEFINE_KERNELS(name, instructions, rows)                                                           \
  __attribute__((target(instructions))) void multiplyTile##name(const float *left, int64_t leftStride,                 \
                                                                const float *panel, int64_t depth, float *products,    \
                                                                int64_t productStride) {                               \
    multiplyInSteps<rows>(left, leftStride, panel, depth, products, productStride);                                    \
  }                                                                                                                    \
  __attribute__((target(instructions))) void multiplyRow##name(const float *left, const float *panel, int64_t depth,   \
                                                               float *products) {                                      \
    multiply<1>(left, 0, panel, depth, products, 0);                                                                   \
  }                                                                                                                    \
  __attribute__((target(instructions))) void exponentials##name(float *values, int64_t count) {                        \
    exponentiate(values, count);                                                                                       \
  }

SPARSE_ATTN_DEFINE_KERNELS(V4, "arch=x86-64-v4", 8)
SPARSE_ATTN_DEFINE_KERNELS(V3, "arch=x86-64-v3", 4)
SPARSE_ATTN_DEFINE_KERNELS(Baseline, "arch=x86-64", 4)

#undef SPARSE_ATTN_DEFINE_KERNELS

/// A level and the features that it takes.
struct Level {
  BlockScoreKernels kernels;
  std::vector<const char *> features;
};

std::vector<BlockScoreKernels> detect() {
  const Level levels[] = {{{"x86-64-v4", multiplyTileV4, multiplyRowV4, exponentialsV4},
                           {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx2", "fma", "f16c", "bmi",
                            "bmi2", "lzcnt", "movbe"}},
                          {{"x86-64-v3", multiplyTileV3, multiplyRowV3, exponentialsV3},
                           {"avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe"}},
                          {{"x86-64", multiplyTileBaseline, multiplyRowBaseline, exponentialsBaseline}, {}}};
  std::vector<BlockScoreKernels> usable;
  for (const Level &level : levels)
    if (std::all_of(level.features.begin(), level.features.end(),
                    [](const char *feature) { return hostCpuFeatures().count(feature) != 0; }))
      usable.push_back(level.kernels);
  return usable;
}

} // namespace

const std::vector<BlockScoreKernels> &blockScoreKernels() {
  static const std::vector<BlockScoreKernels> kernels = detect();
  return kernels;
}

} // namespace sparse_attn::mask
