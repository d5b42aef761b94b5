//===- TileSizes.cpp - Tile sizes of GPU kernels --------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/nvvm/TileSizes.h"
#include "passes/nvvm/HopperLayout.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

namespace mlir::sparse_attn::nvvm {

/// Of a row of a tile: slabs of 64 columns; on Hopper of 32 where those suffice (HopperLayout.h).
static int64_t getRowBytes(const Target &target, int64_t headSize) {
  return static_cast<int64_t>(2 * llvm::alignTo(headSize, target.family == Family::Hopper ? 32 : 64));
}

int64_t getTileBytes(const Target &target, int64_t headSize, TileSizes tiles, int64_t stages) {
  return getRowBytes(target, headSize) * (tiles.q + 2 * stages * tiles.k);
}

/// What a block needs in shared memory beside its tiles: the ranges of a schedule, barriers, the ring's key tiles.
static constexpr int64_t kReservedBytes = 2048;

/// Of a consumer's thread on Hopper: accumulator, scores, weights in flight, and what else a loop needs. With more,
/// ptxas gives up the overlap of products and softmax, or the kernel.
static int64_t countRegisters(int64_t headSize, TileSizes tiles) {
  return static_cast<int64_t>(llvm::alignTo(headSize, 32)) / 2 + tiles.k / 2 + tiles.k / 4 + 32;
}

/// Threads get registers by eights. One thread of each warpgroup of a multiprocessor has 512 altogether: 40 + 2 * 232
/// of them, or 32 + 3 * 160, which leaves the producer just what a schedule needs. A single consumer has all that a
/// thread can address, less what ptxas keeps; with two blocks, 40 + 216 of 256.
RegisterShares shareRegisters(TileSizes tiles, int64_t blocks) {
  constexpr int64_t kOfWarpgroups = 64 * 1024 / 128, kMost = 240;
  int64_t consumers = tiles.q / kGroupRows, all = kOfWarpgroups / blocks;
  int64_t producer = consumers == 3 ? 32 : 40;
  return {producer, std::min((all - producer) / consumers / 8 * 8, kMost)};
}

/// Consumers of one block overlap the products of one with the softmax of another; a single consumer has nobody to
/// overlap with but another block. Two blocks share 228 KiB, 1 KiB of each being the GPU's: with 64 queries and 64 keys
/// at head size 128, each takes 16 + 4 * 16 KiB of 113. Their consumers have 216 registers a thread, of which these
/// tiles want 64 + 32 + 16 and what else a loop needs.
int64_t getBlocksPerMultiprocessor(const Target &target, int64_t headSize, TileSizes tiles) {
  if (target.family == Family::Ampere || tiles.q > kGroupRows)
    return 1;
  constexpr int64_t kTwo = 2, kLeastStages = 2;
  bool sharedFits = getTileBytes(target, headSize, tiles, kLeastStages) + kReservedBytes <= target.getSharedBytes(kTwo);
  return sharedFits && countRegisters(headSize, tiles) <= shareRegisters(tiles, kTwo).consumer ? kTwo : 1;
}

/// Shared memory that is left for tiles, in bytes.
static int64_t getRoom(const Target &target, int64_t headSize, TileSizes tiles) {
  return target.getSharedBytes(getBlocksPerMultiprocessor(target, headSize, tiles)) - kReservedBytes;
}

/// cp.async fills one stage while the other operand is multiplied. TMA fills a ring: the more stages, the further the
/// producer may run ahead, and small heads leave room for four.
int64_t getStages(const Target &target, int64_t headSize, TileSizes tiles) {
  if (target.family == Family::Ampere)
    return 1;
  return headSize <= 64 && getTileBytes(target, headSize, tiles, 4) <= getRoom(target, headSize, tiles) ? 4 : 2;
}

/// 32 KiB beside 160 for 128 queries and 128 keys at head size 128. At head size 192, 48 beside 192 are too much.
bool hasOutputPlace(const Target &target, int64_t headSize, TileSizes tiles) {
  int64_t bytes = getTileBytes(target, headSize, tiles, getStages(target, headSize, tiles));
  return bytes + getRowBytes(target, headSize) * tiles.q <= getRoom(target, headSize, tiles);
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
/// Blocks of masks are powers of two as a rule, and tiles have to divide them or the other way round: so are theirs.
static TileSizes chooseHopper(int64_t headSize, bool isForBlocks) {
  if (headSize <= 64 && !isForBlocks)
    return {192, 96};
  if (headSize <= 128)
    return {128, 128};
  if (headSize <= 192 && !isForBlocks)
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

/// The least queries and keys of the tiles of block masks.
static constexpr int64_t kLeast = 64;

/// A second block on the multiprocessor is worth more than long tiles of keys.
static TileSizes makeRoom(const Target &target, int64_t headSize, TileSizes tiles) {
  TileSizes half{tiles.q, tiles.k / 2};
  bool gainsBlock =
      getBlocksPerMultiprocessor(target, headSize, half) > getBlocksPerMultiprocessor(target, headSize, tiles);
  return gainsBlock && tiles.k % (2 * kLeast) == 0 ? half : tiles;
}

SmallVector<TileSizes, 2> GpuTiling::choose(const TilingProblem &problem) const {
  bool hopper = target.family == Family::Hopper, isForBlocks = problem.blockQ > 0;
  TileSizes tiles = hopper ? chooseHopper(problem.headSize, isForBlocks) : chooseAmpere(problem.headSize);
  if (isForBlocks) {
    TileSizes small =
        makeRoom(target, problem.headSize,
                 {fitToBlocks(tiles.q, problem.blockQ, kLeast), fitToBlocks(tiles.k, problem.blockK, kLeast)});
    return small == tiles ? SmallVector<TileSizes, 2>{tiles} : SmallVector<TileSizes, 2>{small, tiles};
  }
  return {{tiles.q, chooseKeyTile(problem, tiles, 16)}};
}

/// In clocks of a multiprocessor. The products of a tile are 4 q k d operations, at 4096 a clock on Hopper and 2048 on
/// Ampere; then come 16 exponentials a clock, and latencies of barriers and of chains through a row. Groups of four
/// warps that share a multiprocessor hide what the others wait for. With latencies of 1024 this gives the speeds that
/// FlashAttention-3 publishes for an H100 (arXiv:2407.08608: 650 of 989 TFLOP/s at head size 128, half at 64). A mask
/// takes three operations a pair, 128 lanes a clock; an item loads and stores 16 bytes a clock.
TileCosts GpuTiling::estimate(const TilingProblem &problem, TileSizes tiles) const {
  constexpr double kExponentials = 16, kLatency = 1024, kMask = 3.0 / 128, kBytes = 16;
  bool hopper = target.family == Family::Hopper;
  int64_t blocks = getBlocksPerMultiprocessor(target, problem.headSize, tiles);
  double operations = hopper ? 4096 : 2048;
  double groups = hopper ? static_cast<double>(blocks * tiles.q / kGroupRows) : 2;
  double pairs = static_cast<double>(tiles.q * tiles.k), rows = static_cast<double>(tiles.q * problem.headSize);
  double full =
      4 * pairs * static_cast<double>(problem.headSize) / operations + (pairs / kExponentials + kLatency) / groups;
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
    if (int64_t needed = countRegisters(problem.headSize, tiles), most = shareRegisters(tiles, 1).consumer;
        needed > most)
      return refuse(target.chip + " expects tiles that fit into " + std::to_string(most) +
                    " registers of a thread, but got tiles of " + std::to_string(tiles.q) + " queries and " +
                    std::to_string(tiles.k) + " keys, which need " + std::to_string(needed));
  return true;
}

} // namespace mlir::sparse_attn::nvvm
