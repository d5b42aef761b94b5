//===- Tiling.cpp - What a target says about tile sizes -------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/Tiling.h"
#include "passes/cpu/TileSizes.h"
#include "passes/nvvm/TileSizes.h"
#include <limits>

using namespace mlir;
using namespace mlir::sparse_attn;

Tiling::~Tiling() = default;

FailureOr<std::unique_ptr<Tiling>> mlir::sparse_attn::getTiling(StringRef target, std::string &message) {
  if (target == "cpu")
    return std::unique_ptr<Tiling>(std::make_unique<cpu::CpuTiling>());
  FailureOr<nvvm::Target> gpu = nvvm::getTarget(target, message);
  if (failed(gpu)) {
    message = "expects target cpu, " + nvvm::listChips() + ", but got '" + target.str() + "'";
    return failure();
  }
  return std::unique_ptr<Tiling>(std::make_unique<nvvm::GpuTiling>(*gpu));
}

/// Smaller tiles than this cost more than what they skip.
static constexpr int64_t kLeastKeyTile = 16;

/// The largest key tile that divides `modulus`: strided tiles repeat every modulus / tile tiles. 0 where there is none.
static int64_t findDivisor(int64_t modulus, int64_t most, int64_t step) {
  for (int64_t k = most; k >= kLeastKeyTile; k -= step)
    if (modulus % k == 0)
      return k;
  return 0;
}

int64_t Tiling::chooseKeyTile(const TilingProblem &problem, TileSizes tiles, int64_t step) const {
  if (problem.modulus >= tiles.q + tiles.k) {
    int64_t divisor = findDivisor(problem.modulus, tiles.k, step);
    return divisor ? divisor : tiles.k;
  }
  if (problem.columns.holdAll())
    return tiles.k;
  int64_t best = tiles.k;
  double least = std::numeric_limits<double>::infinity();
  for (int64_t k = tiles.k; k >= kLeastKeyTile; k -= step) {
    std::optional<Columns::Tiles> found = problem.columns.findTiles(k);
    if (!found)
      continue;
    double share = found->all ? 1 : static_cast<double>(found->some.size()) / static_cast<double>(found->repeat);
    double cost = share * estimate(problem, {tiles.q, k}).partial / static_cast<double>(k);
    if (cost < least) {
      least = cost;
      best = k;
    }
  }
  return best;
}
