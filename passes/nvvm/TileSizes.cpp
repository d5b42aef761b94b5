//===- TileSizes.cpp - Tile sizes of GPU kernels --------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/nvvm/TileSizes.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

namespace mlir::sparse_attn::nvvm {

/// Slabs of 64 columns; on Hopper of 32 where those suffice (HopperLayout.h).
int64_t getTileBytes(const Target &target, int64_t headSize, TileSizes tiles, int64_t stages) {
  int64_t columns = llvm::alignTo(headSize, target.family == Family::Hopper ? 32 : 64);
  return 2 * columns * (tiles.q + 2 * stages * tiles.k);
}

/// What a block needs in shared memory beside its tiles: the ranges of a schedule, barriers, the ring's key tiles.
static constexpr int64_t kReservedBytes = 2048;

/// cp.async fills one stage while the other operand is multiplied. TMA fills a ring: the more stages, the further the
/// producer may run ahead, and small heads leave room for four.
int64_t getStages(const Target &target, int64_t headSize, TileSizes tiles) {
  if (target.family == Family::Ampere)
    return 1;
  return headSize <= 64 && getTileBytes(target, headSize, tiles, 4) + kReservedBytes <= target.sharedBytes ? 4 : 2;
}

/// A warp owns 16 rows of queries: per thread, head / 2 registers of the accumulator, tile k / 2 of scores and, where
/// they are kept, head / 4 of queries. 8 warps leave 255 registers a thread, which at head size 128 hold 64 + 32 and
/// the addresses. Beyond 192, 4 warps keep queries, keys and values within the 99 KiB of sm_86.
static TileSizes chooseAmpere(int64_t headSize) {
  if (headSize <= 192)
    return {128, 64};
  return {64, 64};
}

/// Each consumer warpgroup owns 64 rows and has, with two of them, 232 registers a thread, with three 160: head / 2 for
/// the accumulator, tile k / 2 for scores, tile k / 4 for weights in flight, and addresses. Shared memory holds the
/// queries and two stages of keys and values in 227 KiB: 32 + 4 * 32 KiB at head size 128. Three consumers fit at head
/// size 64: 32 + 48 + 24 registers. With 128 keys they would, too, but for masks beyond causality, which then spill.
static TileSizes chooseHopper(int64_t headSize) {
  if (headSize <= 64)
    return {192, 96};
  if (headSize <= 128)
    return {128, 128};
  if (headSize <= 192)
    return {128, 96};
  return {128, 64};
}

/// The multiple of `block` that is nearest to, and no less than, `least`; or a divisor of a large block that is no more
/// than `tile`.
static int64_t fitToBlocks(int64_t tile, int64_t block, int64_t least) {
  if (block >= tile)
    return tile;
  return llvm::alignTo(least, block) <= static_cast<uint64_t>(tile)
             ? std::max(llvm::alignTo(least, block), uint64_t(block))
             : block;
}

/// Of a consumer on Hopper: accumulator, scores, weights in flight, and what else a loop needs. With more, ptxas gives
/// up the overlap of products and softmax, or the kernel.
static int64_t countRegisters(int64_t headSize, TileSizes tiles) {
  return static_cast<int64_t>(llvm::alignTo(headSize, 32)) / 2 + tiles.k / 2 + tiles.k / 4 + 32;
}

int64_t getRegisters(TileSizes tiles) {
  constexpr int64_t kOne = 240, kTwo = 232, kThree = 160;
  return tiles.q <= 64 ? kOne : tiles.q <= 128 ? kTwo : kThree;
}

SmallVector<TileSizes, 2> GpuTiling::choose(const TilingProblem &problem) const {
  bool hopper = target.family == Family::Hopper;
  TileSizes tiles = hopper ? chooseHopper(problem.headSize) : chooseAmpere(problem.headSize);
  if (problem.blockQ > 0) {
    // Blocks are powers of two as a rule, and tiles have to divide them or the other way round.
    TileSizes large{static_cast<int64_t>(llvm::bit_floor(static_cast<uint64_t>(tiles.q))),
                    static_cast<int64_t>(llvm::bit_floor(static_cast<uint64_t>(tiles.k)))};
    TileSizes small{fitToBlocks(large.q, problem.blockQ, 64), fitToBlocks(large.k, problem.blockK, 64)};
    return small == large ? SmallVector<TileSizes, 2>{large} : SmallVector<TileSizes, 2>{small, large};
  }
  return {{tiles.q, chooseKeyTile(problem, tiles, 16)}};
}

/// In clocks of a multiprocessor. The products of a tile are 4 q k d operations, at 4096 a clock on Hopper and 2048 on
/// Ampere; then come 16 exponentials a clock, and latencies of barriers and of chains through a row. Two groups of four
/// warps share a multiprocessor, and each hides half of what the other waits for. With latencies of 1024 this gives the
/// speeds that FlashAttention-3 publishes for an H100 (arXiv:2407.08608: 650 of 989 TFLOP/s at head size 128, half at
/// 64). A mask takes three operations a pair, 128 lanes a clock; an item loads and stores 16 bytes a clock.
TileCosts GpuTiling::estimate(const TilingProblem &problem, TileSizes tiles) const {
  constexpr double kExponentials = 16, kLatency = 1024, kGroups = 2, kMask = 3.0 / 128, kBytes = 16;
  double operations = target.family == Family::Hopper ? 4096 : 2048;
  double pairs = static_cast<double>(tiles.q * tiles.k), rows = static_cast<double>(tiles.q * problem.headSize);
  double full =
      4 * pairs * static_cast<double>(problem.headSize) / operations + (pairs / kExponentials + kLatency) / kGroups;
  return {2 * 2 * rows / kBytes + kLatency, full + kMask * pairs, full};
}

bool GpuTiling::supports(const TilingProblem &problem, TileSizes tiles, std::string &reason) const {
  bool hopper = target.family == Family::Hopper;
  auto refuse = [&](const std::string &message) {
    reason = message;
    return false;
  };
  if (!(problem.elementType.isF16() || problem.elementType.isBF16()))
    return refuse(target.chip + " expects arrays of f16 or bf16, but got others");
  if (problem.headSize < 16 || problem.headSize > 256 || problem.headSize % 16 != 0)
    return refuse(target.chip + " expects a head size that is a multiple of 16 in [16, 256], but got " +
                  std::to_string(problem.headSize));
  int64_t leastQ = hopper ? 64 : 16, mostQ = hopper ? 192 : 128, mostK = hopper ? 256 : 128;
  bool queries = tiles.q >= leastQ && tiles.q <= mostQ && tiles.q % leastQ == 0;
  bool keys = tiles.k >= 16 && tiles.k <= mostK && tiles.k % 16 == 0;
  if (!queries || !keys)
    return refuse(target.chip + " expects a query tile that is a multiple of " + std::to_string(leastQ) + " in [" +
                  std::to_string(leastQ) + ", " + std::to_string(mostQ) +
                  "] and a key tile that is a multiple of 16 in [16, " + std::to_string(mostK) + "], but got " +
                  std::to_string(tiles.q) + " and " + std::to_string(tiles.k));
  int64_t bytes =
      getTileBytes(target, problem.headSize, tiles, getStages(target, problem.headSize, tiles)) + kReservedBytes;
  if (bytes > target.sharedBytes)
    return refuse(target.chip + " expects tiles that fit into " + std::to_string(target.sharedBytes) +
                  " bytes of shared memory, but got tiles of " + std::to_string(tiles.q) + " queries and " +
                  std::to_string(tiles.k) + " keys, which need " + std::to_string(bytes));
  if (hopper)
    if (int64_t needed = countRegisters(problem.headSize, tiles), most = getRegisters(tiles); needed > most)
      return refuse(target.chip + " expects tiles that fit into " + std::to_string(most) +
                    " registers of a thread, but got tiles of " + std::to_string(tiles.q) + " queries and " +
                    std::to_string(tiles.k) + " keys, which need " + std::to_string(needed));
  return true;
}

} // namespace mlir::sparse_attn::nvvm
