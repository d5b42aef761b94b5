//===- Pipelines.cpp - The order of the passes ----------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include "passes/cpu/Target.h"

using namespace mlir;
using namespace mlir::sparse_attn;

void mlir::sparse_attn::buildToSchedulesPipeline(OpPassManager &pm, const ToTilesOptions &options) {
  pm.addPass(createSimplifyPatterns());
  pm.addPass(createFuseMerge());
  if (options.reindex)
    pm.addPass(createReindexDilation());
  SpecializeBlocksOptions blocks;
  blocks.target = options.target;
  blocks.tileQ = options.tileQ;
  blocks.tileK = options.tileK;
  blocks.remarks = options.remarks;
  pm.addPass(createSpecializeBlocks(blocks));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void mlir::sparse_attn::buildToTilesPipeline(OpPassManager &pm, const ToTilesOptions &options) {
  buildToSchedulesPipeline(pm, options);
  pm.addPass(createFuseSoftmax());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

/// No canonicalization once vector code is there: it would turn the rows of a transpose into scalars.
static void buildVectorToLLVMPipeline(OpPassManager &pm, bool avx512) {
  pm.addPass(createCSEPass());
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createConvertVectorToSCFPass());
  pm.addPass(arith::createArithExpandOpsPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  ConvertVectorToLLVMPassOptions vectorOptions;
  vectorOptions.x86Vector = true;
  vectorOptions.vectorTransposeLowering =
      avx512 ? vector::VectorTransposeLowering::Shuffle16x16 : vector::VectorTransposeLowering::Shuffle1D;
  pm.addPass(createConvertVectorToLLVMPass(vectorOptions));
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createUBToLLVMConversionPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
}

void mlir::sparse_attn::buildTilesToLLVMPipeline(OpPassManager &pm, const ToCPUOptions &options) {
  ConvertToCPUOptions convert;
  convert.cpu = options.cpu;
  convert.features = options.features;
  pm.addPass(createConvertToCPU(convert));
  std::string message;
  FailureOr<cpu::Target> target = cpu::getTarget({options.cpu, options.cpu, options.features}, message);
  buildVectorToLLVMPipeline(pm, succeeded(target) && target->lanes == 16);
}

void mlir::sparse_attn::buildToCPUPipeline(OpPassManager &pm, const ToCPUOptions &options) {
  ToTilesOptions tiles;
  tiles.tileQ = options.tileQ;
  tiles.tileK = options.tileK;
  buildToTilesPipeline(pm, tiles);
  buildTilesToLLVMPipeline(pm, options);
}

void mlir::sparse_attn::buildTilesToNVVMPipeline(OpPassManager &pm, StringRef chip) {
  ConvertToNVVMOptions convert;
  convert.chip = chip.str();
  pm.addPass(createConvertToNVVM(convert));
  pm.nest<gpu::GPUModuleOp>().addPass(createCSEPass());
}

void mlir::sparse_attn::buildHostToLLVMPipeline(OpPassManager &pm) { buildVectorToLLVMPipeline(pm, /*avx512=*/false); }

void mlir::sparse_attn::buildToGPUPipeline(OpPassManager &pm, const ToGPUOptions &options) {
  ToTilesOptions tiles;
  tiles.target = options.chip;
  tiles.tileQ = options.tileQ;
  tiles.tileK = options.tileK;
  buildToTilesPipeline(pm, tiles);
  buildTilesToNVVMPipeline(pm, options.chip);
  pm.nest<gpu::GPUModuleOp>().addPass(createLowerNVVM());
  buildHostToLLVMPipeline(pm);
}

void mlir::sparse_attn::registerSparseAttnPipelines() {
  registerSparseAttnPasses();
  PassPipelineRegistration<ToTilesOptions>("sparse-attn-to-tiles", "Patterns and attention to tile programs",
                                           buildToTilesPipeline);
  PassPipelineRegistration<ToCPUOptions>("sparse-attn-to-cpu",
                                         "Patterns and attention to the LLVM dialect, for one CPU", buildToCPUPipeline);
  PassPipelineRegistration<ToGPUOptions>(
      "sparse-attn-to-gpu", "Patterns and attention to the LLVM and NVVM dialects, for one GPU", buildToGPUPipeline);
}
