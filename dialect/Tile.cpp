//===- Tile.cpp - Constraints of the tile program -------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/ScalarRegion.h"
#include "dialect/SparseAttn.h"

using namespace mlir;
using namespace mlir::sparse_attn;

//===----------------------------------------------------------------------===//
// Names of region arguments
//===----------------------------------------------------------------------===//

void KernelOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  unsigned count = region.getNumArguments();
  if (count < 7u + (getSequences() ? 1 : 0) + countResults() - 1 + (getResumes() ? 2 : 0))
    return;
  StringRef inputs[] = {"q", "k", isOverBlocks() ? "lse" : "v"}, item[] = {"b", "h", "t"};
  for (auto [argument, name] : llvm::zip(region.getArguments(), inputs))
    setName(argument, name);
  setName(getOutput(), "o");
  if (getSequences())
    setName(getSequenceTable(), "sequences");
  if (getResumes()) {
    setName(getPartialOutput(), "po");
    setName(getPartialLse(), "pl");
  }
  if (getLse())
    setName(getLseTarget(), "lse");
  if (getRowMax())
    setName(getRowMaxTarget(), "row_max");
  for (auto [argument, name] : llvm::zip(region.getArguments().take_back(3), item))
    setName(argument, name);
}

void ScoreOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  StringRef names[] = {"score", "b", "h", "qp", "kp"};
  if (region.getNumArguments() >= std::size(names))
    for (auto [argument, name] : llvm::zip(region.getArguments().take_back(std::size(names)), names))
      setName(argument, name);
}

void ForEachKeyTileOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  StringRef names[] = {"x", "j", "partial"};
  for (auto [argument, name] : llvm::zip(region.getArguments(), names))
    setName(argument, name);
}

void ForEachBlockOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  StringRef names[] = {"n", "j", "partial"};
  for (auto [argument, name] : llvm::zip(region.getArguments(), names))
    setName(argument, name);
}

void ScoreModOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  StringRef names[] = {"score", "qp", "kp"};
  for (auto [argument, name] : llvm::zip(region.getArguments(), names))
    setName(argument, name);
}

void MaskOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  StringRef names[] = {"qp", "kp"};
  for (auto [argument, name] : llvm::zip(region.getArguments(), names))
    setName(argument, name);
}

//===----------------------------------------------------------------------===//
// Constraints
//===----------------------------------------------------------------------===//

LogicalResult KernelOp::verifyRegions() {
  Block &body = getBody().front();
  // kernel_c1
  if (!isa<ReturnOp>(body.getTerminator()))
    return emitOpError("expects to end in sparse_attn.return, but got '") << body.getTerminator()->getName() << "'";
  // kernel_c2
  unsigned arrays = 3 + countResults() + (getResumes() ? 2 : 0) + (getSequences() ? 1 : 0);
  if (body.getNumArguments() < arrays + 3 ||
      !llvm::all_of(body.getArguments().take_back(3), [](Value v) { return v.getType().isIndex(); }))
    return emitOpError("expects ") << arrays << " arrays or more and an item of three index values, but got "
                                   << body.getArgumentTypes();
  // kernel_c3
  if (static_cast<int64_t>(getModulo()) <= 0)
    return emitOpError("expects a positive modulo, but got ") << static_cast<int64_t>(getModulo());
  // kernel_c6
  if ((getWeights() && getColumnSums()) ||
      (isOverBlocks() && (getLse() || getRowMax() || getSequences() || getResumes())))
    return emitOpError("expects weights, column sums or the results of attention, but got several");
  // kernel_c5
  auto table = MemRefType::get({ShapedType::kDynamic, ShapedType::kDynamic}, IntegerType::get(getContext(), 32));
  if (getSequences() && getSequenceTable().getType() != table)
    return emitOpError("expects a table of sequences of type ")
           << table << ", but got " << getSequenceTable().getType();
  return success();
}

LogicalResult KernelOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (!getScoreAttr())
    return success();
  // kernel_c4
  auto score = symbols.lookupNearestSymbolFrom<ScoreOp>(*this, getScoreAttr());
  if (!score)
    return emitOpError("expects '") << *getScore() << "' to name a sparse_attn.score, but found none";
  auto types = ValueRange(score.getCaptures()).getTypes();
  if (getCaptures().size() < types.size() ||
      !llvm::equal(ValueRange(getCaptures().take_back(types.size())).getTypes(), types))
    return emitOpError("expects its last captures to be of the types ")
           << types << ", which @" << *getScore() << " takes";
  return success();
}

