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
/// A tile that is larger than the blocks of a pattern computes what the pattern leaves out, so there are tiles no
/// larger than the blocks, too.
SmallVector<TileSizes, 2> CpuTiling::choose(const TilingProblem &problem) const {
  TileSizes tiles{64, 64};
  if (problem.blockQ > 0 && (problem.blockQ < tiles.q || problem.blockK < tiles.k))
    return {{std::min(tiles.q, problem.blockQ), std::min(tiles.k, problem.blockK)}, tiles};
  return {{tiles.q, chooseKeyTile(problem, tiles, 8)}};
}

/// In multiply-adds. Measured with masks of 16x16 blocks at 4,096 tokens on one core of a Zen 5 (--time, --tile-q and
/// --tile-k of `sparse-attn-run`): a pair costs 1.4 (f32) to 1.8 (bf16) times as much in tiles of 16 queries as in
/// tiles of 64, and 1.1 to 1.3 times in tiles of 32, whatever the number of keys. So a key costs its queries and 16
/// more. A mask takes a fifth of a tile, and the queries and outputs of an item as much as 12 keys.
TileCosts CpuTiling::estimate(const TilingProblem &problem, TileSizes tiles) const {
  double full = static_cast<double>(tiles.k * problem.headSize * (tiles.q + 16));
  return {static_cast<double>(12 * tiles.q * problem.headSize), 1.2 * full, full};
}

bool CpuTiling::supports(const TilingProblem &problem, TileSizes tiles, std::string &reason) const {
  Type element = problem.elementType;
  if (problem.headSize < 16 || problem.headSize > 256 || problem.headSize % 16 != 0 ||
      !(element.isF32() || element.isF16() || element.isBF16())) {
    reason = "expects arrays of f32, f16 or bf16 with a head size that is a multiple of 16 in [16, 256]";
    return false;
  }
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
