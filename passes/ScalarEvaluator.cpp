//===- ScalarEvaluator.cpp - Execute scalar IR on constants ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/ScalarEvaluator.h"
#include "dialect/SparseAttn.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::sparse_attn;

void mlir::sparse_attn::expandScalarOps(Block &block) {
  SmallVector<RandomRankOp> ranks;
  block.walk([&](RandomRankOp rank) { ranks.push_back(rank); });
  for (RandomRankOp rank : ranks) {
    OpBuilder builder(rank);
    rank.getResult().replaceAllUsesWith(rank.expand(builder));
    rank.erase();
  }
}

std::optional<APInt> ScalarEvaluator::getInteger(Value value) const {
  if (auto integer = dyn_cast_or_null<IntegerAttr>(get(value)))
    return integer.getValue();
  return std::nullopt;
}

LogicalResult ScalarEvaluator::run(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(evaluate(op)))
      return failure();
  return success();
}

static LogicalResult fail(Operation &op) {
  return mlir::emitError(op.getLoc()) << "expects ops that fold on constants, but got '" << op.getName() << "'";
}

namespace {

/// The control flow that the dialect's expansions are written with.
class RegionRunner {
public:
  explicit RegionRunner(ScalarEvaluator &evaluator) : evaluator(evaluator) {}

  LogicalResult run(scf::IfOp branch);
  LogicalResult run(scf::ForOp loop);
  LogicalResult run(scf::WhileOp loop);

private:
  SmallVector<Attribute> gather(ValueRange values) {
    return llvm::map_to_vector(values, [&](Value value) { return evaluator.get(value); });
  }
  void bind(ValueRange values, ArrayRef<Attribute> constants) {
    for (auto [value, constant] : llvm::zip_equal(values, constants))
      evaluator.set(value, constant);
  }
  /// Runs a block; the constants of its terminator's operands.
  FailureOr<SmallVector<Attribute>> runBlock(Block &block) {
    if (failed(evaluator.run(block)))
      return failure();
    return gather(block.getTerminator()->getOperands());
  }

  ScalarEvaluator &evaluator;
};

LogicalResult RegionRunner::run(scf::IfOp branch) {
  std::optional<APInt> condition = evaluator.getInteger(branch.getCondition());
  if (!condition)
    return fail(*branch);
  Region &taken = condition->isZero() ? branch.getElseRegion() : branch.getThenRegion();
  if (taken.empty())
    return success();
  FailureOr<SmallVector<Attribute>> results = runBlock(taken.front());
  if (succeeded(results))
    bind(branch.getResults(), *results);
  return results;
}

LogicalResult RegionRunner::run(scf::ForOp loop) {
  std::optional<APInt> low = evaluator.getInteger(loop.getLowerBound());
  std::optional<APInt> high = evaluator.getInteger(loop.getUpperBound());
  std::optional<APInt> step = evaluator.getInteger(loop.getStep());
  if (!low || !high || !step || !step->isStrictlyPositive())
    return fail(*loop);
  SmallVector<Attribute> state = gather(loop.getInitArgs());
  for (APInt i = *low; loop.getUnsignedCmp() ? i.ult(*high) : i.slt(*high); i += *step) {
    evaluator.set(loop.getInductionVar(), IntegerAttr::get(loop.getInductionVar().getType(), i));
    bind(loop.getRegionIterArgs(), state);
    FailureOr<SmallVector<Attribute>> next = runBlock(*loop.getBody());
    if (failed(next))
      return failure();
    state = std::move(*next);
  }
  bind(loop.getResults(), state);
  return success();
}

LogicalResult RegionRunner::run(scf::WhileOp loop) {
  SmallVector<Attribute> state = gather(loop.getInits());
  while (true) {
    bind(loop.getBeforeArguments(), state);
    if (failed(evaluator.run(*loop.getBeforeBody())))
      return failure();
    std::optional<APInt> more = evaluator.getInteger(loop.getConditionOp().getCondition());
    if (!more)
      return fail(*loop);
    SmallVector<Attribute> forwarded = gather(loop.getConditionOp().getArgs());
    if (more->isZero()) {
      bind(loop.getResults(), forwarded);
      return success();
    }
    bind(loop.getAfterArguments(), forwarded);
    FailureOr<SmallVector<Attribute>> next = runBlock(*loop.getAfterBody());
    if (failed(next))
      return failure();
    state = std::move(*next);
  }
}

} // namespace

LogicalResult ScalarEvaluator::evaluate(Operation &op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case<scf::IfOp, scf::ForOp, scf::WhileOp>([&](auto flow) { return RegionRunner(*this).run(flow); })
      .Default([&](Operation *) { return fold(op); });
}

/// A folder may also rewrite its op, guided by constants that hold for one run only; so a copy is folded.
LogicalResult ScalarEvaluator::fold(Operation &op) {
  SmallVector<Attribute> operands = llvm::map_to_vector(op.getOperands(), [&](Value value) { return get(value); });
  OwningOpRef<Operation *> copy(op.clone());
  SmallVector<OpFoldResult> results;
  if (failed(copy.get()->fold(operands, results)) || results.size() != op.getNumResults())
    return fail(op);
  for (auto [value, result] : llvm::zip_equal(op.getResults(), results)) {
    auto constant = dyn_cast<Attribute>(result);
    constants[value] = constant ? constant : get(cast<Value>(result));
    if (!constants[value])
      return fail(op);
  }
  return success();
}
