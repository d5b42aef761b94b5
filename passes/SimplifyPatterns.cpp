//===- SimplifyPatterns.cpp - Normalise the algebra of patterns -----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every band of a pattern costs a range in the schedule, and every term of its
// predicate costs instructions per score. This pass folds terms that add
// nothing, so that no later stage needs a special case for them.
//
//===----------------------------------------------------------------------===//

#include "dialect/SparseAttn.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"

namespace mlir::sparse_attn {
#define GEN_PASS_DEF_SIMPLIFYPATTERNS
#include "passes/Passes.h.inc"
} // namespace mlir::sparse_attn

using namespace mlir;
using namespace mlir::sparse_attn;

namespace {

struct SimplifyPatternsPass final : sparse_attn::impl::SimplifyPatternsBase<SimplifyPatternsPass> {
  using Base::Base;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    for (RegisteredOperationName op : getContext().getRegisteredOperations())
      op.getCanonicalizationPatterns(patterns, &getContext());
    FrozenRewritePatternSet frozen(std::move(patterns));
    for (auto pattern : getOperation().getOps<PatternOp>())
      if (failed(applyPatternsGreedily(pattern.getBody(), frozen)))
        return signalPassFailure();
  }
};

} // namespace
