//===- Nvvm.h - What GPU kernels need beyond NVVM ---------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_DIALECT_NVVM_NVVM_H
#define SPARSE_ATTN_DIALECT_NVVM_NVVM_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialect/nvvm/NvvmDialect.h.inc"

#define GET_OP_CLASSES
#include "dialect/nvvm/NvvmOps.h.inc"

#endif // SPARSE_ATTN_DIALECT_NVVM_NVVM_H
