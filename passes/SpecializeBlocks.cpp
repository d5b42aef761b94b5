//===- SpecializeBlocks.cpp - Which key tiles a query tile visits ---------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns the bands of a pattern into ranges of tiles. With bounds that never
// decrease, the keys that some query of a tile sees are [lo(first), hi(last)),
// and those that every query sees are [lo(last), hi(first)); dividing both by
// the tile size gives the touched and the full tiles. A pattern without bands
// gets a plan instead, which asks its coverage before the first launch.
//
//===----------------------------------------------------------------------===//

#include "dialect/ResidueClass.h"
#include "dialect/SparseAttn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/MaskBits.h"
#include "passes/Passes.h"
#include "passes/PatternBands.h"
#include "passes/ScalarEvaluator.h"
#include "passes/ScheduleExpansion.h"
#include "passes/Tiling.h"

namespace mlir::sparse_attn {
#define GEN_PASS_DEF_SPECIALIZEBLOCKS
#include "passes/Passes.h.inc"
} // namespace mlir::sparse_attn

using namespace mlir;
using namespace mlir::sparse_attn;

namespace {

/// Ranges of key tiles `[firsts[i], pasts[i])`.
struct TileRanges {
  SmallVector<Value> firsts, pasts;

  size_t size() const { return firsts.size(); }
  void push(Value first, Value past) {
    firsts.push_back(first);
    pasts.push_back(past);
  }
};

/// How the tiles of a band are enumerated.
enum class BandKind { Plain, Strided, Unsupported };

class ScheduleBuilder {
public:
  ScheduleBuilder(PatternOp pattern, ScheduleOp schedule)
      : pattern(pattern), schedule(schedule), tileQ(schedule.getTileQ()), tileK(schedule.getTileK()),
        modulo(schedule.getModulo()), builder(OpBuilder::atBlockEnd(&schedule.getBody().front())),
        loc(pattern.getLoc()), scope(builder, loc, pattern, schedule.getCaptures(), schedule.getBatch(),
                                     schedule.getHead(), schedule.getQueryLength(), schedule.getKeyLength()) {}

  /// Emits touched and full ranges; fails, leaving dead IR behind, when the pattern has no bands that suit.
  LogicalResult build();

private:
  BandKind classify(const Band &band) const;
  /// Emits the positions of the tile's first and last query; the bands are those of their class.
  void emitSpan();
  LogicalResult buildBands(Value query, SmallVectorImpl<Band> &bands);
  Band toClass(const Band &band);
  void addPlain(const Band &atFirst, const Band &atLast);
  LogicalResult addStrided(ArrayRef<std::pair<Band, Band>> bands);
  void addProgressionInGaps(Value first, Value past, int64_t step);
  TileRanges makeDisjoint(const TileRanges &ranges);

