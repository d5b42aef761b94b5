//===- Schedule.cpp - Constraints of schedules and plans ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SparseAttn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::sparse_attn;

bool ScheduleOp::isListed() { return isa<ListedOp>(getTerminator()); }

void ScheduleOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  StringRef names[] = {"b", "h", "t", "sq", "skv"};
  for (auto [argument, name] : llvm::zip(region.getArguments(), names))
    setName(argument, name);
}

void PlanOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  StringRef names[] = {"b", "h", "first_q", "last_q", "first_k", "last_k", "sq", "skv"};
  for (auto [argument, name] : llvm::zip(region.getArguments(), names))
    setName(argument, name);
}

/// The first `positions` arguments of a region are positions; captures follow.
static LogicalResult verifyPositions(Operation *op, Block &body, unsigned positions) {
  if (body.getNumArguments() < positions ||
      !llvm::all_of(body.getArguments().take_front(positions), [](Value v) { return v.getType().isIndex(); }))
    return op->emitOpError("expects ") << positions << " arguments of type index before the captures, but got "
                                       << body.getArgumentTypes();
  return success();
}

/// What follows the positions are the captures of the pattern.
static LogicalResult verifyCaptures(Operation *op, FlatSymbolRefAttr name, TypeRange captures,
                                    SymbolTableCollection &symbols) {
  auto pattern = symbols.lookupNearestSymbolFrom<PatternOp>(op, name);
  if (!pattern)
    return op->emitOpError("expects '") << name.getValue() << "' to name a sparse_attn.pattern, but found none";
  TypeRange expected = pattern.getBody().front().getArgumentTypes();
  if (!llvm::equal(captures, expected))
    return op->emitOpError("expects the captures of ")
           << name << ", (" << expected << "), after the positions, but got (" << captures << ")";
  return success();
}

static LogicalResult verifyTileSizes(Operation *op, int64_t tileQ, int64_t tileK) {
  if (tileQ <= 0 || tileK <= 0)
    return op->emitOpError("expects positive tile sizes, but got ") << tileQ << " and " << tileK;
  return success();
}

/// Is an array asked in the row of the batch, or of the head, that its op is about? Those exist; of an array without
/// rows nothing is asked in front of the position.
static bool isAtOwnRow(Operation *op, Block &body) {
  ValueRange rows;
  if (auto read = dyn_cast<ReadOp>(op))
    rows = read.getIndices().drop_back();
  if (auto search = dyn_cast<UpperBoundOp>(op))
    rows = search.getRows();
  return rows.size() <= 2 && llvm::equal(rows, ValueRange(body.getArguments().take_front(rows.size())));
}

/// What asks a capture: an element, how many are at most a number, how many there are.
static bool isReadOfCapture(ScheduleOp schedule, Operation &op) {
  return isa<ReadOp, UpperBoundOp, memref::DimOp>(op) && llvm::is_contained(schedule.getCaptures(), op.getOperand(0)) &&
         isAtOwnRow(&op, schedule.getBody().front());
}

LogicalResult ScheduleOp::verifyRegions() {
  // schedule_c1
  if (failed(verifyTileSizes(*this, getTileQ(), getTileK())))
    return failure();
  if (static_cast<int64_t>(getModulo()) <= 0)
    return emitOpError("expects a positive modulo, but got ") << static_cast<int64_t>(getModulo());
  // schedule_c2
  if (failed(verifyPositions(*this, getBody().front(), 5)))
    return failure();
  // schedule_c3
  if (!isa<RangesOp, ListedOp>(getTerminator()))
    return emitOpError("expects to end in sparse_attn.ranges or sparse_attn.listed, but got '")
           << getTerminator()->getName() << "'";
  // schedule_c4
  for (Operation &op : getBody().front().without_terminator())
    if (!isa<QuerySpanOp, ResidueClassOp, TouchedTilesOp, WholeTilesOp, DisjointOp, ProgressionOp, ClipOp>(op) &&
        !isa_and_nonnull<arith::ArithDialect>(op.getDialect()) && !isReadOfCapture(*this, op))
      return op.emitError("expects ops of schedules, arith ops and reads of captures in a schedule, but got '")
             << op.getName() << "'";
  return success();
}

// schedule_c2
LogicalResult ScheduleOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyCaptures(*this, getPatternAttr(), ValueRange(getCaptures()).getTypes(), symbols);
}

