//===- TopK.h - The blocks worth reading, by score ------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns a score for every pair of blocks into a mask: in each row the best k
// blocks, or as many as carry a share of the attention. Scores come from
// BlockScores.h or from anywhere else, for instance the upper bounds that Quest
// (Tang et al., arXiv:2406.10774) has from the extremes of each block of keys.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_TOPK_H
#define SPARSE_ATTN_TOPK_H

#include "sparse_attn/BlockMask.h"
#include "sparse_attn/BlockScores.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace sparse_attn {

/// Which blocks a row keeps. First those that are kept whatever they score, then others, best first, until one of the
/// two limits is reached; at least one of them must be given. Among equal scores the first block is the better one. A
/// block that scores -inf is not kept for its score.
struct TopKOptions {
  /// So many blocks, those kept whatever they score included.
  std::optional<int64_t> count;
  /// The fewest blocks whose softmax, over the scores of the row, adds up to this share or more, in (0, 1].
  std::optional<double> mass;
  int64_t keepSinks = 0; ///< The first n blocks of keys, which every query attends to (StreamingLLM, arXiv:2309.17453).
  int64_t keepDiagonal = 0; ///< The last n blocks of keys up to that of the row's last query.
  bool causal = false;      ///< Blocks wholly after the last query are never kept, nor part of the softmax.
  /// So many successive query heads share one mask; divides the heads. Their score is then the mean of their softmaxes.
  int64_t headsPerMask = 1;
  bool batchesShare = false; ///< All batches share their masks, in the same way.
  FreezeOptions freeze;      ///< How the masks are kept.
};

/// Masks [batch, query heads / headsPerMask], or [1, ...] where batches share.
struct TopKMasks {
  int64_t batches = 0;
  int64_t masksPerBatch = 0;
  int64_t headsPerMask = 1;
  std::vector<BlockMask> masks;

  /// The mask of query head `h` of batch `b`.
  const BlockMask &mask(int64_t b, int64_t h) const {
    return masks[static_cast<size_t>((batches == 1 ? 0 : b) * masksPerBatch + h / headsPerMask)];
  }
};

/// Selects from `scores`, an f32 array [batch, query heads, query blocks, key blocks] whose innermost stride is 1; its
/// last two sizes are those of `blocks`.
///
/// O(n) for a row of n blocks with `count` alone, else O(n + m log n) where m are kept. Uses `threadCount()` threads,
/// and the masks do not depend on their number. Thread-safe.
///
/// Errors: InvalidArgument for a score that is NaN or +inf, naming one (scores that `causal` rules out are not
/// looked at), for options out of range, and for an array that is no such array; ShapeMismatch where its sizes are not
/// those of `blocks`; and as `BlockMaskBuilder::freeze`. Throws std::bad_alloc.
SPARSE_ATTN_EXPORT Result<TopKMasks> selectTopK(const Value &scores, const SequenceBlocks &blocks,
                                                const TopKOptions &options);

/// The same for scores of `scoreBlocks`.
inline Result<TopKMasks> selectTopK(const BlockScores &scores, const TopKOptions &options) {
  return selectTopK(scores.value(), scores.blocks, options);
}

} // namespace sparse_attn

#endif // SPARSE_ATTN_TOPK_H
