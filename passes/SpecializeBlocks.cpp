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
#include "llvm/ADT/MapVector.h"

namespace mlir::sparse_attn {
#define GEN_PASS_DEF_SPECIALIZEBLOCKS
#include "passes/Passes.h.inc"
} // namespace mlir::sparse_attn

using namespace mlir;
using namespace mlir::sparse_attn;

namespace {

/// Schedules of more ranges would take kernels longer to walk than lists do, and leave the memory that a GPU's kernel
/// keeps for them.
constexpr size_t kMaxRanges = 96;

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
enum class BandKind { Plain, Strided, Columns, Unsupported };

/// A band at the first and at the last query of a tile.
using BandPair = std::pair<Band, Band>;

class ScheduleBuilder {
public:
  ScheduleBuilder(PatternOp pattern, ScheduleOp schedule)
      : pattern(pattern), schedule(schedule), tileQ(schedule.getTileQ()), tileK(schedule.getTileK()),
        modulo(schedule.getModulo()), builder(OpBuilder::atBlockEnd(&schedule.getBody().front())),
        loc(pattern.getLoc()), scope(builder, loc, pattern, schedule.getCaptures(), schedule.getBatch(),
                                     schedule.getHead(), schedule.getQueryLength(), schedule.getKeyLength()) {
    scope.modulo = modulo;
  }

