//===- RectangleLoop.cpp - Loops that ask each element of a rectangle -----===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/prove/RectangleLoop.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::sparse_attn::prove;

/// `state or condition`, `state and condition`.
static std::optional<RectangleLoop::Result> matchResult(Value yielded, Value state) {
  Operation *op = yielded.getDefiningOp();
  if (!isa_and_nonnull<arith::OrIOp, arith::AndIOp>(op) || !state.getType().isInteger(1) || !state.hasOneUse())
    return std::nullopt;
  bool isFirst = op->getOperand(0) == state;
  if (!isFirst && op->getOperand(1) != state)
    return std::nullopt;
  return RectangleLoop::Result{isa<arith::OrIOp>(op), op->getOperand(isFirst ? 1 : 0)};
}

std::optional<RectangleLoop> RectangleLoop::match(scf::ForOp loop) {
  RectangleLoop result;
  result.loop = loop;
  if (!matchPattern(loop.getLowerBound(), m_Zero()) || !matchPattern(loop.getStep(), m_One()))
    return std::nullopt;
  for (Operation *user : loop.getInductionVar().getUsers()) {
    if (auto row = dyn_cast<arith::DivUIOp>(user); row && !result.row)
      result.row = row;
    else if (auto column = dyn_cast<arith::RemUIOp>(user); column && !result.column)
      result.column = column;
    else
      return std::nullopt;
  }
  if (!result.row || !result.column || result.row.getRhs() != result.column.getRhs() ||
      result.row.getLhs() != loop.getInductionVar() || result.column.getLhs() != loop.getInductionVar() ||
      !loop.isDefinedOutsideOfLoop(result.row.getRhs()))
    return std::nullopt;
  for (auto [yielded, state] : llvm::zip_equal(loop.getYieldedValues(), loop.getRegionIterArgs())) {
    std::optional<Result> part = matchResult(yielded, state);
    if (!part)
      return std::nullopt;
    result.results.push_back(*part);
  }
  return result;
}

bool RectangleLoop::dependsOn(Value value, Operation *source) const {
  Operation *op = value.getDefiningOp(), *parent = loop;
  if (!op || op->getParentOp() != parent)
    return false;
  return op == source || llvm::any_of(op->getOperands(), [&](Value operand) { return dependsOn(operand, source); });
}
