//===- TopKRow.h - The blocks that one row keeps --------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_TOPKROW_H
#define SPARSE_ATTN_LIB_MASK_TOPKROW_H

#include "sparse_attn/TopK.h"

#include <cstdint>
#include <vector>

namespace sparse_attn::mask {

/// Selects rows one after another, in memory that is used again. Belongs to one thread.
class TopKRow {
public:
  explicit TopKRow(const TopKOptions &options) : options(options) {}

  /// Starts a row of `blocks` blocks.
  void start(int64_t blocks);
  /// Adds the scores of one head. Returns the index of one that is NaN or +inf, after which the row is lost, or -1.
  int64_t add(const float *scores);
  /// Writes the blocks that are kept to `kept`, ascending; those of [diagonalFirst, diagonalPast) whatever they score.
  void select(int64_t diagonalFirst, int64_t diagonalPast, std::vector<uint32_t> &kept);

private:
  /// The score in the upper half, so that larger means better; the complement of the block in the lower half, so that
  /// among equal scores the first block is the largest.
  using Candidate = uint64_t;

  void addSoftmax(const float *scores);
  /// Keeps [first, past), whose scores no longer matter.
  void keepAlways(int64_t first, int64_t past, std::vector<uint32_t> &kept);
  /// Keep the best blocks that are not kept yet: `count` of them, or fewer where there are fewer or the mass is
  /// reached.
  void keepBest(size_t count, std::vector<uint32_t> &kept);
  void keepToMass(size_t count, std::vector<uint32_t> &kept);
  /// Keeps the `count` >= 1 best candidates, the last of them at the end; or all where they are fewer.
  void cutToBest(size_t count);

  const TopKOptions &options;
  int64_t heads = 0;          ///< That were added.
  std::vector<float> order;   ///< What blocks are compared by; -inf for those that no score can keep, or that are kept.
  std::vector<double> masses; ///< Sums of the heads' softmaxes; empty where nobody asks.
  std::vector<double> exponentials;
  std::vector<Candidate> candidates;
};

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_TOPKROW_H
