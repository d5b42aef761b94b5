//===- RunSweep.h - The transpose of runs ---------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_RUNSWEEP_H
#define SPARSE_ATTN_LIB_MASK_RUNSWEEP_H

#include "mask/MaskStore.h"

namespace sparse_attn::mask {

/// Makes the pairs of `slab`, of `rows` x `keys` blocks, the transposed runs of `result`; single pairs are runs of one.
/// O(keys + differences between successive rows).
void sweepRuns(const Slab &slab, uint32_t rows, uint32_t keys, Slab &result);

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_RUNSWEEP_H
