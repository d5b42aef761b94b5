//===- FromScores.h - Masks from scores of block pairs --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_MASK_FROMSCORES_H
#define SPARSE_ATTN_MASK_FROMSCORES_H

#include "Options.h"

#include "sparse_attn/BlockMask.h"
#include "sparse_attn/Value.h"

#include <optional>
#include <string>
#include <vector>

namespace sparse_attn::tools::mask {

/// The options that only scores have.
extern const std::vector<const char *> scoreOptions;

/// The type of scores whose NumPy dtype is `descriptor`; nothing where no scores are of it.
std::optional<DType> scoreType(const std::string &descriptor);

/// The mask that `options.topK` selects for one batch and head of the scores in a .npy file, an array
/// [query blocks, key blocks] with batches and heads, or heads alone, in front. Throws an InputError.
BlockMask maskFromScores(const std::string &path, DType dtype, const Options &options);

} // namespace sparse_attn::tools::mask

#endif // SPARSE_ATTN_MASK_FROMSCORES_H
