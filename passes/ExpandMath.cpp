//===- ExpandMath.cpp - Transcendental functions as arithmetic ------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/ExpandMath.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "passes/nvvm/DeviceBuilder.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using nvvm::DeviceBuilder;

/// Functions that MLIR defines in terms of others.
static constexpr StringLiteral kComposed[] = {"sinh", "cosh", "tan", "asinh", "acosh", "atanh", "powf", "roundeven"};

namespace {

/// A function of a multiple, or a multiple of a function.
struct ExpandExp2 final : OpRewritePattern<math::Exp2Op> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::Exp2Op op, PatternRewriter &rewriter) const override {
    Value scaled =
        arith::MulFOp::create(rewriter, op.getLoc(), op.getOperand(), getSplat(rewriter, op, llvm::numbers::ln2));
    rewriter.replaceOpWithNewOp<math::ExpOp>(op, scaled);
    return success();
  }

  static Value getSplat(PatternRewriter &rewriter, Operation *op, double value) {
    Type type = op->getResult(0).getType();
    TypedAttr number = rewriter.getF32FloatAttr(static_cast<float>(value));
    if (auto vector = dyn_cast<VectorType>(type))
      number = DenseElementsAttr::get(vector, number);
    return arith::ConstantOp::create(rewriter, op->getLoc(), number);
  }
};

struct ExpandLog10 final : OpRewritePattern<math::Log10Op> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::Log10Op op, PatternRewriter &rewriter) const override {
    Value log = math::LogOp::create(rewriter, op.getLoc(), op.getOperand());
    Value factor = ExpandExp2::getSplat(rewriter, op, 1.0 / llvm::numbers::ln10);
    rewriter.replaceOpWithNewOp<arith::MulFOp>(op, log, factor);
    return success();
  }
};

} // namespace

/// What one walk replaces may leave other functions behind, which the next one meets.
template <typename PopulateT> static void expand(Operation *root, PopulateT populateFirst) {
  auto walk = [&](function_ref<void(RewritePatternSet &)> populate) {
    RewritePatternSet patterns(root->getContext());
    populate(patterns);
    walkAndApplyPatterns(root, std::move(patterns));
  };
  walk([&](RewritePatternSet &patterns) {
    math::populateExpansionPatterns(patterns, SmallVector<StringRef>(std::begin(kComposed), std::end(kComposed)));
    populateFirst(patterns);
    patterns.add<ExpandExp2, ExpandLog10>(root->getContext());
  });
  for (int i = 0; i < 2; ++i)
    walk([&](RewritePatternSet &patterns) {
      populateFirst(patterns);
      populateMathPolynomialApproximationPatterns(patterns);
    });
}

namespace {

/// A pattern that goes before those for all targets. `Expansion` makes the result of the operand.
template <typename OpT, Value (*Expansion)(DeviceBuilder &, Value)>
struct ExpandForDevice final : OpRewritePattern<OpT> {
  explicit ExpandForDevice(MLIRContext *context) : OpRewritePattern<OpT>(context, /*benefit=*/2) {}

  LogicalResult matchAndRewrite(OpT op, PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return failure();
    DeviceBuilder b(rewriter, op.getLoc());
    rewriter.replaceOp(op, Expansion(b, op.getOperand()));
    return success();
  }
};

Value scale(DeviceBuilder &b, Value x, double factor) { return b.mulFloat(x, b.number(static_cast<float>(factor))); }

Value expandExp(DeviceBuilder &b, Value x) { return b.exp2(scale(b, x, llvm::numbers::log2e)); }
Value expandExp2(DeviceBuilder &b, Value x) { return b.exp2(x); }
Value expandLog(DeviceBuilder &b, Value x) { return scale(b, b.log2(x), llvm::numbers::ln2); }
Value expandLog2(DeviceBuilder &b, Value x) { return b.log2(x); }

/// 1 - 2 / (e^2x + 1): right to 2e-7 of the greatest value, which is what matters of a score.
Value expandTanh(DeviceBuilder &b, Value x) {
  Value power = b.exp2(scale(b, x, 2 * llvm::numbers::log2e));
  Value inverse = b.reciprocal(b.addFloat(power, b.number(1)));
  return b.fma(inverse, b.number(-2), b.number(1));
}

} // namespace

void mlir::sparse_attn::expandMath(ModuleOp module) {
  expand(module, [](RewritePatternSet &) {});
}

void nvvm::expandMath(Operation *device) {
  expand(device, [](RewritePatternSet &patterns) {
    patterns.add<ExpandForDevice<math::ExpOp, expandExp>, ExpandForDevice<math::Exp2Op, expandExp2>,
                 ExpandForDevice<math::LogOp, expandLog>, ExpandForDevice<math::Log2Op, expandLog2>,
                 ExpandForDevice<math::TanhOp, expandTanh>>(patterns.getContext());
  });
}