LogicalResult PlanOp::verifyRegions() {
  if (failed(verifyTileSizes(*this, getTileQ(), getTileK())))
    return failure();
  // plan_c1
  if (failed(verifyPositions(*this, getBody().front(), 8)))
    return failure();
  // plan_c2
  auto yield = dyn_cast<YieldOp>(getBody().front().getTerminator());
  if (!yield || yield.getNumOperands() != 2 ||
      !llvm::all_of(yield.getOperandTypes(), [](Type type) { return type.isInteger(1); }))
    return emitOpError("expects to end in a sparse_attn.yield of two i1");
  // plan_c3
  WalkResult reads = walk([&](Operation *op) {
    if (!isa<ReadOp, UpperBoundOp, ReadBoundsOp, BlockCoverageOp>(op))
      return WalkResult::advance();
    auto capture = dyn_cast<BlockArgument>(op->getOperand(0));
    if (capture && capture.getOwner() == &getBody().front() && capture.getArgNumber() >= 8 &&
        isAtOwnRow(op, getBody().front()))
      return WalkResult::advance();
    op->emitOpError("expects to read a capture of the plan, at its batch and head");
    return WalkResult::interrupt();
  });
  return failure(reads.wasInterrupted());
}

// plan_c1
LogicalResult PlanOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyCaptures(*this, getPatternAttr(), ValueRange(getBody().getArguments().drop_front(8)).getTypes(),
                        symbols);
}

LogicalResult ResidueClassOp::verify() {
  // residue_class_c1
  int64_t modulo = cast<ScheduleOp>((*this)->getParentOp()).getModulo();
  if (modulo <= 1)
    return emitOpError("expects a schedule with a modulo above 1, but got ") << modulo;
  return success();
}

LogicalResult ProgressionOp::verify() {
  int64_t tileK = cast<ScheduleOp>((*this)->getParentOp()).getTileK();
  // progression_c1
  if (getStep() <= 0 || getStep() % tileK != 0)
    return emitOpError("expects the step to be a positive multiple of the key tile, but got ")
           << getStep() << " and " << tileK;
  // progression_c2
  if (static_cast<int64_t>(getIndex()) < 0)
    return emitOpError("expects an index that is not negative, but got ") << static_cast<int64_t>(getIndex());
  return success();
}

LogicalResult ClipOp::verify() {
  // clip_c1
  int64_t step = static_cast<int64_t>(getStep());
  if (step <= 0)
    return emitOpError("expects a positive step, but got ") << step;
  return success();
}

LogicalResult ListedOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // listed_c1
  auto schedule = cast<ScheduleOp>((*this)->getParentOp());
  auto plan = symbols.lookupNearestSymbolFrom<PlanOp>(*this, getPlanAttr());
  if (!plan || plan.getPattern() != schedule.getPattern() || plan.getTileQ() != schedule.getTileQ() ||
      plan.getTileK() != schedule.getTileK())
    return emitOpError("expects '") << getPlan() << "' to name a plan of @" << schedule.getPattern() << " for tiles of "
                                    << schedule.getTileQ() << " by " << schedule.getTileK() << ", but found none";
  return success();
}

LogicalResult RangesOp::verify() {
  // ranges_c1
  if (getTouchedFirsts().size() != getTouchedPasts().size() || getFullFirsts().size() != getFullPasts().size() ||
      getTouchedFirsts().size() != getSteps().size())
    return emitOpError("expects as many ends and steps as first tiles, but got ")
           << getTouchedFirsts().size() << " to " << getTouchedPasts().size() << " step " << getSteps().size()
           << " touched and " << getFullFirsts().size() << " to " << getFullPasts().size() << " full";
  // ranges_c2
  ArrayRef<int64_t> steps = getSteps();
  const int64_t *firstStrided = llvm::find_if(steps, [](int64_t step) { return step != 1; });
  if (llvm::any_of(steps, [](int64_t step) { return step < 1; }) ||
      std::find(firstStrided, steps.end(), 1) != steps.end())
    return emitOpError("expects positive steps, those of 1 first, but got ") << getStepsAttr();
  return success();
}

//===----------------------------------------------------------------------===//
// DisjointOp
//===----------------------------------------------------------------------===//

LogicalResult DisjointOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor adaptor,
                                           SmallVectorImpl<Type> &types) {
  types.append(adaptor.getOperands().size(), IndexType::get(context));
  return success();
}
