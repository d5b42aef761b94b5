//===- TightnessClaims.cpp - Schedules that visit no tile in vain ---------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "Some pair of the tile attends" would need a quantifier. A pair is named
// instead: in each band the first key of the tile, and a query that the shape of the
// band suggests. Where no band holds any of these, nothing is shown.
//
//===----------------------------------------------------------------------===//

#include "passes/prove/Claims.h"
#include "passes/prove/TileClaim.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::prove;

static bool isPlain(const Band &band, int64_t modulo) { return band.exact && band.modulus == modulo; }

/// Tiles of short classes may have none.
static Value hasQueries(TileClaimBuilder &c) { return c.s.lessEqual(c.firstQuery, c.lastQuery); }

/// Does band `index` hold the first key of the tile that it may hold, for one of the queries?
static Value buildWitness(TileClaimBuilder &c, size_t index, Value keyTile) {
  Band first = c.bandsAt(c.firstQuery)[index], last = c.bandsAt(c.lastQuery)[index];
  Value low = c.placeFrom(first.lo), k = c.s.max(c.s.max(low, 0), c.firstKey(keyTile));
  k = buildFirstColumn(c.builder, c.scope, first.columns, k);
  Value exists = c.inRange(k, c.firstKey(keyTile), c.s.min(c.pastKey(keyTile), c.keys));
  // The query at the key itself; and the one that sees the key first, where the bound keeps pace with the query.
  Value diagonal = c.s.clamp(k, c.firstQuery, c.lastQuery);
  Value edge = c.s.clamp(c.s.add(c.firstQuery, c.s.sub(k, low)), c.firstQuery, c.lastQuery);
  Value held = c.s.either(c.inBand(first, c.firstQuery, k), c.inBand(last, c.lastQuery, k));
  for (Value q : {diagonal, edge})
    held = c.s.either(held, c.inBand(c.monotoneBandsAt(q)[index], q, k));
  return c.s.both(exists, held);
}

static Claim claimTouchedTight(PatternOp pattern, ScheduleOp schedule, size_t bands, size_t range) {
  TileClaimBuilder c(pattern, schedule, "tiles of touched range " + Twine(range) + " hold a pair that attends");
  Value keyTile = c.declareKeyTile("key_tile");
  c.assume(c.inTouched(range, keyTile));
  c.assume(hasQueries(c));
  Value witnessed = c.s.boolean(false);
  for (size_t band = 0; band < bands; ++band)
    witnessed = c.s.either(witnessed, buildWitness(c, band, keyTile));
  return c.prove(witnessed, /*optional=*/true);
}

static Claim claimVisitedByQueries(PatternOp pattern, ScheduleOp schedule) {
  TileClaimBuilder c(pattern, schedule, "tiles without queries visit none");
  c.assume(c.s.negate(hasQueries(c)));
  return c.prove(c.s.negate(c.inAnyTouched(c.declareKeyTile("key_tile"))), /*optional=*/true);
}

/// With one band of neighbouring keys, all pairs of a tile attend where the last query sees its first key, and the
/// first query its last one.
static Claim claimFullTight(PatternOp pattern, ScheduleOp schedule) {
  TileClaimBuilder c(pattern, schedule, "whole tiles whose corners attend are full");
  Value keyTile = c.declareKeyTile("key_tile");
  c.assume(c.s.both(c.s.lessEqual(c.s.constant(0), keyTile), c.s.lessEqual(c.pastKey(keyTile), c.keys)));
  c.assume(hasQueries(c));
  Band first = c.bandsAt(c.firstQuery).front(), last = c.bandsAt(c.lastQuery).front();
  c.assume(c.inBand(last, c.lastQuery, c.firstKey(keyTile)));
  c.assume(c.inBand(first, c.firstQuery, c.s.sub(c.pastKey(keyTile), 1)));
  Value full = c.s.boolean(false);
  for (size_t range = 0; range < c.visited.fullFirsts.size(); ++range)
    full = c.s.either(full, c.inFull(range, keyTile));
  return c.prove(full, /*optional=*/true);
}

void mlir::sparse_attn::prove::addTightnessClaims(PatternOp pattern, ScheduleOp schedule, Claims &claims) {
  int64_t modulo = schedule.getModulo();
  if (modulo > 1)
    claims.push_back(claimVisitedByQueries(pattern, schedule));
  ClaimBuilder scratch(pattern, "", modulo);
  SmallVector<Band> bands = scratch.bandsAt(scratch.declareQuery("q"));
  if (bands.empty() || !llvm::all_of(bands, [&](const Band &band) { return isPlain(band, modulo); }))
    return;
  size_t touched = cast<RangesOp>(schedule.getTerminator()).getSteps().size();
  for (size_t range = 0; range < touched; ++range)
    claims.push_back(claimTouchedTight(pattern, schedule, bands.size(), range));
  if (bands.size() == 1 && bands.front().columns.holdAll())
    claims.push_back(claimFullTight(pattern, schedule));
}
