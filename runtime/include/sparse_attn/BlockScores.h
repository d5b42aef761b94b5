//===- BlockScores.h - How much a block of keys matters -------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dynamic sparsity guesses, from the queries and keys themselves, which blocks
// of keys a block of queries attends to, at a fraction of the cost of the
// attention. This header has two such guesses; TopK.h turns scores, these or a
// caller's own, into a mask.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_BLOCKSCORES_H
#define SPARSE_ATTN_BLOCKSCORES_H

#include "sparse_attn/BlockMask.h"
#include "sparse_attn/Status.h"
#include "sparse_attn/Value.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace sparse_attn {

/// Two sequences cut into blocks; the last block of each may be shorter. Row i of the queries is at position
/// i + keyLength - queryLength: positions align at the ends.
struct SequenceBlocks {
  int64_t queryLength = 0;
  int64_t keyLength = 0;
  int64_t queryBlockSize = 128;
  int64_t keyBlockSize = 128;

  int64_t queryBlocks() const { return blocksOf(queryLength, queryBlockSize); }
  int64_t keyBlocks() const { return blocksOf(keyLength, keyBlockSize); }
  /// The sizes of a mask over these blocks; only where `check` succeeds.
  SPARSE_ATTN_EXPORT BlockGrid grid() const;
  /// How many key blocks, from the first on, hold a key that is not after the last query of query block `index`.
  SPARSE_ATTN_EXPORT int64_t visibleKeyBlocks(int64_t index) const;
  /// Errors: InvalidArgument for a negative length, and as `BlockGrid::check`.
  SPARSE_ATTN_EXPORT Status check() const;

private:
  static int64_t blocksOf(int64_t length, int64_t size) { return length / size + (length % size != 0 ? 1 : 0); }
};

enum class BlockScoreMethod {
  /// The product of the means of both blocks,
  ///
  ///   score(Q, K) = scale * mean of q[i] over i in Q * mean of k[j] over j in K,
  ///
  /// which is the mean of the scores of all their pairs. With `causal`, a block on the diagonal counts whole. Costs one
  /// product for a pair of blocks and one pass over queries and keys. Block-sparse heads of MInference (Jiang et al.,
  /// arXiv:2407.02490) are chosen so. Sharp peaks within a block average out.
  MeanPooling,
  /// The attention that the antidiagonals of S x S squares of pairs carry (XAttention: Xu et al., arXiv:2503.16428). An
  /// antidiagonal crosses every vertical and every slanted line that passes its square, so that no such line is missed.
  /// With groups of S = `stride` successive rows, of which group i of the queries has n = min(S, Sq - i S),
  ///
  ///   a(i, j) = scale * mean over r < p of q[i S + n - 1 - r] * k[j S + r],
  ///   score(Q, K) = log of the mean over groups i in Q of the sum over groups j in K of softmax_j a(i, j).
  ///
  /// p is n, or less where that would pass the last key or, with `causal`, look at a key after its query; a group of
  /// keys with p = 0 is left out of the softmax, and a group of queries without any is left out of the mean. So the
  /// exponentials of a row of scores add up to 1. (The paper pads with zeros and takes squares on the diagonal whole;
  /// where neither happens the scores are the logarithms of the paper's sums, up to a constant of the row.)
  ///
  /// Costs 1 / S of the products of dense attention.
  Antidiagonal,
};

struct BlockScoreOptions {
  BlockScoreMethod method = BlockScoreMethod::MeanPooling;
  int64_t queryBlockSize = 128;
  int64_t keyBlockSize = 128;
  int64_t stride = 16;         ///< Of `Antidiagonal`; divides both block sizes.
  std::optional<double> scale; ///< 1 / sqrt(head size) unless given.
  bool causal = false;         ///< A block of keys wholly after its block of queries scores -inf.
};

/// Scores of all pairs of blocks, and what was cut into blocks.
struct BlockScores {
  SequenceBlocks blocks;
  Shape shape; ///< [batch, query heads, query blocks, key blocks].
  std::vector<float> scores;

  /// A view that is valid as long as `scores` stays as it is.
  Value value() const { return makeArray(scores.data(), DType::F32, shape); }
};

/// Scores each block of `query` against each block of `key`: arrays [batch, heads, length, head size] of one type, f32,
/// f16 or bf16, whose innermost stride is 1. Query head h reads key head h / (query heads / key heads). Sums are in
/// f32.
///
/// A block of keys that nothing in the block of queries may attend to scores -inf. Elements that are not finite give
/// scores that are not finite, or NaN, wherever they are looked at.
///
/// Uses `threadCount()` threads, and beside the result f32 copies of the pooled arrays or (`Antidiagonal`) of one key
/// head. The scores do not depend on the number of threads; their last bits may depend on the CPU. Thread-safe.
///
/// Errors: InvalidArgument for an array that is no such array, for sizes that `SequenceBlocks::check`
/// refuses, for a stride that does not divide both block sizes, a scale that is not finite; ShapeMismatch where the
/// arrays disagree or sizes overflow. Throws std::bad_alloc.
SPARSE_ATTN_EXPORT Result<BlockScores> scoreBlocks(const Value &query, const Value &key,
                                                   const BlockScoreOptions &options);

} // namespace sparse_attn

#endif // SPARSE_ATTN_BLOCKSCORES_H
