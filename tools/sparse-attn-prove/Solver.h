//===- Solver.h - Asks z3 about a script ------------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PROVE_SOLVER_H
#define SPARSE_ATTN_PROVE_SOLVER_H

#include "mlir/Dialect/SMT/IR/SMTOps.h"
#include <string>
#include <utility>
#include <vector>

namespace mlir::sparse_attn::prove {

enum class Verdict { Proved, Refuted, Unknown };

struct Answer {
  Verdict verdict;
  double seconds;
  /// Names and values of a counterexample; empty unless refuted.
  std::vector<std::pair<std::string, std::string>> values;
};

/// The script of one solver in SMT-LIB, which also asks for the values of a counterexample.
FailureOr<std::string> exportScript(smt::SolverOp solver);

/// Seconds that a claim is worth which nothing is wrong without.
inline constexpr int64_t kOptionalSeconds = 7;

/// Runs z3 on a script, for at most `timeout` seconds. `error` says what went wrong, where it fails.
FailureOr<Answer> runSolver(const std::string &z3, const std::string &script, int64_t timeout, std::string &error);

} // namespace mlir::sparse_attn::prove

#endif // SPARSE_ATTN_PROVE_SOLVER_H
