//===- RoaringStore.h - Masks in Roaring bitmaps --------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_ROARINGSTORE_H
#define SPARSE_ATTN_LIB_MASK_ROARINGSTORE_H

#include "mask/MaskStore.h"
#include "mask/PackedStore.h"

#include <memory>

namespace sparse_attn::mask {

/// All pairs of `store`, terms included, one bitmap a slab.
std::shared_ptr<const MaskStore> toRoaring(const MaskStore &store, int32_t threads);

/// Combines two stores of bitmaps of one grid, slab by slab.
std::shared_ptr<const MaskStore> combineRoaring(const MaskStore &a, const MaskStore &b, SetOperation operation);

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_ROARINGSTORE_H
