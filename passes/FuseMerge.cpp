//===- FuseMerge.cpp - Partial results are gone on from -------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// To merge results after they were computed would take an output each, and read
// and write them all once more. The state of the online softmax already is a
// partial result: an attention that starts from one merges as it goes.
//
//===----------------------------------------------------------------------===//

#include "dialect/SparseAttn.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Passes.h"

namespace mlir::sparse_attn {
#define GEN_PASS_DEF_FUSEMERGE
#include "passes/Passes.h.inc"
} // namespace mlir::sparse_attn

using namespace mlir;
using namespace mlir::sparse_attn;

namespace {

/// A partial result: an output and its log-sum-exp; null where there is none.
struct Partial {
  Value output, lse;
};

/// The attention op whose two results are this one, if nobody else uses them and it can go on from another.
AttentionOp findAttention(Partial partial) {
  auto attention = partial.output.getDefiningOp<AttentionOp>();
  if (!attention || partial.lse != attention.getLse() || attention.getPartialOutput() || !partial.output.hasOneUse() ||
      !partial.lse.hasOneUse())
    return {};
  return attention;
}

LogicalResult fuse(MergeOp merge) {
  SmallVector<AttentionOp> attentions;
  Partial partial;
  for (auto [output, lse] : llvm::zip_equal(merge.getOutputs(), merge.getLogSumExps())) {
    if (AttentionOp attention = findAttention({output, lse})) {
      attentions.push_back(attention);
      continue;
    }
    if (partial.output)
      return merge.emitOpError("expects all partial results but one to come from attention that nothing else uses, and "
                               "that does not go on from others, but got two that do not");
    partial = {output, lse};
  }
  for (AttentionOp attention : attentions)
    if (attention.getQLengths() != attentions.front().getQLengths() ||
        attention.getQOffsets() != attentions.front().getQOffsets())
      return merge.emitOpError("expects all attention over the same sequences of queries: one q_lengths and one "
                               "q_offsets, or none");
  OpBuilder builder(merge);
  for (AttentionOp attention : attentions) {
    AttentionOp resumed = attention.cloneResuming(builder, partial.output, partial.lse);
    partial = {resumed.getOutput(), resumed.getLse()};
  }
  merge.replaceAllUsesWith(ValueRange{partial.output, partial.lse});
  merge.erase();
  for (AttentionOp attention : attentions)
    attention.erase();
  return success();
}

struct FuseMergePass final : sparse_attn::impl::FuseMergeBase<FuseMergePass> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<MergeOp> merges;
    getOperation().walk([&](MergeOp merge) { merges.push_back(merge); });
    for (MergeOp merge : merges)
      if (failed(fuse(merge)))
        return signalPassFailure();
  }
};

} // namespace
