//===- ScheduleBuilder.cpp - The schedule of a pattern with bands ----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns the bands of a pattern into ranges of tiles. With bounds that never
// decrease, the keys that some query of a tile sees are [lo(first), hi(last)),
// and those that every query sees are [lo(last), hi(first)); dividing both by
// the tile size gives the touched and the full tiles.
//
//===----------------------------------------------------------------------===//

#include "passes/ScheduleBuilder.h"
#include "dialect/ScalarBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/MapVector.h"

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
  Value number;                ///< That of the residue class, for schedules over these.
  Value firstQuery, lastQuery; ///< Positions in the class.
  Value keyLength;             ///< Of the class.
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
  Value tile = schedule.getTile(), queryLength = scope.queryLength;
  keyLength = scope.keyLength;
  if (modulo > 1) {
    auto residue = ResidueClassOp::create(builder, loc, tile, queryLength, keyLength);
    number = residue.getNumber();
    tile = residue.getTile();
    queryLength = residue.getQueries();
    keyLength = residue.getKeys();
  }
  auto span = QuerySpanOp::create(builder, loc, tile, queryLength, keyLength);
  firstQuery = span.getFirst();
  lastQuery = span.getLast();
}

/// A band of keys c + s * m holds those with m in [ceil((lo - c) / s), ceil((hi - c) / s)).
Band ScheduleBuilder::toClass(const Band &band) {
  ScalarBuilder s(builder, loc);
  auto bound = [&](Value key) { return s.floorDiv(s.add(s.sub(key, number), modulo - 1), modulo); };
  // A class that is shorter than others has no queries in its last tile.
  Value hi = s.select(s.lessEqual(firstQuery, lastQuery), bound(band.hi), s.constant(0));
  return {bound(band.lo), hi, band.modulus / modulo, band.exact, Columns()};
}

LogicalResult ScheduleBuilder::buildBands(Value query, SmallVectorImpl<Band> &bands) {
  ScalarBuilder s(builder, loc);
  Value position = number ? s.add(s.mul(query, modulo), number) : query;
  if (failed(pattern.getRoot().buildKeyBands(builder, scope, position, bands)))
    return failure();
  for (Band &band : bands) {
    if (!number)
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

} // namespace

LogicalResult mlir::sparse_attn::buildSchedule(PatternOp pattern, ScheduleOp schedule) {
  return ScheduleBuilder(pattern, schedule).build();
}