  PatternOp pattern;
  ScheduleOp schedule;
  int64_t tileQ, tileK, modulo;
  OpBuilder builder;
  Location loc;
  PatternScope scope;
  std::optional<ResidueClass> residue; ///< Of schedules over residue classes.
  Value firstQuery, lastQuery;         ///< Positions in the class.
  Value keyLength;                     ///< Of the class.
  TileRanges touched, full, strided;
  SmallVector<int64_t> stridedSteps;
};

BandKind ScheduleBuilder::classify(const Band &band) const {
  // Distances in one tile take tileQ + tileK - 1 consecutive values: a smaller modulus leaves no tile out.
  if (band.modulus < tileQ + tileK)
    return BandKind::Plain;
  return band.modulus % tileK == 0 ? BandKind::Strided : BandKind::Unsupported;
}

void ScheduleBuilder::addPlain(const Band &atFirst, const Band &atLast) {
  auto some = TouchedTilesOp::create(builder, loc, atFirst.lo, atLast.hi, keyLength);
  touched.push(some.getFirst(), some.getPast());
  if (!atFirst.exact || atFirst.modulus != 1)
    return;
  auto all = WholeTilesOp::create(builder, loc, atLast.lo, atFirst.hi, keyLength);
  full.push(all.getFirst(), all.getPast());
}

TileRanges ScheduleBuilder::makeDisjoint(const TileRanges &ranges) {
  if (ranges.size() < 2)
    return ranges;
  auto disjoint = DisjointOp::create(builder, loc, ranges.firsts, ranges.pasts);
  TileRanges result;
  for (auto [first, past] : llvm::zip(disjoint.getOutFirsts(), disjoint.getOutPasts()))
    result.push(first, past);
  return result;
}

/// The gaps of the touched ranges of step 1 are disjoint from them, so no tile is visited twice.
void ScheduleBuilder::addProgressionInGaps(Value first, Value past, int64_t step) {
  auto add = [&](Value low, Value high) {
    auto clip = ClipOp::create(builder, loc, first, past, builder.getI64IntegerAttr(step), low, high);
    strided.push(clip.getOutFirst(), clip.getOutPast());
    stridedSteps.push_back(step);
  };
  if (touched.size() == 0) {
    strided.push(first, past);
    stridedSteps.push_back(step);
    return;
  }
  Value low = arith::ConstantIndexOp::create(builder, loc, 0);
  for (auto [touchedFirst, touchedPast] : llvm::zip(touched.firsts, touched.pasts)) {
    add(low, touchedFirst);
    low = touchedPast;
  }
  add(low, past);
}

LogicalResult ScheduleBuilder::addStrided(ArrayRef<std::pair<Band, Band>> bands) {
  if (bands.empty())
    return success();
  int64_t modulus = bands.front().first.modulus;
  TileRanges within;
  for (auto &[atFirst, atLast] : bands) {
    if (atFirst.modulus != modulus)
      return failure();
    auto some = TouchedTilesOp::create(builder, loc, atFirst.lo, atLast.hi, keyLength);
    within.push(some.getFirst(), some.getPast());
  }
  within = makeDisjoint(within);
  int64_t progressions = llvm::divideCeil(tileQ - 1, tileK) + 1;
  for (auto [first, past] : llvm::zip(within.firsts, within.pasts))
    for (int64_t index = 0; index < progressions; ++index) {
      auto progression = ProgressionOp::create(builder, loc, builder.getI64IntegerAttr(index),
                                               builder.getI64IntegerAttr(modulus), firstQuery, lastQuery, first, past);
      addProgressionInGaps(progression.getFirst(), progression.getEnd(), modulus / tileK);
    }
  return success();
}

void ScheduleBuilder::emitSpan() {
  ScalarBuilder s(builder, loc);
  Value tile = schedule.getTile(), queryLength = scope.queryLength;
  keyLength = scope.keyLength;
  if (modulo > 1) {
    residue = buildResidueClass(s, tile, queryLength, keyLength, modulo, tileQ);
    tile = residue->tile;
    queryLength = residue->queries;
    keyLength = residue->keys;
  }
  auto span = QuerySpanOp::create(builder, loc, tile, queryLength, keyLength);
  firstQuery = span.getFirst();
  lastQuery = span.getLast();
}

/// A band of keys c + s * m holds those with m in [ceil((lo - c) / s), ceil((hi - c) / s)).
Band ScheduleBuilder::toClass(const Band &band) {
  ScalarBuilder s(builder, loc);
  auto bound = [&](Value key) { return s.floorDiv(s.add(s.sub(key, residue->number), modulo - 1), modulo); };
  // A class that is shorter than others has no queries in its last tile.
  Value hi = s.select(s.lessEqual(firstQuery, lastQuery), bound(band.hi), s.constant(0));
  return {bound(band.lo), hi, band.modulus / modulo, band.exact};
}

LogicalResult ScheduleBuilder::buildBands(Value query, SmallVectorImpl<Band> &bands) {
  ScalarBuilder s(builder, loc);
  Value position = residue ? s.add(s.mul(query, modulo), residue->number) : query;
  if (failed(pattern.getRoot().buildKeyBands(builder, scope, position, bands)))
    return failure();
  for (Band &band : bands) {
    if (band.modulus % modulo != 0)
      return failure();
    if (residue)
      band = toClass(band);
  }
  return success();
}

LogicalResult ScheduleBuilder::build() {
  emitSpan();
  SmallVector<Band> atFirst, atLast;
  if (failed(buildBands(firstQuery, atFirst)) || failed(buildBands(lastQuery, atLast)))
    return failure();

  SmallVector<std::pair<Band, Band>> stridedBands;
  for (auto [low, high] : llvm::zip_equal(atFirst, atLast)) {
    switch (classify(low)) {
    case BandKind::Plain:
      addPlain(low, high);
      break;
    case BandKind::Strided:
      stridedBands.push_back({low, high});
      break;
    case BandKind::Unsupported:
      return failure();
    }
  }
  touched = makeDisjoint(touched);
  full = makeDisjoint(full);
  if (failed(addStrided(stridedBands)))
    return failure();

  SmallVector<int64_t> steps(touched.size(), 1);
  steps.append(stridedSteps);
  touched.firsts.append(strided.firsts);
  touched.pasts.append(strided.pasts);
  RangesOp::create(builder, loc, touched.firsts, touched.pasts, steps, full.firsts, full.pasts);
  return success();
}

/// The largest modulus among the bands of a pattern over the residue classes of `modulo`, 1 where it has none.
int64_t findModulus(PatternOp pattern, int64_t modulo) {
  int64_t modulus = 1;
  for (int64_t each : findBandModuli(pattern))
    modulus = std::max(modulus, each / modulo);
  return modulus;
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

/// Tiles of `size` rows of all classes of a schedule.
int64_t countTiles(ScheduleOp schedule, int64_t length, int64_t size) {
  int64_t modulo = schedule.getModulo();
  return modulo * llvm::divideCeil(llvm::divideCeil(length, modulo), size);
}

/// Sums of work over the query tiles of one head, for static lengths and a schedule in closed form without captures.
std::optional<std::pair<int64_t, int64_t>> countVisitedTiles(ScheduleOp schedule, int64_t queryLength,
                                                             int64_t keyLength) {
  if (schedule.isListed() || !schedule.getCaptures().empty() || ShapedType::isDynamic(queryLength) ||
      ShapedType::isDynamic(keyLength))
    return std::nullopt;
  Block block;
  OpBuilder builder(schedule.getContext());
  builder.setInsertionPointToEnd(&block);
  Location loc = schedule.getLoc();
  ScalarBuilder s(builder, loc);
  Value tile = block.addArgument(builder.getIndexType(), loc);
  // The first head of the first batch stands for all: nothing in closed form depends on them.
  Value arguments[] = {s.constant(0), s.constant(0), tile, s.constant(queryLength), s.constant(keyLength)};
  auto [partial, full] = countTiles(builder, loc, expandSchedule(builder, schedule, arguments));
  YieldOp::create(builder, loc, ValueRange{partial, full});
  ScalarEvaluator evaluator;
  std::pair<int64_t, int64_t> sums(0, 0);
  for (int64_t t = 0, tiles = countTiles(schedule, queryLength, schedule.getTileQ()); t < tiles; ++t) {
    evaluator.set(tile, t);
    if (failed(evaluator.run(block)))
      return std::nullopt;
    sums.first += evaluator.getInteger(partial)->getSExtValue();
    sums.second += evaluator.getInteger(full)->getSExtValue();
  }
  return sums;
}

void remarkOnSchedule(AttentionOp attention, ScheduleOp schedule) {
  InFlightDiagnostic remark = attention.emitRemark() << "@" << schedule.getSymName() << ": ";
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
  int64_t all = countTiles(schedule, queryLength, schedule.getTileQ()) *
                countTiles(schedule, keyLength, schedule.getTileK()) / static_cast<int64_t>(schedule.getModulo());
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
      WalkResult result = function.walk([&](AttentionOp attention) { return specialize(symbols, attention); });
      if (result.wasInterrupted())
        return signalPassFailure();
    }
  }

