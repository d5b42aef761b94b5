//===- BlockScoresKernels.h - The inner loops of block scores --*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both methods of scoring are products of two matrices, of a few rows on the
// left with all rows on the right. The right one is kept in panels, so that one
// element of the left one meets 16 neighbours at a time. The loops are plain;
// the compiler makes vectors of them, once for each level of CPU.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_BLOCKSCORESKERNELS_H
#define SPARSE_ATTN_LIB_MASK_BLOCKSCORESKERNELS_H

#include "sparse_attn/Export.h"

#include <cstdint>
#include <vector>

namespace sparse_attn::mask {

/// Rows of the right matrix that lie interleaved: panel p holds element c of row p * panelRows + j at
/// panel[c * panelRows + j]; rows past the last one are 0.
constexpr int64_t panelRows = 16;

/// Rows of the left matrix that are multiplied at a time.
constexpr int64_t tileRows = 8;

/// The loops of one level of CPU. All give the same sums for any number of threads, and each adds in ascending order.
struct BlockScoreKernels {
  const char *level;
  /// products[r * productStride + j] = sum over c < depth of left[r * leftStride + c] * panel[c * panelRows + j], for
  /// r < tileRows and j < panelRows.
  void (*multiplyTile)(const float *left, int64_t leftStride, const float *panel, int64_t depth, float *products,
                       int64_t productStride);
  /// The same for one row.
  void (*multiplyRow)(const float *left, const float *panel, int64_t depth, float *products);
  /// Replaces each value x by exp(x - maximum of all), to a relative error of 1e-6; never 0, but at least 1e-38. NaN
  /// stays NaN, and without a finite maximum all is NaN.
  void (*exponentials)(float *values, int64_t count);
};

/// Those that this CPU runs, fastest first. The last one runs everywhere.
SPARSE_ATTN_EXPORT const std::vector<BlockScoreKernels> &blockScoreKernels();

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_BLOCKSCORESKERNELS_H
