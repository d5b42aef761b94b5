//===- LowerDevice.h - GPU kernels to the LLVM dialect ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_NVVM_LOWERDEVICE_H
#define SPARSE_ATTN_PASSES_NVVM_LOWERDEVICE_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir::sparse_attn::nvvm {

/// Checks the order of asynchronous work (dialect/nvvm/KernelVerifier.h), then lowers scf, arith and math to the LLVM
/// dialect, with `index` of 32 bits, and the ops of our own dialect by `patterns`. With `keepNVVM` the ops of the NVVM
/// dialect stay where they have an intrinsic; else `patterns` lower them all.
LogicalResult lowerDevice(gpu::GPUModuleOp module, RewritePatternSet patterns, bool keepNVVM);

} // namespace mlir::sparse_attn::nvvm

#endif // SPARSE_ATTN_PASSES_NVVM_LOWERDEVICE_H
