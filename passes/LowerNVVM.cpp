//===- LowerNVVM.cpp - GPU kernels to the LLVM dialect --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/nvvm/Nvvm.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "passes/Passes.h"
#include "passes/nvvm/DeviceBuilder.h"
#include "passes/nvvm/LowerDevice.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::sparse_attn {
#define GEN_PASS_DEF_LOWERNVVM
#include "passes/Passes.h.inc"
} // namespace mlir::sparse_attn

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::nvvm;

namespace {

constexpr StringLiteral kSharedMemory = "shared_memory";

struct LowerSharedMemory final : OpConversionPattern<SharedMemoryOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(SharedMemoryOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<LLVM::AddressOfOp>(op, op.getType(), kSharedMemory);
    return success();
  }
};

/// An approximate instruction, by its intrinsic.
template <typename OpT> struct LowerToIntrinsic final : OpConversionPattern<OpT> {
  LowerToIntrinsic(MLIRContext *context, StringRef intrinsic)
      : OpConversionPattern<OpT>(context), intrinsic(intrinsic) {}
  LogicalResult matchAndRewrite(OpT op, typename OpT::Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(op, op.getType(), rewriter.getStringAttr(intrinsic),
                                                       adaptor.getOperands());
    return success();
  }
  StringRef intrinsic;
};

/// Truncation of a pair of numbers is one cvt.
struct LowerPackHalves final : OpConversionPattern<PackHalvesOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(PackHalvesOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto wide = VectorType::get({2}, rewriter.getF32Type()), narrow = VectorType::get({2}, op.getElementType());
    Value pair = LLVM::UndefOp::create(rewriter, loc, wide);
    Value numbers[] = {adaptor.getLo(), adaptor.getHi()};
    for (auto [index, number] : llvm::enumerate(numbers)) {
      Value position = LLVM::ConstantOp::create(rewriter, loc, rewriter.getI32IntegerAttr(index));
      pair = LLVM::InsertElementOp::create(rewriter, loc, pair, number, position);
    }
    Value halves = LLVM::FPTruncOp::create(rewriter, loc, narrow, pair);
    rewriter.replaceOpWithNewOp<LLVM::BitcastOp>(op, rewriter.getI32Type(), halves);
    return success();
  }
};

struct LowerRelease final : OpConversionPattern<ReleaseOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ReleaseOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<NVVM::MBarrierArriveOp>(op, Type(), adaptor.getBarrier(), Value());
    return success();
  }
};

/// "=f" for each result, then the number of the result that each tied operand shares its register with.
std::string getTiedConstraints(size_t results, size_t tied) {
  std::string constraints;
  llvm::raw_string_ostream stream(constraints);
  llvm::ListSeparator comma(",");
  for (size_t i = 0; i < results; ++i)
    stream << comma << "=f";
  for (size_t i = 0; i < tied; ++i)
    stream << comma << i;
  return constraints;
}

/// Inline assembly whose results are numbers.
SmallVector<Value> emitAssembly(ConversionPatternRewriter &rewriter, Location loc, StringRef text,
                                StringRef constraints, ValueRange operands, size_t results) {
  MLIRContext *context = rewriter.getContext();
  auto type = LLVM::LLVMStructType::getLiteral(context, SmallVector<Type>(results, rewriter.getF32Type()));
  auto dialect = LLVM::AsmDialectAttr::get(context, LLVM::AsmDialect::AD_ATT);
  Value all = LLVM::InlineAsmOp::create(rewriter, loc, type, operands, text, constraints, /*has_side_effects=*/true,
                                        /*is_align_stack=*/false, LLVM::TailCallKind::None, dialect, ArrayAttr())
                  .getResult(0);
  SmallVector<Value> values;
  for (size_t i = 0; i < results; ++i)
    values.push_back(LLVM::ExtractValueOp::create(rewriter, loc, all, i));
  return values;
}

/// NVVM has no form with A in registers, and its other form takes the accumulator as one struct. Inline assembly ties
/// every accumulator to its result, so that no copy is left.
struct LowerWgmma final : OpConversionPattern<WgmmaOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(WgmmaOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    size_t count = op.getNumResults(), tied = adaptor.getAccumulator().size(), next = count + tied;
    StringRef type = op.getElementType().isBF16() ? "bf16" : "f16";
    std::string text;
    llvm::raw_string_ostream stream(text);
    stream << "wgmma.mma_async.sync.aligned.m64n" << 2 * count << "k16.f32." << type << "." << type << " {";
    llvm::ListSeparator comma(", ");
    for (size_t i = 0; i < count; ++i)
      stream << comma << "$" << i;
    stream << "}, ";
    std::string constraints = getTiedConstraints(count, tied);
    if (op.getDescriptorA()) {
      stream << "$" << next;
      constraints += ",l";
      next += 1;
    } else {
      stream << llvm::formatv("{{${0}, ${1}, ${2}, ${3}}", next, next + 1, next + 2, next + 3).str();
      constraints += ",r,r,r,r";
      next += 4;
    }
    // Then B, whether to add, the signs of A and B, and which of them are transposed; A in registers cannot be.
    stream << ", $" << next << ", " << (tied ? 1 : 0) << ", 1, 1, " << (op.getDescriptorA() ? "0, " : "")
           << (op.getTransposed() ? 1 : 0) << ";";
    constraints += ",l";
    SmallVector<Value> operands(adaptor.getAccumulator());
    llvm::append_range(operands, adaptor.getA());
    if (adaptor.getDescriptorA())
      operands.push_back(adaptor.getDescriptorA());
    operands.push_back(adaptor.getDescriptorB());
    rewriter.replaceOp(op, emitAssembly(rewriter, op.getLoc(), text, constraints, operands, count));
    return success();
  }
};

/// The wait takes no registers, but its results do not exist before it.
struct LowerWgmmaWait final : OpConversionPattern<WgmmaWaitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(WgmmaWaitOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    size_t count = op.getNumResults();
    std::string text = "wgmma.wait_group.sync.aligned " + std::to_string(op.getPending()) + ";";
    rewriter.replaceOp(
        op, emitAssembly(rewriter, op.getLoc(), text, getTiedConstraints(count, count), adaptor.getValues(), count));
    return success();
  }
};

/// The dynamic shared memory: an external array without a size. The alignment is a promise to the launch.
void declareSharedMemory(gpu::GPUModuleOp module) {
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), 0);
  LLVM::GlobalOp::create(builder, module.getLoc(), type, /*isConstant=*/false, LLVM::Linkage::External, kSharedMemory,
                         Attribute(), /*alignment=*/1024, nvvm::Shared);
}

struct LowerNVVMPass final : sparse_attn::impl::LowerNVVMBase<LowerNVVMPass> {
  using Base::Base;

  void runOnOperation() override {
    declareSharedMemory(getOperation());
    RewritePatternSet patterns(&getContext());
    patterns.add<LowerSharedMemory, LowerPackHalves, LowerRelease, LowerWgmma, LowerWgmmaWait>(&getContext());
    patterns.add<LowerToIntrinsic<Exp2Op>>(&getContext(), "llvm.nvvm.ex2.approx.ftz.f");
    patterns.add<LowerToIntrinsic<Log2Op>>(&getContext(), "llvm.nvvm.lg2.approx.ftz.f");
    patterns.add<LowerToIntrinsic<ReciprocalOp>>(&getContext(), "llvm.nvvm.rcp.approx.ftz.f");
    if (failed(nvvm::lowerDevice(getOperation(), std::move(patterns), /*keepNVVM=*/true)))
      return signalPassFailure();
  }
};

} // namespace