  WalkResult specialize(SymbolTable &symbols, AttentionOp attention) {
    auto pattern = symbols.lookup<PatternOp>(attention.getPattern());
    FailureOr<SmallVector<TileSizes, 2>> choices = chooseTiles(attention, pattern);
    if (failed(choices))
      return WalkResult::interrupt();
    SmallVector<Attribute> names;
    for (TileSizes tiles : *choices) {
      ScheduleOp schedule = getOrBuildSchedule(symbols, pattern, tiles, attention.getModulo());
      if (schedule.isListed() && schedule.getModulo() > 1)
        return WalkResult(attention.emitOpError("expects a pattern all of whose pairs lie a multiple of modulo(")
                          << schedule.getModulo() << ") apart, in bands, but got @" << pattern.getSymName());
      names.push_back(FlatSymbolRefAttr::get(schedule.getSymNameAttr()));
      if (remarks)
        remarkOnSchedule(attention, schedule);
    }
    attention.setSchedulesAttr(ArrayAttr::get(&getContext(), names));
    return WalkResult::advance();
  }

  FailureOr<SmallVector<TileSizes, 2>> chooseTiles(AttentionOp attention, PatternOp pattern);
  ScheduleOp getOrBuildSchedule(SymbolTable &symbols, PatternOp pattern, TileSizes tiles, int64_t modulo);

  std::shared_ptr<const Tiling> tiling; // shared, as passes are copied
};

/// What tile sizes depend on, of the attention over a pattern.
TilingProblem describeProblem(AttentionOp attention, PatternOp pattern) {
  auto query = cast<ShapedType>(attention.getQuery().getType());
  TilingProblem problem{query.getDimSize(3), query.getElementType(), findModulus(pattern, attention.getModulo())};
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

FailureOr<SmallVector<TileSizes, 2>> SpecializeBlocksPass::chooseTiles(AttentionOp attention, PatternOp pattern) {
  TilingProblem problem = describeProblem(attention, pattern);
  SmallVector<TileSizes, 2> choices = tiling->choose(problem);
  if (tileQ || tileK)
    choices = {{tileQ ? tileQ : choices.front().q, tileK ? tileK : choices.front().k}};
  // Blocks may be of sizes that no tile fits; what is left then is found by the descent, in tiles that do exist.
  std::string reason;
  SmallVector<TileSizes, 2> possible;
  for (TileSizes tiles : choices)
    if (tiling->supports(problem, tiles, reason) && areAlignedToMasks(pattern, tiles, reason))
      possible.push_back(tiles);
  if (possible.empty())
    return attention.emitOpError(reason);
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
  if (succeeded(ScheduleBuilder(pattern, schedule).build())) {
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
