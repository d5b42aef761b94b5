//===- LowerDevice.cpp - GPU kernels to the LLVM dialect ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/nvvm/LowerDevice.h"
#include "dialect/nvvm/KernelVerifier.h"
#include "dialect/nvvm/Nvvm.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::sparse_attn;

static LogicalResult lowerStructuredControlFlow(Operation *module) {
  MLIRContext *context = module->getContext();
  RewritePatternSet patterns(context);
  populateSCFToControlFlowConversionPatterns(patterns);
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  ConversionTarget target(*context);
  target.addIllegalDialect<scf::SCFDialect>();
  target.addIllegalOp<arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp>();
  target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
  return applyPartialConversion(module, target, std::move(patterns));
}

LogicalResult nvvm::lowerDevice(gpu::GPUModuleOp module, RewritePatternSet patterns, bool keepNVVM) {
  for (auto kernel : module.getOps<LLVM::LLVMFuncOp>())
    if (failed(verifyKernel(kernel)))
      return failure();
  if (failed(lowerStructuredControlFlow(module)))
    return failure();
  MLIRContext *context = module.getContext();
  LowerToLLVMOptions options(context);
  options.overrideIndexBitwidth(32);
  LLVMTypeConverter converter(context, options);
  arith::populateArithToLLVMConversionPatterns(converter, patterns);
  cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
  populateMathToLLVMConversionPatterns(converter, patterns);
  ConversionTarget target(*context);
  target.addLegalDialect<LLVM::LLVMDialect>();
  target.addLegalOp<gpu::GPUModuleOp>();
  if (keepNVVM) {
    target.addLegalDialect<NVVM::NVVMDialect>();
    populateNVVMToLLVMConversionPatterns(patterns);
    target.addDynamicallyLegalDialect<NVVM::NVVMDialect>([](Operation *op) {
      auto builder = dyn_cast<NVVM::BasicPtxBuilderInterface>(op);
      return !builder || builder.hasIntrinsic();
    });
  }
  return applyFullConversion(module, target, std::move(patterns));
}
