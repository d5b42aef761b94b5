//===- SlabBuilder.h - From rows to slabs ---------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_SLABBUILDER_H
#define SPARSE_ATTN_LIB_MASK_SLABBUILDER_H

#include "mask/MaskStore.h"
#include "mask/RowProducer.h"

#include <vector>

namespace sparse_attn::mask {

/// Consecutive key blocks of a row are stored as a run from this length on: a run takes the memory of two keys.
constexpr uint32_t shortestRun = 4;

/// The slabs of all rows that `source` makes, less what the terms of `termsOnly` hold, a store without slabs. Equal
/// sets and terms give equal slabs. Threads share the rows.
std::vector<Slab> buildSlabs(const MaskStore &termsOnly, const RowSource &source, int32_t threads);

/// Slabs of valid rows in the form that `buildSlabs` gives them: without pairs of the terms of `termsOnly`, consecutive
/// keys as runs. Quick where they are so already. Slabs ascend as in MaskStore; they may be empty.
std::vector<Slab> canonicalSlabs(const MaskStore &termsOnly, std::vector<Slab> slabs, int32_t threads);

/// Pairs in `slabs`.
uint64_t countPairs(const std::vector<Slab> &slabs);

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_SLABBUILDER_H
