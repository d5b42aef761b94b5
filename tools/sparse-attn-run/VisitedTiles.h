//===- VisitedTiles.h - Which tiles a plan visits -------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_RUN_VISITEDTILES_H
#define SPARSE_ATTN_RUN_VISITEDTILES_H

#include "support/Array.h"

#include "sparse_attn/Plan.h"

namespace sparse_attn::tools::run {

/// The tiles that the kernels of a plan visit, in their order: an i32 array [tiles, 5] of batch, head, query tile, key
/// tile, and 1 where the tile is visited without mask code. Steps follow one another.
/// Throws an InputError where the artifact cannot name its tiles.
Array visitedTiles(const Plan &plan);

} // namespace sparse_attn::tools::run

#endif // SPARSE_ATTN_RUN_VISITEDTILES_H
