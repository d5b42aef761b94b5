//===- ContentHash.h - What tells masks apart -----------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_CONTENTHASH_H
#define SPARSE_ATTN_LIB_MASK_CONTENTHASH_H

#include "mask/MaskStore.h"

namespace sparse_attn::mask {

/// See BlockMask::contentHash.
ContentHash hashContent(const MaskStore &store);

/// Whether the pairs of two masks of one grid are the same.
bool equalContent(const MaskStore &a, const MaskStore &b);

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_CONTENTHASH_H
