//===- TileSizes.cpp - Tile sizes of CPU kernels --------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/TileSizes.h"
#include <algorithm>

namespace mlir::sparse_attn::cpu {

/// 64 queries fill the four 512-bit registers a row of the register tile has (16 lanes each), and with 64 keys the
/// transposed queries, scores and accumulator take (2 d + 64) * 64 * 4 bytes: 48 KiB at d = 64. Larger tiles leave the
/// first-level cache and skip less; smaller ones pay more for the softmax state.
///
/// A tile that is larger than the blocks of a mask computes what the mask leaves out. With 5 % of blocks of 16x16
/// chosen at random, tiles of 16x16 take a seventh of the time of 64x64, although they run at half the speed.
TileSizes chooseTileSizes(int64_t modulus, int64_t blockQ, int64_t blockK) {
  TileSizes tiles{64, 64};
  if (blockQ > 0)
    return {std::min(tiles.q, blockQ), std::min(tiles.k, blockK)};
  if (modulus < tiles.q + tiles.k)
    return tiles;
  // Strided tiles repeat every modulus / k tiles, so k has to divide the step.
  for (int64_t k = tiles.k; k >= 16; k -= 8)
    if (modulus % k == 0)
      return {tiles.q, k};
  return tiles;
}

bool areTileSizesSupported(TileSizes tiles, std::string &reason) {
  bool queries = tiles.q >= 16 && tiles.q <= 256 && tiles.q % 16 == 0;
  bool keys = tiles.k >= 8 && tiles.k <= 512 && tiles.k % 8 == 0;
  if (queries && keys)
    return true;
  reason = "expects a query tile that is a multiple of 16 in [16, 256] and a key tile that is a multiple of 8 in "
           "[8, 512], but got " +
           std::to_string(tiles.q) + " and " + std::to_string(tiles.k);
  return false;
}

} // namespace mlir::sparse_attn::cpu
