//===- RectangleLoop.h - Loops that ask whole rectangles -------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_PROVE_RECTANGLELOOP_H
#define SPARSE_ATTN_PASSES_PROVE_RECTANGLELOOP_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include <optional>

namespace mlir::sparse_attn::prove {

/// `for i in [0, n)`: row i div columns, column i mod columns. Each result says whether some element (`ori`) or every
/// element (`andi`) of the rows and columns fulfils a condition.
struct RectangleLoop {
  struct Result {
    bool isUnion;
    Value condition;
  };

  scf::ForOp loop;
  arith::DivUIOp row;
  arith::RemUIOp column;
  SmallVector<Result> results;

  /// The loop as such a loop, if it is one.
  static std::optional<RectangleLoop> match(scf::ForOp loop);

  /// Does `value`, of the loop's body, depend on the result of `source`?
  bool dependsOn(Value value, Operation *source) const;
};

} // namespace mlir::sparse_attn::prove

#endif // SPARSE_ATTN_PASSES_PROVE_RECTANGLELOOP_H
