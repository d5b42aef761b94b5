//===- ReindexDilation.cpp - Dilated attention as dense work --------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where every pair that attends lies a multiple of s apart, tiles of
// neighbouring positions hold one attending pair in s at most. The same
// attention over each residue class modulo s computes no other pair. Of a union,
// the part that is so dilated is computed after the other, and merged with it.
//
//===----------------------------------------------------------------------===//

#include "dialect/SparseAttn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Passes.h"
#include "passes/PatternBands.h"
#include <numeric>

namespace mlir::sparse_attn {
#define GEN_PASS_DEF_REINDEXDILATION
#include "passes/Passes.h.inc"
} // namespace mlir::sparse_attn

using namespace mlir;
using namespace mlir::sparse_attn;

namespace {

/// What the distances of all pairs that attend are multiples of; 1 where the bands do not say, or pick keys by residues
/// of their own.
int64_t findCommonModulus(ArrayRef<BandShape> bands) {
  int64_t common = 0;
  for (const BandShape &band : bands) {
    if (band.columns.period > 1)
      return 1;
    common = std::gcd(common, band.modulus);
  }
  return std::max<int64_t>(common, 1);
}

/// A pattern as `common` (all of them) and one of `dilated`, whose distances are multiples of something, or of
/// `others`.
struct DilatedUnion {
  SmallVector<Value> common, dilated, others;
};

/// Takes a union, or the intersection of one with other patterns, apart. Fails where nothing or all of it is dilated,
/// or where the dilated terms share no modulus.
FailureOr<DilatedUnion> findDilatedUnion(PatternOp pattern) {
  DilatedUnion parts;
  auto whole = dyn_cast<UnionOp>(*pattern.getRoot());
  if (auto meet = dyn_cast<IntersectOp>(*pattern.getRoot()))
    for (Value operand : meet.getOperands()) {
      auto join = operand.getDefiningOp<UnionOp>();
      if (join && !whole)
        whole = join;
      else
        parts.common.push_back(operand);
    }
  if (!whole)
    return failure();
  int64_t modulus = 0;
  for (Value operand : whole.getOperands()) {
    int64_t own = findCommonModulus(findBandShapes(pattern, getPatternOp(operand)));
    (own > 1 ? parts.dilated : parts.others).push_back(operand);
    if (own > 1)
      modulus = std::gcd(modulus, own);
  }
  if (modulus <= 1 || parts.others.empty())
    return failure();
  return parts;
}

/// One of several patterns, or that which there is.
Value buildUnion(OpBuilder &builder, Location loc, ValueRange patterns) {
  return patterns.size() == 1 ? patterns.front()
                              : UnionOp::create(builder, loc, patterns.front().getType(), patterns).getResult();
}

/// Makes the pattern's root another one, which `build` makes of its old parts.
template <typename BuildT> void rebuildRoot(PatternOp pattern, const DilatedUnion &parts, BuildT build) {
  Operation *yield = pattern.getBody().front().getTerminator();
  OpBuilder builder(yield);
  SmallVector<Value> operands = parts.common;
  build(builder, operands);
  Value root = operands.size() == 1
                   ? operands.front()
                   : IntersectOp::create(builder, pattern.getLoc(), operands.front().getType(), operands).getResult();
  yield->setOperand(0, root);
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(pattern.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

struct ReindexDilationPass final : sparse_attn::impl::ReindexDilationBase<ReindexDilationPass> {
  using Base::Base;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    known.clear(); // by addresses, which another module may use again
    SmallVector<AttentionOp> attentions;
    getOperation().walk([&](AttentionOp attention) { attentions.push_back(attention); });
    for (AttentionOp attention : attentions) {
      if (attention.getModulo() != 1 || attention.getSchedules())
        continue;
      PatternOp pattern = symbols.lookup<PatternOp>(attention.getPattern());
      int64_t modulus = findCommonModulus(findBandShapes(pattern));
      if (modulus > 1)
        attention.setModulo(modulus);
      else
        split(symbols, attention, pattern);
    }
  }

private:
  /// The two parts of a pattern: what is not dilated, and what is and lies outside of that; null where there are none.
  struct Parts {
    PatternOp others, dilated;
    int64_t modulus = 1;
  };
  Parts getParts(SymbolTable &symbols, PatternOp pattern);
  Parts buildParts(SymbolTable &symbols, PatternOp pattern);
  void split(SymbolTable &symbols, AttentionOp attention, PatternOp pattern);

  llvm::DenseMap<PatternOp, Parts> known;
};

ReindexDilationPass::Parts ReindexDilationPass::getParts(SymbolTable &symbols, PatternOp pattern) {
  auto found = known.find(pattern);
  if (found == known.end())
    found = known.try_emplace(pattern, buildParts(symbols, pattern)).first;
  return found->second;
}

ReindexDilationPass::Parts ReindexDilationPass::buildParts(SymbolTable &symbols, PatternOp pattern) {
  if (failed(findDilatedUnion(pattern)))
    return {};
  auto copy = [&](const Twine &suffix) {
    auto clone = cast<PatternOp>(pattern->clone());
    clone.setSymName((pattern.getSymName() + suffix).str());
    clone.setPartOf(pattern.getSymName());
    symbols.insert(clone, std::next(Block::iterator(pattern)));
    return clone;
  };
  Parts parts;
  parts.dilated = copy("_dilated");
  parts.others = copy("_others");
  DilatedUnion ofOthers = *findDilatedUnion(parts.others), ofDilated = *findDilatedUnion(parts.dilated);
  rebuildRoot(parts.others, ofOthers, [&](OpBuilder &builder, SmallVectorImpl<Value> &operands) {
    operands.push_back(buildUnion(builder, pattern.getLoc(), ofOthers.others));
  });
  rebuildRoot(parts.dilated, ofDilated, [&](OpBuilder &builder, SmallVectorImpl<Value> &operands) {
    Value others = buildUnion(builder, pattern.getLoc(), ofDilated.others);
    operands.push_back(buildUnion(builder, pattern.getLoc(), ofDilated.dilated));
    operands.push_back(ComplementOp::create(builder, pattern.getLoc(), others.getType(), others));
  });
  parts.modulus = findCommonModulus(findBandShapes(parts.dilated));
  if (parts.modulus > 1 && !findBandShapes(parts.others).empty())
    return parts;
  symbols.erase(parts.dilated);
  symbols.erase(parts.others);
  return {};
}

/// The keys of a query that are dilated and those that are not have none in common once the latter are taken away from
/// the former; so their results merge to that of both.
void ReindexDilationPass::split(SymbolTable &symbols, AttentionOp attention, PatternOp pattern) {
  Parts parts = getParts(symbols, pattern);
  // A kernel that goes on from a partial result knows no maximum of all scores.
  if (!parts.dilated || attention.getRowMax())
    return;
  OpBuilder builder(attention);
  AttentionOp first = attention.cloneResuming(builder, attention.getPartialOutput(), attention.getPartialLse());
  first.setPattern(parts.others.getSymName());
  attention.getPartialOutputMutable().assign(first.getOutput());
  attention.getPartialLseMutable().assign(first.getLse());
  attention.setPattern(parts.dilated.getSymName());
  attention.setModulo(parts.modulus);
}

} // namespace
