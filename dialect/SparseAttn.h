//===- SparseAttn.h - The sparse_attn dialect -------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_DIALECT_SPARSEATTN_H
#define SPARSE_ATTN_DIALECT_SPARSEATTN_H

#include "dialect/Pattern.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialect/SparseAttnDialect.h.inc"
#include "dialect/SparseAttnInterfaces.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialect/SparseAttnTypes.h.inc"

#define GET_OP_CLASSES
#include "dialect/SparseAttnOps.h.inc"

#endif // SPARSE_ATTN_DIALECT_SPARSEATTN_H
