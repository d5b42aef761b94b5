//===- SpecializeBlocks.cpp - Which key tiles a query tile visits ---------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Chooses tile sizes, and gives each pattern a schedule in closed form, where
// its bands allow one. Any other pattern gets a plan, which asks its coverage
// before the first launch.
//
//===----------------------------------------------------------------------===//

#include "dialect/ScalarBuilder.h"
#include "dialect/SparseAttn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/MaskBits.h"
#include "passes/Passes.h"
#include "passes/PatternBands.h"
#include "passes/ScalarEvaluator.h"
#include "passes/ScheduleBuilder.h"
#include "passes/ScheduleExpansion.h"
#include "passes/Tiling.h"

namespace mlir::sparse_attn {
#define GEN_PASS_DEF_SPECIALIZEBLOCKS
#include "passes/Passes.h.inc"
} // namespace mlir::sparse_attn

using namespace mlir;
using namespace mlir::sparse_attn;

namespace {

/// Fills in the largest modulus among the bands of a pattern over the residue classes of `modulo`, and the columns of
/// the longest period.
void describeBands(PatternOp pattern, int64_t modulo, TilingProblem &problem) {
  for (const BandShape &band : findBandShapes(pattern)) {
    problem.modulus = std::max(problem.modulus, band.modulus / modulo);
    if (band.columns.period > problem.columns.period)
      problem.columns = band.columns;
  }
}

PlanOp buildPlan(OpBuilder &moduleBuilder, PatternOp pattern, StringRef name, int64_t tileQ, int64_t tileK) {
  Location loc = pattern.getLoc();
  auto plan = PlanOp::create(moduleBuilder, loc, name, pattern.getSymName(), tileQ, tileK);
  Block &body = addPatternBody(plan.getBody(), pattern, 8);
  OpBuilder builder = OpBuilder::atBlockEnd(&body);
  auto position = [&](unsigned index) -> Value { return body.getArgument(index); };
  PatternScope scope(builder, loc, pattern, ValueRange(body.getArguments()).drop_front(8), position(0), position(1),
                     position(6), position(7));
  Coverage coverage =
      pattern.getRoot().buildCoverage(builder, scope, {position(2), position(3), position(4), position(5)});
  YieldOp::create(builder, loc, ValueRange{coverage.any, coverage.all});
  return plan;
}

/// Tiles of `size` rows of one class of a schedule, the longest.
int64_t countTilesOfClass(ScheduleOp schedule, int64_t length, int64_t size) {
  return llvm::divideCeil(llvm::divideCeil(length, static_cast<int64_t>(schedule.getModulo())), size);
}

/// Query tiles of a head; see buildTileCount.
int64_t countQueryTiles(ScheduleOp schedule, int64_t length) {
  int64_t classes = std::min(length, static_cast<int64_t>(schedule.getModulo()));
  return classes * countTilesOfClass(schedule, length, schedule.getTileQ());
}

/// Sums of work over the query tiles of one head, for static lengths and a schedule in closed form that is the same for
/// all heads and captures nothing.
std::optional<std::pair<int64_t, int64_t>> countVisitedTiles(ScheduleOp schedule, int64_t queryLength,
                                                             int64_t keyLength) {
  if (schedule.isListed() || !schedule.getCaptures().empty() || ShapedType::isDynamic(queryLength) ||
      ShapedType::isDynamic(keyLength) || !schedule.getHead().use_empty())
    return std::nullopt;
  Block block;
  OpBuilder builder(schedule.getContext());
  builder.setInsertionPointToEnd(&block);
  Location loc = schedule.getLoc();
  ScalarBuilder s(builder, loc);
  Value tile = block.addArgument(builder.getIndexType(), loc);
  // The first head of the first batch stands for all: this schedule does not depend on them.
  Value arguments[] = {s.constant(0), s.constant(0), tile, s.constant(queryLength), s.constant(keyLength)};
  auto [partial, full] = countTiles(builder, loc, expandSchedule(builder, schedule, arguments, nullptr));
  YieldOp::create(builder, loc, ValueRange{partial, full});
  ScalarEvaluator evaluator;
  std::pair<int64_t, int64_t> sums(0, 0);
  for (int64_t t = 0, tiles = countQueryTiles(schedule, queryLength); t < tiles; ++t) {
    evaluator.set(tile, t);
    if (failed(evaluator.run(block)))
      return std::nullopt;
    sums.first += evaluator.getInteger(partial)->getSExtValue();
    sums.second += evaluator.getInteger(full)->getSExtValue();
  }
  return sums;
}

void remarkOnSchedule(AttendOpInterface attention, ScheduleOp schedule) {
  InFlightDiagnostic remark = attention->emitRemark() << "@" << schedule.getSymName() << ": ";
  if (schedule.isListed()) {
    remark << "tiles are listed before the first launch";
    return;
  }
  auto ranges = cast<RangesOp>(schedule.getTerminator());
  remark << "closed form with " << ranges.getSteps().size() << " touched and " << ranges.getFullFirsts().size()
         << " full ranges";
  int64_t queryLength = cast<ShapedType>(attention.getQuery().getType()).getDimSize(2);
  int64_t keyLength = cast<ShapedType>(attention.getKey().getType()).getDimSize(2);
  auto sums = countVisitedTiles(schedule, queryLength, keyLength);
  if (!sums)
    return;
  int64_t all = countQueryTiles(schedule, queryLength) * countTilesOfClass(schedule, keyLength, schedule.getTileK());
  remark << ", visits " << sums->first << " partial and " << sums->second << " full of " << all << " tiles a head";
}

struct SpecializeBlocksPass final : sparse_attn::impl::SpecializeBlocksBase<SpecializeBlocksPass> {
  using Base::Base;

