//===- TileSizes.h - Tile sizes of CPU kernels ------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_CPU_TILESIZES_H
#define SPARSE_ATTN_PASSES_CPU_TILESIZES_H

#include <cstdint>
#include <string>

namespace mlir::sparse_attn::cpu {

/// Queries and keys of one tile.
struct TileSizes {
  int64_t q, k;
};

/// The tile sizes for a pattern whose strides have step `modulus` (1: none), and whose masks have blocks of `blockQ` x
/// `blockK` or larger (0: none).
TileSizes chooseTileSizes(int64_t modulus, int64_t blockQ, int64_t blockK);

/// Can kernels be made for these sizes? If not, `reason` says what they must be.
bool areTileSizesSupported(TileSizes tiles, std::string &reason);

} // namespace mlir::sparse_attn::cpu

#endif // SPARSE_ATTN_PASSES_CPU_TILESIZES_H
