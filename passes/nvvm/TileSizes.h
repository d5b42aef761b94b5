//===- TileSizes.h - Tile sizes of GPU kernels ------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_NVVM_TILESIZES_H
#define SPARSE_ATTN_PASSES_NVVM_TILESIZES_H

#include "passes/Tiling.h"
#include "passes/nvvm/Target.h"

namespace mlir::sparse_attn::nvvm {

class GpuTiling final : public Tiling {
public:
  explicit GpuTiling(Target target) : target(std::move(target)) {}

  SmallVector<TileSizes, 2> choose(const TilingProblem &problem) const override;
  TileCosts estimate(const TilingProblem &problem, TileSizes tiles) const override;
  bool supports(const TilingProblem &problem, TileSizes tiles, std::string &reason) const override;

private:
  Target target;
};

/// Bytes of shared memory that the tiles of a kernel take: queries, and `stages` of keys and of values, in slabs of
/// whole columns.
int64_t getTileBytes(const Target &target, int64_t headSize, TileSizes tiles, int64_t stages);

/// Blocks that a multiprocessor has at a time: those that a persistent kernel starts there.
int64_t getBlocksPerMultiprocessor(const Target &target, int64_t headSize, TileSizes tiles);

/// Registers of a thread of the producer and of a consumer on Hopper.
struct RegisterShares {
  int64_t producer, consumer;
};

/// How the 64 Ki registers of a multiprocessor are shared out among that many blocks: the producer keeps what it needs,
/// the consumers get the rest.
RegisterShares shareRegisters(TileSizes tiles, int64_t blocks);

/// Stages of the ring of keys and values.
int64_t getStages(const Target &target, int64_t headSize, TileSizes tiles);

/// Does the output get a place of its own in shared memory on Hopper, so that the next queries need not wait for its
/// store? Else it takes that of the queries.
bool hasOutputPlace(const Target &target, int64_t headSize, TileSizes tiles);

} // namespace mlir::sparse_attn::nvvm

#endif // SPARSE_ATTN_PASSES_NVVM_TILESIZES_H
