//===- ScalarRules.h - Scalar arithmetic as terms of a solver ---*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_PROVE_SCALARRULES_H
#define SPARSE_ATTN_PASSES_PROVE_SCALARRULES_H

#include "passes/prove/SMTBuilder.h"

namespace mlir::sparse_attn::prove {

/// Emits the term for the result of a scalar op of arith or math, given terms for its operands. Null for an op that
/// has no rule here.
Value translateScalarOp(SMTBuilder &b, Operation *op, ArrayRef<Value> operands);

} // namespace mlir::sparse_attn::prove

#endif // SPARSE_ATTN_PASSES_PROVE_SCALARRULES_H
