//===- ProveSchedule.cpp - Patterns and schedules as claims for a solver --===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tests run a schedule for some lengths; a solver proves it for all of them. Each
// claim is built from the IR that the pattern's methods emit and that the
// schedule holds, and becomes a script that is satisfiable where the claim fails.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SMT/IR/SMTDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Passes.h"
#include "passes/prove/Claims.h"
#include "passes/prove/SolverBuilder.h"

namespace mlir::sparse_attn {
#define GEN_PASS_DEF_PROVESCHEDULE
#include "passes/Passes.h.inc"
} // namespace mlir::sparse_attn

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::prove;

namespace {

/// Everything that is claimed about a schedule and its pattern.
SmallVector<Claim> collectClaims(SymbolTable &symbols, ScheduleOp schedule) {
  auto pattern = symbols.lookup<PatternOp>(schedule.getPattern());
  SmallVector<Claim> claims;
  addClassClaims(pattern, schedule, claims);
  addBandClaims(pattern, schedule.getModulo(), claims);
  PlanOp plan;
  if (auto listed = dyn_cast<ListedOp>(schedule.getTerminator()))
    plan = symbols.lookup<PlanOp>(listed.getPlan());
  else
    addScheduleClaims(pattern, schedule, claims);
  addCoverageClaims(pattern, plan, claims);
  if (!plan)
    addTightnessClaims(pattern, schedule, claims);
  return claims;
}

/// Everything that is claimed about the patterns that another one has been taken apart into.
SmallVector<Claim> collectClaims(ModuleOp module, PatternOp whole) {
  SmallVector<PatternOp> parts = llvm::filter_to_vector(
      module.getOps<PatternOp>(), [&](PatternOp part) { return part.getPartOf() == whole.getSymName(); });
  SmallVector<Claim> claims;
  if (!parts.empty())
    addPartClaims(whole, parts, claims);
  return claims;
}

struct ProveSchedulePass final : sparse_attn::impl::ProveScheduleBase<ProveSchedulePass> {
  using Base::Base;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    Block *body = getOperation().getBody(), solvers;
    OpBuilder builder(&getContext());
    builder.setInsertionPointToEnd(&solvers);
    for (auto pattern : getOperation().getOps<PatternOp>())
      for (const Claim &claim : collectClaims(getOperation(), pattern))
        addSolver(builder, pattern, claim);
    for (auto schedule : getOperation().getOps<ScheduleOp>()) {
      if (schedule.getModulo() != 1 && schedule.isListed()) {
        schedule.emitOpError("expects tiles in closed form over the residue classes modulo ")
            << schedule.getModulo() << ", but got listed ones";
        return signalPassFailure();
      }
      for (const Claim &claim : collectClaims(symbols, schedule))
        addSolver(builder, schedule, claim);
    }
    // References among what goes do not matter any more.
    for (Operation &op : *body)
      op.dropAllReferences();
    body->clear();
    body->getOperations().splice(body->end(), solvers.getOperations());
  }

  /// `about` is the schedule or the pattern that has the claim.
  void addSolver(OpBuilder &builder, SymbolOpInterface about, const Claim &claim) {
    smt::SolverOp solver = buildSolver(builder, claim);
    solver->setAttr("sparse_attn.schedule", about.getNameAttr());
    ++claimed;
    if (auto obstacle = solver->getAttrOfType<StringAttr>("sparse_attn.obstacle")) {
      ++unstated;
      about->emitRemark() << "not proved: " << claim.name << ": '" << obstacle.getValue()
                          << "' has no meaning for a solver";
    }
  }
};

} // namespace
