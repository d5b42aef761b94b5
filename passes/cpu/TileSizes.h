//===- TileSizes.h - Tile sizes of CPU kernels ------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_CPU_TILESIZES_H
#define SPARSE_ATTN_PASSES_CPU_TILESIZES_H

#include "passes/Tiling.h"

namespace mlir::sparse_attn::cpu {

class CpuTiling final : public Tiling {
public:
  SmallVector<TileSizes, 2> choose(const TilingProblem &problem) const override;
  TileCosts estimate(const TilingProblem &problem, TileSizes tiles) const override;
  bool supports(const TilingProblem &problem, TileSizes tiles, std::string &reason) const override;
};

} // namespace mlir::sparse_attn::cpu

#endif // SPARSE_ATTN_PASSES_CPU_TILESIZES_H
