//===- KernelVerifier.h - Order of asynchronous work ------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What orders asynchronous work in a GPU kernel are fences, waits and barriers
// that touch no value. A simulator that runs threads one after the other does
// not miss a fence, and a GPU misses one only now and then. So these rules are
// checked in the IR, before it is lowered.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_DIALECT_NVVM_KERNELVERIFIER_H
#define SPARSE_ATTN_DIALECT_NVVM_KERNELVERIFIER_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace mlir::sparse_attn::nvvm {

/// Checks a kernel in structured control flow; fails after an error at the op at fault.
///
/// - (K1) A `wgmma` whose accumulator is not the result of another follows a `nvvm.wgmma.fence.aligned` in its block,
///   with no wait and no op with regions between.
/// - (K2) A `wgmma_wait` waits for groups that were committed, and for the groups of its operands: between such a
///   product and the wait lie more commits than may stay pending.
/// - (K3) No `nvvm.mbarrier.arrive` lies between a `wgmma` and a wait for all groups in the same block: `release` says
///   what it comes after.
/// - (K4) Between a store to shared memory and a copy of shared memory by a tensor map lie a `nvvm.fence.proxy` and,
///   behind it, a barrier.
LogicalResult verifyKernel(LLVM::LLVMFuncOp kernel);

} // namespace mlir::sparse_attn::nvvm

#endif // SPARSE_ATTN_DIALECT_NVVM_KERNELVERIFIER_H
