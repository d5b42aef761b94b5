//===- BlockScoresPanels.h - Matrices in panels of rows -------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_BLOCKSCORESPANELS_H
#define SPARSE_ATTN_LIB_MASK_BLOCKSCORESPANELS_H

#include "mask/Array.h"
#include "mask/BlockScoresKernels.h"

#include <algorithm>

namespace sparse_attn::mask {

/// Rows that are multiplied with a panel before the next one is fetched: enough to hide the fetching.
constexpr int64_t stripeRows = 64;

/// A matrix as panels of `panelRows` rows, undefined until cleared. Different panels may be written by different
/// threads. Throws std::bad_alloc.
class Panels {
public:
  /// Panels that hold `rows` rows.
  static int64_t countOf(int64_t rows) { return (rows + panelRows - 1) / panelRows; }

  Panels(int64_t count, int64_t depth) : depth(depth), elements(static_cast<size_t>(count * panelRows * depth)) {}

  /// Sets panel `index` to 0.
  void clear(int64_t index) { std::fill_n(elements.data() + index * panelRows * depth, panelRows * depth, 0.0f); }
  /// Writes elements [begin, begin + count) of row `row`.
  void write(int64_t row, int64_t begin, const float *values, int64_t count) {
    float *element = elements.data() + row / panelRows * panelRows * depth + begin * panelRows + row % panelRows;
    for (int64_t c = 0; c < count; ++c)
      element[c * panelRows] = values[c];
  }
  const float *panel(int64_t index) const { return elements.data() + index * panelRows * depth; }

  /// Multiplies `rows` rows, which lie end to end, with panels [first, first + count): products[r * count * panelRows
  /// + j] is the product of row r and row j of those panels.
  void multiply(const float *left, int64_t rows, int64_t first, int64_t count, float *products) const {
    const BlockScoreKernels &kernels = blockScoreKernels().front();
    int64_t stride = count * panelRows;
    for (int64_t p = 0; p < count; ++p) {
      int64_t r = 0;
      for (; r + tileRows <= rows; r += tileRows)
        kernels.multiplyTile(left + r * depth, depth, panel(first + p), depth, products + r * stride + p * panelRows,
                             stride);
      for (; r < rows; ++r)
        kernels.multiplyRow(left + r * depth, panel(first + p), depth, products + r * stride + p * panelRows);
    }
  }

private:
  int64_t depth;
  Array<float> elements;
};

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_BLOCKSCORESPANELS_H
