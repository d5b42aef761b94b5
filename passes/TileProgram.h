//===- TileProgram.h - What all tile programs have in common ----*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_TILEPROGRAM_H
#define SPARSE_ATTN_PASSES_TILEPROGRAM_H

#include "dialect/ResidueClass.h"
#include "dialect/SparseAttn.h"
#include "mlir/IR/IRMapping.h"
#include <optional>

namespace mlir::sparse_attn {

/// Writes the body of a kernel: here the scores of a tile, and which of its pairs attend.
class TileProgramBuilder {
protected:
  /// `score` is null where scores stay as they are.
  TileProgramBuilder(PatternOp pattern, ScoreOp score, KernelOp kernel)
      : pattern(pattern), score(score), kernel(kernel), builder(OpBuilder::atBlockEnd(&kernel.getBody().front())),
        loc(kernel.getLoc()) {}

  TileType tile(ArrayRef<int64_t> shape, Type elementType) { return TileType::get(shape, elementType); }
  Value buildKeyHead();
  /// Emits what the score region finds the same for all pairs of an item, such as the slope of a head.
  void buildUniformPart();
  Value buildScoreMod(Value scores, Value queryTile, Value keyTile);
  Value buildMask(Value scores, Value partial, Value queryTile, Value keyTile, const PatternScope &scope);
  /// The place in the whole array of a row's position among those of the residue class.
  Value buildPosition(Value position);
  auto getPatternCaptures() { return kernel.getCaptures().take_front(pattern.getCaptures().size()); }

  PatternOp pattern;
  ScoreOp score;
  KernelOp kernel;
  OpBuilder builder;
  Location loc;
  Value queryLength, keyLength; // that the pattern sees
  Value queries, keys;          // of the rows that tiles are of
  std::optional<ResidueClass> residue;

private:
  IRMapping scoreMap; // what stands for values of `score` that are the same for all pairs
};

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_PASSES_TILEPROGRAM_H