  void runOnOperation() override {
    std::string message;
    FailureOr<std::unique_ptr<Tiling>> found = getTiling(target, message);
    if (failed(found)) {
      getOperation().emitError(message);
      return signalPassFailure();
    }
    tiling = std::move(*found);
    SymbolTable symbols(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      WalkResult result = function.walk([&](AttendOpInterface attention) { return specialize(symbols, attention); });
      if (result.wasInterrupted())
        return signalPassFailure();
    }
  }

  WalkResult specialize(SymbolTable &symbols, AttendOpInterface attention) {
    auto pattern = symbols.lookup<PatternOp>(attention.getPattern());
    SmallVector<Attribute> names;
    int64_t modulo = attention.getModulo();
    if (failed(addSchedules(symbols, attention, pattern, modulo, names)))
      return WalkResult::interrupt();
    if (modulo > 1 && areClassesShort(attention, pattern) &&
        failed(addSchedules(symbols, attention, pattern, /*modulo=*/1, names)))
      return WalkResult::interrupt();
    attention.setSchedulesAttr(ArrayAttr::get(&getContext(), names));
    return WalkResult::advance();
  }

  /// Adds the names of the schedules for all sizes of tiles.
  LogicalResult addSchedules(SymbolTable &symbols, AttendOpInterface attention, PatternOp pattern, int64_t modulo,
                             SmallVectorImpl<Attribute> &names);
  /// May residue classes have so few rows that most of a tile of theirs is empty, where strided tiles of all positions
  /// would do?
  bool areClassesShort(AttendOpInterface attention, PatternOp pattern);
  FailureOr<SmallVector<TileSizes, 2>> chooseTiles(AttendOpInterface attention, PatternOp pattern, int64_t modulo);
  ScheduleOp getOrBuildSchedule(SymbolTable &symbols, PatternOp pattern, TileSizes tiles, int64_t modulo);

