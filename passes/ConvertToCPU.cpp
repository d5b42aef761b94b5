//===- ConvertToCPU.cpp - Tile programs to vector code --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Replaces every kernel by the functions that an artifact exports for it, and
// removes what they were made from: patterns, schedules, plans and the
// functions that launch the kernels (the runtime does that, by the manifest).
//
//===----------------------------------------------------------------------===//

#include "dialect/SparseAttn.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/ExpandMath.h"
#include "passes/KernelParts.h"
#include "passes/Passes.h"
#include "passes/cpu/KernelLowering.h"
#include "passes/cpu/TileSizes.h"
#include "passes/host/Entries.h"

namespace mlir::sparse_attn {
#define GEN_PASS_DEF_CONVERTTOCPU
#include "passes/Passes.h.inc"
} // namespace mlir::sparse_attn

using namespace mlir;
using namespace mlir::sparse_attn;

namespace {

struct ConvertToCPUPass final : sparse_attn::impl::ConvertToCPUBase<ConvertToCPUPass> {
  using Base::Base;

  void runOnOperation() override {
    std::string message;
    FailureOr<cpu::Target> target = cpu::getTarget({cpu, cpu, features}, message);
    if (failed(target)) {
      getOperation().emitError(message);
      return signalPassFailure();
    }
    SymbolTable symbols(getOperation());
    for (auto kernel : llvm::to_vector(getOperation().getOps<KernelOp>())) {
      KernelParts parts = KernelParts::lookup(kernel, symbols);
      if (failed(parts.check(cpu::CpuTiling())))
        return signalPassFailure();
      cpu::emitItems(parts, *target);
      host::emitAnalysisEntries(parts);
    }
    eraseTilePrograms(getOperation());
    expandMath(getOperation());
  }
};

} // namespace
