//===- FromPattern.h - The blocks that a pattern reads --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_MASK_FROMPATTERN_H
#define SPARSE_ATTN_MASK_FROMPATTERN_H

#include "Options.h"

#include "sparse_attn/BlockMask.h"

#include <string>
#include <vector>

namespace sparse_attn::tools::mask {

/// What the kernel of a pattern does with each block, for one batch and head.
struct PatternBlocks {
  std::string title;  ///< The pattern, where it comes from, and the lengths.
  BlockMask read;     ///< Blocks that are visited.
  BlockMask partial;  ///< Those of them where mask code runs.
  bool overestimated; ///< The listing of blocks stopped early: more are visited than need be.
};

/// The options that only patterns have.
extern const std::vector<const char *> patternOptions;

/// Whether a file holds patterns, by its name.
bool isPatternFile(const std::string &path);

/// Compiles (unless it is an artifact) and plans the pattern that `options.inputs` names, for blocks of
/// `options.block`. No queries, keys and values are needed. Throws an InputError.
PatternBlocks findPatternBlocks(const Options &options);

} // namespace sparse_attn::tools::mask

#endif // SPARSE_ATTN_MASK_FROMPATTERN_H