  std::shared_ptr<const Tiling> tiling; // shared, as passes are copied
};

/// What tile sizes depend on, of the attention over a pattern.
TilingProblem describeProblem(AttendOpInterface attention, PatternOp pattern, int64_t modulo) {
  auto query = cast<ShapedType>(attention.getQuery().getType());
  TilingProblem problem{query.getDimSize(3), query.getElementType()};
  describeBands(pattern, modulo, problem);
  pattern.walk([&](PatternOpInterface op) {
    BlockSizes blocks = op.getBlockSizes();
    if (blocks.q == 0)
      return;
    problem.blockQ = problem.blockQ ? std::min(problem.blockQ, blocks.q) : blocks.q;
    problem.blockK = problem.blockK ? std::min(problem.blockK, blocks.k) : blocks.k;
  });
  return problem;
}

/// Can kernels of these tiles read the masks that a pattern captures? If not, `reason` says why.
bool areAlignedToMasks(PatternOp pattern, TileSizes tiles, std::string &reason) {
  for (BlockArgument capture : pattern.getCaptures()) {
    auto mask = dyn_cast<BlockMaskType>(capture.getType());
    if (!mask || (areAligned(tiles.q, mask.getQueryBlock()) && areAligned(tiles.k, mask.getKeyBlock())))
      continue;
    llvm::raw_string_ostream(reason) << "expects tiles that are multiples or divisors of the blocks of '" << mask
                                     << "', but got " << tiles.q << " and " << tiles.k;
    return false;
  }
  return true;
}

LogicalResult SpecializeBlocksPass::addSchedules(SymbolTable &symbols, AttendOpInterface attention, PatternOp pattern,
                                                 int64_t modulo, SmallVectorImpl<Attribute> &names) {
  FailureOr<SmallVector<TileSizes, 2>> choices = chooseTiles(attention, pattern, modulo);
  if (failed(choices))
    return failure();
  for (TileSizes tiles : *choices) {
    ScheduleOp schedule = getOrBuildSchedule(symbols, pattern, tiles, modulo);
    if (schedule.isListed() && modulo > 1)
      return attention->emitOpError("expects a pattern all of whose pairs lie a multiple of modulo(")
             << modulo << ") apart, in bands, but got @" << pattern.getSymName();
    names.push_back(FlatSymbolRefAttr::get(schedule.getSymNameAttr()));
    if (remarks)
      remarkOnSchedule(attention, schedule);
  }
  return success();
}

/// Each class takes an item at least, and so a tile: of short sequences with a long step, nearly all of it is padding.
bool SpecializeBlocksPass::areClassesShort(AttendOpInterface attention, PatternOp pattern) {
  int64_t modulo = attention.getModulo();
  FailureOr<SmallVector<TileSizes, 2>> choices = chooseTiles(attention, pattern, /*modulo=*/1);
  if (failed(choices))
    return false;
  TileSizes tiles = choices->front();
  return modulo >= tiles.q + tiles.k && modulo % tiles.k == 0 &&
         llvm::all_of(findBandShapes(pattern), [&](const BandShape &band) { return band.modulus == modulo; });
}

FailureOr<SmallVector<TileSizes, 2>> SpecializeBlocksPass::chooseTiles(AttendOpInterface attention, PatternOp pattern,
                                                                       int64_t modulo) {
  TilingProblem problem = describeProblem(attention, pattern, modulo);
  SmallVector<TileSizes, 2> choices = tiling->choose(problem);
  if (auto weights = dyn_cast<WeightsOp>(attention.getOperation())) {
    ArrayRef<int64_t> shape = cast<ShapedType>(weights.getValues().getType()).getShape();
    choices = {{shape[1], shape[2]}};
  } else if (tileQ || tileK) {
    choices = {{tileQ ? tileQ : choices.front().q, tileK ? tileK : choices.front().k}};
  }
  // Blocks may be of sizes that no tile fits; what is left then is found by the descent, in tiles that do exist.
  std::string reason;
  SmallVector<TileSizes, 2> possible;
  for (TileSizes tiles : choices)
    if (tiling->supports(problem, tiles, reason) && areAlignedToMasks(pattern, tiles, reason))
      possible.push_back(tiles);
  if (possible.empty())
    return attention->emitOpError(reason);
  // Blocks are listed by one schedule.
  if (!isa<AttentionOp>(attention.getOperation()))
    possible.resize(1);
  return possible;
}

ScheduleOp SpecializeBlocksPass::getOrBuildSchedule(SymbolTable &symbols, PatternOp pattern, TileSizes tiles,
                                                    int64_t modulo) {
  std::string name = (pattern.getSymName() + "_" + Twine(tiles.q) + "x" + Twine(tiles.k)).str();
  if (modulo > 1)
    name += "_modulo" + std::to_string(modulo);
  if (auto schedule = symbols.lookup<ScheduleOp>(name))
    return schedule;
  OpBuilder builder(&getContext());
  builder.setInsertionPointAfter(pattern);
  auto schedule = ScheduleOp::create(builder, pattern.getLoc(), name, pattern.getSymName(), tiles.q, tiles.k, modulo);
  symbols.insert(schedule);
  Block &body = addPatternBody(schedule.getBody(), pattern, 5);
  if (succeeded(buildSchedule(pattern, schedule))) {
    ++closedForm;
    ranges += cast<RangesOp>(schedule.getTerminator()).getSteps().size();
    return schedule;
  }
  body.clear();
  builder.setInsertionPoint(schedule);
  PlanOp plan = buildPlan(builder, pattern, name + "_plan", tiles.q, tiles.k);
  symbols.insert(plan);
  builder.setInsertionPointToEnd(&body);
  ListedOp::create(builder, pattern.getLoc(), plan.getSymName());
  ++listed;
  return schedule;
}

} // namespace
