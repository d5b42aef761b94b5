//===- ConvertToNVVM.cpp - Tile programs to GPU kernels -------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each kernel becomes a function of a gpu.module, in the way of its family of
// GPUs. What `prepare` asks about it stays host code, as on the CPU.
//
//===----------------------------------------------------------------------===//

#include "dialect/SparseAttn.h"
#include "dialect/nvvm/Nvvm.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/ExpandMath.h"
#include "passes/KernelParts.h"
#include "passes/Passes.h"
#include "passes/host/Entries.h"
#include "passes/nvvm/AmpereKernel.h"
#include "passes/nvvm/HopperKernel.h"
#include "passes/nvvm/TileSizes.h"

namespace mlir::sparse_attn {
#define GEN_PASS_DEF_CONVERTTONVVM
#include "passes/Passes.h.inc"
} // namespace mlir::sparse_attn

using namespace mlir;
using namespace mlir::sparse_attn;

namespace {

struct ConvertToNVVMPass final : sparse_attn::impl::ConvertToNVVMBase<ConvertToNVVMPass> {
  using Base::Base;

  void runOnOperation() override {
    std::string message;
    FailureOr<nvvm::Target> target = nvvm::getTarget(chip, message);
    if (failed(target)) {
      getOperation().emitError(message);
      return signalPassFailure();
    }
    SymbolTable symbols(getOperation());
    OpBuilder builder = OpBuilder::atBlockEnd(getOperation().getBody());
    auto device = gpu::GPUModuleOp::create(builder, getOperation().getLoc(), "device");
    builder.setInsertionPointToStart(device.getBody());
    for (auto kernel : llvm::to_vector(getOperation().getOps<KernelOp>())) {
      KernelParts parts = KernelParts::lookup(kernel, symbols);
      if (kernel.isOverBlocks()) {
        kernel.emitOpError("expects a kernel of attention; weights and column sums are computed on the CPU");
        return signalPassFailure();
      }
      if (failed(parts.check(nvvm::GpuTiling(*target))))
        return signalPassFailure();
      if (target->family == nvvm::Family::Hopper)
        nvvm::emitHopperKernel(builder, parts, *target);
      else
        nvvm::emitAmpereKernel(builder, parts, *target);
      host::emitAnalysisEntries(parts);
    }
    eraseTilePrograms(getOperation());
    nvvm::expandMath(device);
    expandMath(getOperation());
  }
};

} // namespace
