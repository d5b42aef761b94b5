//===- Sample.h - The masks that are measured ----------------- -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_BENCH_MASK_SAMPLE_H
#define SPARSE_ATTN_BENCH_MASK_SAMPLE_H

#include "sparse_attn/BlockMask.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sparse_attn::bench {

/// A window, some global columns, and random blocks in every row.
struct MaskShape {
  std::string name;    ///< For instance "1M tokens".
  uint32_t blocks;     ///< Of a side.
  uint32_t window;     ///< Blocks in all.
  uint32_t global;     ///< The first so many key blocks.
  uint32_t randomKeys; ///< In every row, of all key blocks.

  BlockGrid grid() const { return {blocks, blocks, 16, 16}; }
  std::string description() const;
};

/// 16k tokens, window 128, 16 global, 1 % random; 100k, 256, 32, 0.5 %; 1M, 512, 64, 0.1 %.
const std::vector<MaskShape> &maskShapes();

/// The random blocks of a shape, and what follows from them.
class MaskSample {
public:
  explicit MaskSample(const MaskShape &shape);

  const MaskShape &shape() const { return form; }
  /// The random key blocks of row q, ascending.
  const std::vector<uint32_t> &randomKeys(uint32_t q) const { return lists[q]; }
  /// All key blocks of row q, ascending, into a vector whose memory is used again.
  void row(uint32_t q, std::vector<uint32_t> &keys) const;
  /// Rows in random order.
  const std::vector<uint32_t> &questions() const { return rows; }

  /// Built from the window and the global columns in closed form, and the random blocks as lists.
  BlockMask build(const FreezeOptions &options) const;

private:
  MaskShape form;
  std::vector<std::vector<uint32_t>> lists;
  std::vector<uint32_t> rows;
};

} // namespace sparse_attn::bench

#endif // SPARSE_ATTN_BENCH_MASK_SAMPLE_H
