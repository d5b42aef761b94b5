//===- Report.h - Prints what has been proved -------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PROVE_REPORT_H
#define SPARSE_ATTN_PROVE_REPORT_H

#include "Solver.h"

namespace mlir::sparse_attn::prove {

/// Prints one line a claim, and adds up.
class Report {
public:
  explicit Report(llvm::raw_ostream &os) : os(os) {}

  void add(smt::SolverOp solver, const Answer &answer);
  /// A claim that no solver can be asked.
  void addUnstated(smt::SolverOp solver);
  void finish();

  /// Whether all claims have been proved, but for those that need not be.
  bool isComplete() const { return refuted == 0 && open == 0; }

private:
  void printSchedule(smt::SolverOp solver);
  void printClaim(smt::SolverOp solver, llvm::StringRef verdict, double seconds);

  llvm::raw_ostream &os;
  std::string schedule;
  unsigned proved = 0, refuted = 0, open = 0, notShown = 0;
  double total = 0, longest = 0;
};

} // namespace mlir::sparse_attn::prove

#endif // SPARSE_ATTN_PROVE_REPORT_H
