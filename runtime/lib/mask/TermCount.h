//===- TermCount.h - How many pairs terms hold ----------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_TERMCOUNT_H
#define SPARSE_ATTN_LIB_MASK_TERMCOUNT_H

#include "mask/MaskStore.h"

namespace sparse_attn::mask {

/// Pairs in the terms of `store`, each counted once. O(terms^2), or a pass over the rows where that is less or where
/// terms have steps.
uint64_t countTermPairs(const MaskStore &store, int32_t threads);

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_TERMCOUNT_H