LogicalResult ScoreOp::verifyRegions() {
  // score_c1
  Builder builder(getContext());
  SmallVector<Type> expected{builder.getF32Type()};
  expected.append(4, builder.getIndexType());
  Block &body = getBody().front();
  if (body.getNumArguments() < expected.size() ||
      !llvm::equal(ValueRange(body.getArguments().take_back(expected.size())).getTypes(), expected))
    return emitOpError("expects the last arguments to be of the types ")
           << expected << ", but got " << body.getArgumentTypes();
  // score_c2
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getNumOperands() != 1 || !yield.getOperand(0).getType().isF32())
    return emitOpError("expects to end in a sparse_attn.yield of one f32");
  return verifyScalarRegion(getBody(), "a score region");
}

LogicalResult RowsOp::verify() {
  // rows_c1
  if (static_cast<int64_t>(getStep()) <= 0)
    return emitOpError("expects a positive step, but got ") << static_cast<int64_t>(getStep());
  return success();
}

/// Constraints 1 and 2 of a loop over tiles with a state.
template <typename LoopOp> static LogicalResult verifyLoop(LoopOp loop) {
  Block &body = loop.getBody().front();
  Builder builder(loop.getContext());
  SmallVector<Type> expected{builder.getIndexType(), builder.getIndexType(), builder.getI1Type()};
  llvm::append_range(expected, loop.getInit().getTypes());
  if (!llvm::equal(body.getArgumentTypes(), expected))
    return loop.emitOpError("expects region arguments ") << expected << ", but got " << body.getArgumentTypes();
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || !llvm::equal(yield.getOperandTypes(), loop.getInit().getTypes()) ||
      !llvm::equal(loop.getResultTypes(), loop.getInit().getTypes()))
    return loop.emitOpError("expects to yield the types of the state ") << loop.getInit().getTypes();
  return success();
}

// for_each_key_tile_c1, for_each_key_tile_c2
LogicalResult ForEachKeyTileOp::verifyRegions() { return verifyLoop(*this); }

// for_each_block_c1, for_each_block_c2
LogicalResult ForEachBlockOp::verifyRegions() { return verifyLoop(*this); }

LogicalResult ForEachBlockOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // for_each_block_c3
  if (!symbols.lookupNearestSymbolFrom<ScheduleOp>(*this, getScheduleAttr()))
    return emitOpError("expects '") << getSchedule() << "' to name a sparse_attn.schedule, but found none";
  return success();
}

LogicalResult VisitOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // visit_c1
  auto schedule = symbols.lookupNearestSymbolFrom<ScheduleOp>(*this, getScheduleAttr());
  if (!schedule)
    return emitOpError("expects '") << getSchedule() << "' to name a schedule, but found none";
  if (!llvm::equal(getOperandTypes(), schedule.getBody().getArgumentTypes()))
    return emitOpError("expects operands of types ")
           << schedule.getBody().getArgumentTypes() << ", but got " << getOperandTypes();
  return success();
}

LogicalResult ScoreModOp::verifyRegions() {
  // score_mod_c1
  Block &body = getBody().front();
  Builder builder(getContext());
  Type index = builder.getIndexType();
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!llvm::equal(body.getArgumentTypes(), ArrayRef<Type>{builder.getF32Type(), index, index}) || !yield ||
      yield.getNumOperands() != 1 || !yield.getOperand(0).getType().isF32())
    return emitOpError("expects a region on an f32 and two positions of type index that yields one f32");
  return success();
}

LogicalResult MaskOp::verifyRegions() {
  // mask_c1
  Block &body = getBody().front();
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (body.getNumArguments() != 2 || !llvm::all_of(body.getArgumentTypes(), [](Type type) { return type.isIndex(); }) ||
      !yield || yield.getNumOperands() != 1 || !yield.getOperand(0).getType().isInteger(1))
    return emitOpError("expects a region on two positions of type index that yields one i1");
  return success();
}
