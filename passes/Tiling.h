//===- Tiling.h - What a target says about tile sizes -----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A schedule is made for one size of tiles, and only the target knows which
// sizes its registers and memories like. This is all that the passes before a
// target ask of it.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_TILING_H
#define SPARSE_ATTN_PASSES_TILING_H

#include "dialect/Pattern.h"
#include "mlir/IR/Types.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <memory>
#include <string>

namespace mlir::sparse_attn {

/// Queries and keys of one tile.
struct TileSizes {
  int64_t q = 0, k = 0;

  bool operator==(TileSizes other) const { return q == other.q && k == other.k; }
};

/// What tile sizes depend on.
struct TilingProblem {
  int64_t headSize = 0;
  Type elementType;
  /// The step of the pattern's strides; 1: none.
  int64_t modulus = 1;
  /// The smallest of the blocks that the pattern is made of; 0: none.
  int64_t blockQ = 0, blockK = 0;
  /// The pattern's columns of the longest period.
  Columns columns = {};
};

/// What a kernel's work costs, in a unit of the target's own: costs of one target and one problem compare.
struct TileCosts {
  double item = 0; ///< A work item, without its key tiles.
  double partial = 0, full = 0;
};

/// A target, as far as tile sizes go. Pure functions of what they are given.
class Tiling {
public:
  virtual ~Tiling();

  /// The best sizes for a problem that the target supports. Of patterns made of small blocks, small tiles skip more and
  /// large ones run faster: then there are two, and `prepare` takes those that cost less for the tiles it has counted.
  virtual SmallVector<TileSizes, 2> choose(const TilingProblem &problem) const = 0;
  /// What tiles of these sizes cost.
  virtual TileCosts estimate(const TilingProblem &problem, TileSizes tiles) const = 0;
  /// Can the target make kernels of these sizes? If not, `reason` says what it can make.
  virtual bool supports(const TilingProblem &problem, TileSizes tiles, std::string &reason) const = 0;

protected:
  /// The key tile for patterns that pick keys by their residue, of those up to `tiles.k` that are multiples of `step`:
  /// the largest that divides the modulus of strides, the one with which columns cost least; else `tiles.k`.
  int64_t chooseKeyTile(const TilingProblem &problem, TileSizes tiles, int64_t step) const;
};

/// The tiling of "cpu" or of a GPU by its chip ("sm_80", ...). Fails with a message that names the targets there are.
FailureOr<std::unique_ptr<Tiling>> getTiling(StringRef target, std::string &message);

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_PASSES_TILING_H
