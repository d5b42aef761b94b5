//===- SolverBuilder.h - Claims in the smt dialect --------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_PROVE_SOLVERBUILDER_H
#define SPARSE_ATTN_PASSES_PROVE_SOLVERBUILDER_H

#include "mlir/Dialect/SMT/IR/SMTOps.h"
#include "passes/prove/Claim.h"

namespace mlir::sparse_attn::prove {

/// Emits an `smt.solver` that is satisfiable where the claim fails: its assumptions hold and its goal does not. Where
/// the claim holds an op without a meaning for solvers, the solver is empty and has the op's name as
/// `sparse_attn.obstacle`.
smt::SolverOp buildSolver(OpBuilder &builder, const Claim &claim);

} // namespace mlir::sparse_attn::prove

#endif // SPARSE_ATTN_PASSES_PROVE_SOLVERBUILDER_H
