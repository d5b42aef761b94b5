//===- SlabTranspose.h - The transpose of a slab --------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_SLABTRANSPOSE_H
#define SPARSE_ATTN_LIB_MASK_SLABTRANSPOSE_H

#include "mask/MaskStore.h"

namespace sparse_attn::mask {

/// The transpose of a slab of `rows` x `keys` blocks. Its rows have runs only or keys only; what is consecutive among
/// keys is not yet a run.
Slab transposeSlab(const Slab &slab, uint32_t rows, uint32_t keys, int32_t threads);

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_SLABTRANSPOSE_H
