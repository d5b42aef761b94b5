//===- FromArrays.h - Masks from NumPy arrays -----------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_MASK_FROMARRAYS_H
#define SPARSE_ATTN_MASK_FROMARRAYS_H

#include "Options.h"

#include "sparse_attn/BlockMask.h"

namespace sparse_attn::tools::mask {

/// A mask from the .npy files that `options.inputs` names: pairs, a matrix, compressed rows, or scores, as their
/// dtypes and shapes tell. Throws an InputError that names the file, or the option that is missing or does not fit.
BlockMask maskFromArrays(const Options &options);

} // namespace sparse_attn::tools::mask

#endif // SPARSE_ATTN_MASK_FROMARRAYS_H
