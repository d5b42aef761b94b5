//===- HopperKernel.h - Kernels of sm_90a -----------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_NVVM_HOPPERKERNEL_H
#define SPARSE_ATTN_PASSES_NVVM_HOPPERKERNEL_H

#include "mlir/IR/Builders.h"
#include "passes/KernelParts.h"
#include "passes/nvvm/Target.h"

namespace mlir::sparse_attn::nvvm {

/// Emits `llvm.func @<kernel>` at the builder's insertion point: a persistent kernel, whose blocks take one work item
/// after the other.
void emitHopperKernel(OpBuilder &builder, KernelParts parts, const Target &target);

} // namespace mlir::sparse_attn::nvvm

#endif // SPARSE_ATTN_PASSES_NVVM_HOPPERKERNEL_H
