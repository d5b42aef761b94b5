//===- HeavyHitters.h - The blocks that keep being read -------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// While a model writes, few tokens draw most of the attention, and they stay
// the same for long. H2O (Zhang et al., "H2O: Heavy-Hitter Oracle for Efficient
// Generative Inference of Large Language Models", arXiv:2306.14048) adds up the
// attention that every token receives and keeps the heaviest ones beside the
// most recent. Here this is done for blocks, with a decay that lets old
// attention fade.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_HEAVYHITTERS_H
#define SPARSE_ATTN_HEAVYHITTERS_H

#include "sparse_attn/BlockMaskBuilder.h"
#include "sparse_attn/TopK.h"
#include "sparse_attn/Value.h"

#include <cstdint>
#include <vector>

namespace sparse_attn {

struct HeavyHitterOptions {
  int64_t heads = 1;
  int64_t keyBlockSize = 16; ///< In tokens.
  double decay = 1.0;        ///< Every addition multiplies what was there by this; in (0, 1]. 1 is H2O.
};

/// What `HeavyHitters::topBlocks` keeps, for queries at the end of the keys.
struct HeavyHitterSelection {
  int64_t count = 0;           ///< Blocks of a row, those kept whatever their mass included.
  int64_t keepSinks = 0;       ///< The first n blocks.
  int64_t keepRecent = 1;      ///< The last n blocks up to that of the row's last query.
  bool headsShare = false;     ///< One mask by the sum over all heads, instead of one mask for each head.
  int64_t keyLength = 0;       ///< Keys at the time.
  int64_t queryLength = 1;     ///< Queries, the last of which is at the position of the last key.
  int64_t queryBlockSize = 16; ///< Of the mask.
  FreezeOptions freeze;        ///< How the masks are kept.
};

/// The attention that each block of keys has received, head by head. Const members may be called by several threads at
/// a time; while another member runs, none may. Members may throw std::bad_alloc.
class SPARSE_ATTN_EXPORT HeavyHitters {
public:
  /// Errors: InvalidArgument for heads below 1, a block size outside [1, 65536], a decay outside (0, 1].
  static Result<HeavyHitters> make(const HeavyHitterOptions &options);

  const HeavyHitterOptions &options() const { return settings; }

  /// mass = decay * mass + `added`, an f32 array [heads, key blocks] with an innermost stride of 1: the attention of
  /// one step (a token, a chunk) summed over its queries. The number of blocks may differ from call to call; blocks
  /// that the array does not reach get nothing. O(heads * blocks).
  ///
  /// Errors: InvalidArgument for an array that is no such array, and for a mass that is NaN, negative or infinite,
  /// naming it; ShapeMismatch where the heads differ or blocks are more than `BlockGrid::maxBlocks`. Then nothing is
  /// changed.
  Status addBlockMass(const Value &added);
  /// The same from sums over the columns of attention weights: an f32 array [heads, keys].
  Status addKeyMass(const Value &added);

  /// The masses of these blocks become 0, for all heads: they hold other keys now. Blocks without any mass are ignored.
  /// Errors: InvalidArgument for a null list that has blocks.
  Status forget(BlockList blocks);

  /// 0 for a block, or a head, that there is not.
  double mass(int64_t head, int64_t block) const;

  /// The blocks to keep: of equal mass the first. Every row has the same heavy hitters; rows differ where `keepRecent`
  /// does, and in blocks that are wholly after their queries, which are not kept. Masks are [1, heads] or [1, 1];
  /// `TopKMasks::mask(0, h)` is that of head h.
  ///
  /// Errors: InvalidArgument for numbers out of range, and as `selectTopK`.
  Result<TopKMasks> topBlocks(const HeavyHitterSelection &selection) const;

private:
  explicit HeavyHitters(const HeavyHitterOptions &options)
      : settings(options), masses(static_cast<size_t>(options.heads)) {}
  /// Adds an array of which `keysOfBlock` successive elements go to one block.
  Status add(const Value &added, int64_t keysOfBlock);

  HeavyHitterOptions settings;
  std::vector<std::vector<double>> masses; ///< By head and block.
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_HEAVYHITTERS_H
