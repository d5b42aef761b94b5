//===- PrintPatterns.cpp - Draw patterns as text --------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Whoever writes a pattern wants to see it. The picture comes from the emitted
// predicate, executed pair by pair, so it shows what kernels compute.
//
//===----------------------------------------------------------------------===//

#include "dialect/SparseAttn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Passes.h"
#include "passes/ScalarEvaluator.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::sparse_attn {
#define GEN_PASS_DEF_PRINTPATTERNS
#include "passes/Passes.h.inc"
} // namespace mlir::sparse_attn

using namespace mlir;
using namespace mlir::sparse_attn;

namespace {

/// What part of a pattern is drawn: the lengths, one batch and head, and the numbers that are captured.
struct Frame {
  int64_t rows, columns, batch, head;
  ArrayRef<int64_t> numbers;
};

/// What keeps a pattern from being drawn with these numbers; empty if nothing does.
std::string findObstacle(PatternOp pattern, ArrayRef<int64_t> numbers) {
  auto captures = pattern.getCaptures();
  if (!llvm::all_of(captures, [](BlockArgument capture) { return capture.getType().isIndex(); }))
    return "captures an array or a mask";
  if (captures.size() > numbers.size())
    return "needs " + std::to_string(captures.size()) + " captured numbers (numbers=...)";
  return "";
}

/// Prints the query rows, top down. `q` and `k` are the arguments of `block`, which computes `attends`.
LogicalResult drawRows(const Frame &frame, Block &block, Value attends, raw_ostream &stream) {
  ScalarEvaluator evaluator;
  for (int64_t row = 0; row < frame.rows; ++row) {
    std::string line;
    evaluator.set(block.getArgument(0), row + frame.columns - frame.rows);
    for (int64_t key = 0; key < frame.columns; ++key) {
      evaluator.set(block.getArgument(1), key);
      if (failed(evaluator.run(block)))
        return failure();
      line += evaluator.getInteger(attends)->isZero() ? '.' : '#';
    }
    stream << line << "\n";
  }
  return success();
}

LogicalResult drawPattern(PatternOp pattern, const Frame &frame, raw_ostream &stream) {
  Location loc = pattern.getLoc();
  PatternOpInterface root = pattern.getRoot();
  OpBuilder builder(pattern.getContext());
  Block block;
  block.addArguments({builder.getIndexType(), builder.getIndexType()}, {loc, loc});
  builder.setInsertionPointToEnd(&block);
  stream << "@" << pattern.getSymName() << ": ";
  if (std::string obstacle = findObstacle(pattern, frame.numbers); !obstacle.empty()) {
    stream << obstacle << "\n";
    return success();
  }
  stream << frame.rows << " queries, " << frame.columns << " keys";
  if (root.getDependence().batch)
    stream << ", batch " << frame.batch;
  if (root.getDependence().head)
    stream << ", head " << frame.head;
  stream << "\n";

  auto number = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(builder, loc, value); };
  SmallVector<Value> captures = llvm::map_to_vector(frame.numbers.take_front(pattern.getCaptures().size()), number);
  PatternScope scope(builder, loc, pattern, captures, number(frame.batch), number(frame.head), number(frame.rows),
                     number(frame.columns));
  Value attends = root.buildPredicate(builder, scope, block.getArgument(0), block.getArgument(1));
  // The terminator holds on to the result while ops are expanded, and is not executed.
  auto yield = YieldOp::create(builder, loc, attends);
  expandScalarOps(block);
  return drawRows(frame, block, yield.getOperand(0), stream);
}

struct PrintPatternsPass final : sparse_attn::impl::PrintPatternsBase<PrintPatternsPass> {
  using Base::Base;

  void runOnOperation() override {
    if (rows < 1 || columns < 1) {
      getOperation().emitError("expects one row and one column or more, but got ")
          << rows.getValue() << " and " << columns.getValue();
      return signalPassFailure();
    }
    SmallVector<int64_t> given(numbers.begin(), numbers.end());
    for (auto pattern : getOperation().getOps<PatternOp>())
      if (failed(drawPattern(pattern, {rows, columns, batch, head, given}, llvm::outs())))
        return signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
