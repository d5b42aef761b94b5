//===- RoaringDecoder.h - From Roaring bitmaps to slabs -------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_ROARINGDECODER_H
#define SPARSE_ATTN_LIB_MASK_ROARINGDECODER_H

#include "mask/MaskStore.h"
#include "mask/RoaringValidator.h"

#include <cstdint>

namespace sparse_attn::mask {

/// The slab at (queryFirst, keyFirst) that consists of `content`, whose bytes still exist, as `buildSlabs` would make
/// it. `rows` is the number of its query blocks, above every row of `content`. O(rows + pairs in arrays + bytes of the
/// bitmap). Throws std::bad_alloc.
Slab decodeSlab(const RoaringContent &content, uint32_t queryFirst, uint32_t keyFirst, uint32_t rows);

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_ROARINGDECODER_H
