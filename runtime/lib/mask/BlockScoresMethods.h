//===- BlockScoresMethods.h - The ways to score blocks --------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_BLOCKSCORESMETHODS_H
#define SPARSE_ATTN_LIB_MASK_BLOCKSCORESMETHODS_H

#include "sparse_attn/BlockScores.h"

namespace sparse_attn::mask {

/// A call of `scoreBlocks` whose arguments have been checked.
struct ScoreProblem {
  const Value &query;
  const Value &key;
  SequenceBlocks blocks;
  int64_t stride;
  float scale;
  bool causal;
  float *scores; ///< [batch, query heads, query blocks, key blocks], contiguous.

  int64_t batch() const { return query.size[0]; }
  int64_t queryHeads() const { return query.size[1]; }
  int64_t keyHeads() const { return key.size[1]; }
  int64_t headSize() const { return query.size[3]; }
  /// Query heads that read one key head.
  int64_t groupSize() const { return queryHeads() / keyHeads(); }
  /// The scores of query block `index`.
  float *row(int64_t b, int64_t h, int64_t index) const {
    return scores + ((b * queryHeads() + h) * blocks.queryBlocks() + index) * blocks.keyBlocks();
  }
};

void scoreByMeans(const ScoreProblem &problem);
void scoreByAntidiagonals(const ScoreProblem &problem);

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_BLOCKSCORESMETHODS_H