  /// Emits touched and full ranges; fails, leaving dead IR behind, when the pattern has no bands that suit.
  LogicalResult build();

private:
  BandKind classify(const Band &band) const;
  /// Emits the positions of the tile's first and last query; the bands are those of their class.
  void emitSpan();
  LogicalResult buildBands(Value query, SmallVectorImpl<Band> &bands);
  Band toClass(const Band &band);
  void addTouched(const BandPair &band, TileRanges &ranges);
  void addPlain(const BandPair &band);
  LogicalResult addStrided(ArrayRef<BandPair> bands);
  LogicalResult addColumns(ArrayRef<BandPair> bands);
  void addProgression(int64_t index, int64_t step, Value firstKey, Value lastKey, const TileRanges &within);
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
  if (band.modulus >= tileQ + tileK)
    return band.modulus % tileK == 0 ? BandKind::Strided : BandKind::Unsupported;
  std::optional<Columns::Tiles> tiles = band.columns.findTiles(tileK);
  if (!tiles)
    return BandKind::Unsupported;
  return tiles->all ? BandKind::Plain : BandKind::Columns;
}

void ScheduleBuilder::addTouched(const BandPair &band, TileRanges &ranges) {
  const Columns &columns = band.first.columns;
  Value lo = buildFirstColumn(builder, scope, columns, band.first.lo);
  Value hi = buildPastColumn(builder, scope, columns, band.second.hi);
  auto some = TouchedTilesOp::create(builder, loc, lo, hi, keyLength);
  ranges.push(some.getFirst(), some.getPast());
}

/// Tiles between columns may be full one by one; as ranges of step 1 they are not, so those stay partial.
void ScheduleBuilder::addPlain(const BandPair &band) {
  addTouched(band, touched);
  if (!band.first.holdsAllBetween())
    return;
  auto all = WholeTilesOp::create(builder, loc, band.second.lo, band.first.hi, keyLength);
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

void ScheduleBuilder::addProgression(int64_t index, int64_t step, Value firstKey, Value lastKey,
                                     const TileRanges &within) {
  for (auto [first, past] : llvm::zip(within.firsts, within.pasts)) {
    auto progression = ProgressionOp::create(builder, loc, builder.getI64IntegerAttr(index),
                                             builder.getI64IntegerAttr(step), firstKey, lastKey, first, past);
    addProgressionInGaps(progression.getFirst(), progression.getEnd(), step / tileK);
  }
}

LogicalResult ScheduleBuilder::addStrided(ArrayRef<BandPair> bands) {
  if (bands.empty())
    return success();
  int64_t modulus = bands.front().first.modulus;
  TileRanges within;
  for (const BandPair &band : bands) {
    if (band.first.modulus != modulus)
      return failure();
    addTouched(band, within);
  }
  within = makeDisjoint(within);
  int64_t progressions = llvm::divideCeil(tileQ - 1, tileK) + 1;
  for (int64_t index = 0; index < progressions; ++index)
    addProgression(index, modulus, firstQuery, lastQuery, within);
  return success();
}

/// A progression for each tile with columns, of those after which the tiles repeat: that of the tile's first key.
LogicalResult ScheduleBuilder::addColumns(ArrayRef<BandPair> bands) {
  llvm::MapVector<int64_t, TileRanges> withinOfTile;
  int64_t repeat = 0;
  for (const BandPair &band : bands) {
    Columns::Tiles tiles = *band.first.columns.findTiles(tileK);
    if (repeat != 0 && tiles.repeat != repeat)
      return failure();
    repeat = tiles.repeat;
    TileRanges ranges;
    addTouched(band, ranges);
    for (int64_t tile : tiles.some)
      withinOfTile[tile].push(ranges.firsts.front(), ranges.pasts.front());
  }
  for (auto &[tile, ranges] : withinOfTile) {
    Value key = arith::ConstantIndexOp::create(builder, loc, tile * tileK);
    addProgression(/*index=*/0, repeat * tileK, key, key, makeDisjoint(ranges));
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
  return {bound(band.lo), hi, band.modulus / modulo, band.exact, Columns()};
}

LogicalResult ScheduleBuilder::buildBands(Value query, SmallVectorImpl<Band> &bands) {
  ScalarBuilder s(builder, loc);
  Value position = residue ? s.add(s.mul(query, modulo), residue->number) : query;
  if (failed(pattern.getRoot().buildKeyBands(builder, scope, position, bands)))
    return failure();
  for (Band &band : bands) {
    if (!residue)
      continue;
    if (band.modulus % modulo != 0 || band.columns.period > 1)
      return failure();
    band = toClass(band);
  }
  return success();
}

LogicalResult ScheduleBuilder::build() {
  emitSpan();
  SmallVector<Band> atFirst, atLast;
  if (failed(buildBands(firstQuery, atFirst)) || failed(buildBands(lastQuery, atLast)))
    return failure();

  SmallVector<BandPair> stridedBands, columnBands;
  for (auto [low, high] : llvm::zip_equal(atFirst, atLast)) {
    BandPair band(low, high);
    switch (classify(low)) {
    case BandKind::Plain:
      addPlain(band);
      break;
    case BandKind::Strided:
      stridedBands.push_back(band);
      break;
    case BandKind::Columns:
      columnBands.push_back(band);
      break;
    case BandKind::Unsupported:
      return failure();
    }
  }
  touched = makeDisjoint(touched);
  full = makeDisjoint(full);
  // Progressions that follow the query and those that do not may meet in any tile.
  if (!stridedBands.empty() && !columnBands.empty())
    return failure();
  if (failed(addStrided(stridedBands)) || failed(addColumns(columnBands)))
    return failure();

  if (touched.size() + strided.size() + full.size() > kMaxRanges)
    return failure();
  SmallVector<int64_t> steps(touched.size(), 1);
  steps.append(stridedSteps);
  touched.firsts.append(strided.firsts);
  touched.pasts.append(strided.pasts);
  RangesOp::create(builder, loc, touched.firsts, touched.pasts, steps, full.firsts, full.pasts);
  return success();
}

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

/// Tiles of `size` rows of all classes of a schedule.
int64_t countTiles(ScheduleOp schedule, int64_t length, int64_t size) {
  int64_t modulo = schedule.getModulo();
  return modulo * llvm::divideCeil(llvm::divideCeil(length, modulo), size);
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
  TilingProblem problem{query.getDimSize(3), query.getElementType()};
  describeBands(pattern, attention.getModulo(), problem);
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
