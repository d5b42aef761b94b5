//===- ScalarEvaluator.h - Execute scalar IR on constants -------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Patterns and schedules answer questions by emitting IR about positions. Tools
// and tests that want the answer for some position, now, run that IR here: ops
// through their own folders, loops and branches by hand.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_SCALAREVALUATOR_H
#define SPARSE_ATTN_PASSES_SCALAREVALUATOR_H

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>

namespace mlir::sparse_attn {

/// Replaces scalar ops of the dialect under `block` by the arithmetic that they stand for, so that the rest folds.
void expandScalarOps(Block &block);

/// Executes blocks whose ops fold on constant operands (arith, math), and `scf.if`, `scf.for` and `scf.while` over such
/// ops. One evaluator can run one block many times, for new values of its arguments; the IR is left as it is.
///
///   ScalarEvaluator evaluator;
///   evaluator.set(block.getArgument(0), 7);            // an argument of type index
///   if (failed(evaluator.run(block)))                  // all but the terminator
///     return failure();                                // the error names the op
///   bool attends = !evaluator.getInteger(result)->isZero();
///
/// A loop that does not end is not noticed.
class ScalarEvaluator {
public:
  /// Fixes a value; `constant` is the attribute that an `arith.constant` of the type would have.
  void set(Value value, Attribute constant) { constants[value] = constant; }
  /// Fixes a value of type index.
  void set(Value value, int64_t constant) { set(value, Builder(value.getContext()).getIndexAttr(constant)); }

  /// Executes all ops of `block` but its terminator. Values from outside the block must have been set or computed.
  /// Fails, with an error at the op, where an op does not fold (a read of an array, a division by zero).
  LogicalResult run(Block &block);

  /// The constant that a value has by now; null where it has none.
  Attribute get(Value value) const { return constants.lookup(value); }
  /// The same for an integer, an index or an i1; none where it has no such constant.
  std::optional<APInt> getInteger(Value value) const;

private:
  LogicalResult evaluate(Operation &op);
  LogicalResult fold(Operation &op);

  llvm::DenseMap<Value, Attribute> constants;
};

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_PASSES_SCALAREVALUATOR_H
