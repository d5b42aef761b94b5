//===- AmpereKernel.h - Kernels of the sm_80 family -------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_NVVM_AMPEREKERNEL_H
#define SPARSE_ATTN_PASSES_NVVM_AMPEREKERNEL_H

#include "mlir/IR/Builders.h"
#include "passes/KernelParts.h"
#include "passes/nvvm/Target.h"

namespace mlir::sparse_attn::nvvm {

/// Emits `llvm.func @<kernel>` at the builder's insertion point: one block of threads computes one work item.
void emitAmpereKernel(OpBuilder &builder, KernelParts parts, const Target &target);

} // namespace mlir::sparse_attn::nvvm

#endif // SPARSE_ATTN_PASSES_NVVM_AMPEREKERNEL_H
