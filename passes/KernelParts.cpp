//===- KernelParts.cpp - A kernel and what it refers to -------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/KernelParts.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::sparse_attn;

KernelParts KernelParts::lookup(KernelOp kernel, SymbolTable &symbols) {
  KernelParts parts;
  parts.kernel = kernel;
  parts.pattern = symbols.lookup<PatternOp>(kernel.getPattern());
  if (kernel.getScoreAttr())
    parts.score = symbols.lookup<ScoreOp>(*kernel.getScore());
  kernel.walk([&](VisitOp visit) { parts.schedule = symbols.lookup<ScheduleOp>(visit.getSchedule()); });
  kernel.walk([&](ForEachBlockOp blocks) { parts.schedule = symbols.lookup<ScheduleOp>(blocks.getSchedule()); });
  if (parts.schedule)
    if (auto listed = dyn_cast<ListedOp>(parts.schedule.getTerminator()))
      parts.plan = symbols.lookup<PlanOp>(listed.getPlan());
  return parts;
}

Block::BlockArgListType KernelParts::getPatternCaptures() {
  return kernel.getCaptures().take_front(pattern.getCaptures().size());
}

SmallVector<bool> KernelParts::getPyramids() {
  SmallVector<bool> pyramids(kernel.getCaptures().size(), false);
  if (plan)
    plan.walk([&](ReadBoundsOp read) { pyramids[plan.getCaptureNumber(read.getArray())] = true; });
  return pyramids;
}

/// The one op of type `OpT` in a block; null when there is none, or more than one.
template <typename OpT> static OpT getOnly(Block &block) {
  auto ops = block.getOps<OpT>();
  return llvm::hasSingleElement(ops) ? *ops.begin() : OpT();
}

/// Are the scores that are masked those of the products, modified or not?
static bool chainsScores(Block &body, ScoresOp scores, MaskOp mask, bool modifies) {
  if (!modifies)
    return mask.getScores() == scores.getResult();
  auto mod = getOnly<ScoreModOp>(body);
  return mod && mod.getScores() == scores.getResult() && mask.getScores() == mod.getResult();
}

/// Does the loop's body chain one load, scores, mask, softmax, rescale and accumulation?
static bool isOnlineSoftmaxLoop(ForEachKeyTileOp loop, bool modifiesScores) {
  if (!loop || loop.getInit().size() != 3)
    return false;
  Block &body = loop.getBody().front();
  auto scores = getOnly<ScoresOp>(body);
  auto mask = getOnly<MaskOp>(body);
  auto softmax = getOnly<OnlineSoftmaxOp>(body);
  auto rescale = getOnly<RescaleOp>(body);
  auto accumulate = getOnly<AccumulateOp>(body);
  if (!scores || !mask || !softmax || !rescale || !accumulate)
    return false;
  auto isLoad = [&](Value value) {
    auto load = value.getDefiningOp<LoadOp>();
    return load && load->getBlock() == &body;
  };
  return isLoad(scores.getKey()) && isLoad(accumulate.getValue()) && chainsScores(body, scores, mask, modifiesScores) &&
         softmax.getScores() == mask.getResult() && softmax.getRowMax() == body.getArgument(3) &&
         softmax.getRowSum() == body.getArgument(4) && rescale.getAccumulator() == body.getArgument(5) &&
         accumulate.getWeights() == softmax.getWeights() && accumulate.getAccumulator() == rescale.getResult();
}

/// Does the loop's body chain two loads, scores, mask, weights and what becomes of them?
static bool isBlockLoop(ForEachBlockOp loop, bool modifiesScores, bool storesWeights) {
  if (!loop || loop.getInit().size() != (storesWeights ? 0 : 1))
    return false;
  Block &body = loop.getBody().front();
  auto scores = getOnly<ScoresOp>(body);
  auto mask = getOnly<MaskOp>(body);
  auto weights = getOnly<WeightsOfOp>(body);
  auto store = getOnly<StoreBlockOp>(body);
  auto add = getOnly<AddColumnsOp>(body);
  if (!scores || !mask || !weights || bool(store) != storesWeights || bool(add) == storesWeights)
    return false;
  auto isLoad = [](Value value) { return bool(value.getDefiningOp<LoadOp>()); };
  Value used = storesWeights ? store.getSource() : add.getWeights();
  return isLoad(scores.getQuery()) && isLoad(scores.getKey()) && isLoad(weights.getLse()) &&
         chainsScores(body, scores, mask, modifiesScores) && weights.getScores() == mask.getResult() &&
         used == weights.getWeights();
}

/// Does the program load the queries first, and then start or resume the softmax?
static bool startsSoftmax(Block &body, bool resumes) {
  SmallVector<LoadOp> loads(body.getOps<LoadOp>());
  if (!resumes)
    return loads.size() == 1 && getOnly<SoftmaxInitOp>(body);
  auto resume = getOnly<SoftmaxResumeOp>(body);
  return loads.size() == 3 && resume && resume.getOutput() == loads[1].getResult() &&
         resume.getLse() == loads[2].getResult();
}

LogicalResult KernelParts::check(const Tiling &tiling) {
  Block &body = kernel.getBody().front();
  if (!pattern || !schedule)
    return kernel.emitOpError("expects a pattern and a visit of a schedule");
  if (kernel.getCaptures().size() < pattern.getCaptures().size())
    return kernel.emitOpError("expects the ")
           << pattern.getCaptures().size() << " captures of its pattern, but got " << kernel.getCaptures().size();
  if (schedule.getPattern() != kernel.getPattern() || schedule.getTileQ() != kernel.getTileQ() ||
      schedule.getTileK() != kernel.getTileK())
    return kernel.emitOpError("expects to visit a schedule of its own pattern and tile sizes, but got @")
           << schedule.getSymName();
  std::string reason;
  TilingProblem problem{kernel.getHeadSize(), kernel.getElementType()};
  if (!tiling.supports(problem, {int64_t(kernel.getTileQ()), int64_t(kernel.getTileK())}, reason))
    return kernel.emitOpError(reason);
  if (kernel.isOverBlocks()) {
    if (!isBlockLoop(getOnly<ForEachBlockOp>(body), bool(score), kernel.getWeights()))
      return kernel.emitOpError("expects the tile program that -sparse-attn-fuse-softmax writes");
    return success();
  }
  if (!getOnly<VisitOp>(body) || !startsSoftmax(body, kernel.getResumes()) || !getOnly<FinalizeOp>(body) ||
      !isOnlineSoftmaxLoop(getOnly<ForEachKeyTileOp>(body), bool(score)))
    return kernel.emitOpError("expects the tile program that -sparse-attn-fuse-softmax writes");
  return success();
}

void mlir::sparse_attn::eraseTilePrograms(ModuleOp module) {
  for (Operation &op : llvm::make_early_inc_range(*module.getBody())) {
    bool launches = false;
    if (isa<func::FuncOp>(op))
      op.walk([&](Operation *inner) { launches |= isa<LaunchOp, LaunchBlocksOp>(inner); });
    if (launches || isa<PatternOp, ScheduleOp, PlanOp, ScoreOp, KernelOp>(op))
      op.erase();
  }
}
