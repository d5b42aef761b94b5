//===- TightnessClaims.cpp - Schedules that visit no tile in vain ---------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "Some pair of the tile attends" would need a quantifier. A pair is named
// instead: in each band the first key of the tile, seen by a query that the shape
// of the band suggests. Where none of these attends, nothing is shown.
//
//===----------------------------------------------------------------------===//

#include "passes/prove/Claims.h"
#include "passes/prove/TileClaim.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::prove;

static bool isPlain(const Band &band) { return band.exact && band.modulus == 1; }

/// Does one of the queries attend to the first key of the tile that `band` (asked for at the first query) holds?
static Value buildWitness(TileClaimBuilder &c, const Band &band, Value keyTile) {
  Value k = c.s.max(c.s.max(band.lo, 0), c.firstKey(keyTile));
  Value exists = c.inRange(k, c.firstKey(keyTile), c.s.min(c.pastKey(keyTile), c.keyLength));
  // The query at the key itself; and the one that sees the key first, where the bound keeps pace with the query.
  Value diagonal = c.s.clamp(k, c.firstQuery, c.lastQuery);
  Value edge = c.s.clamp(c.s.add(c.firstQuery, c.s.sub(k, band.lo)), c.firstQuery, c.lastQuery);
  Value attends = c.s.boolean(false);
  for (Value q : {c.firstQuery, c.lastQuery, diagonal, edge})
    attends = c.s.either(attends, c.attends(q, k));
  return c.s.both(exists, attends);
}

static Claim claimTouchedTight(PatternOp pattern, ScheduleOp schedule, size_t range) {
  TileClaimBuilder c(pattern, schedule, "tiles of touched range " + Twine(range) + " hold a pair that attends");
  Value keyTile = c.declareKeyTile("key_tile");
  c.assume(c.inTouched(range, keyTile));
  Value witnessed = c.s.boolean(false);
  for (const Band &band : c.bandsAt(c.firstQuery))
    if (isPlain(band))
      witnessed = c.s.either(witnessed, buildWitness(c, band, keyTile));
  return c.prove(witnessed, /*optional=*/true);
}

/// With one band, all pairs of a tile attend where those at its four corners do.
static Claim claimFullTight(PatternOp pattern, ScheduleOp schedule) {
  TileClaimBuilder c(pattern, schedule, "whole tiles whose corners attend are full");
  Value keyTile = c.declareKeyTile("key_tile");
  c.assume(c.s.both(c.s.lessEqual(c.s.constant(0), keyTile), c.s.lessEqual(c.pastKey(keyTile), c.keyLength)));
  for (Value q : {c.firstQuery, c.lastQuery})
    for (Value k : {c.firstKey(keyTile), c.s.sub(c.pastKey(keyTile), 1)})
      c.assume(c.attends(q, k));
  Value full = c.s.boolean(false);
  for (size_t range = 0; range < c.visited.fullFirsts.size(); ++range)
    full = c.s.either(full, c.inFull(range, keyTile));
  return c.prove(full, /*optional=*/true);
}

void mlir::sparse_attn::prove::addTightnessClaims(PatternOp pattern, ScheduleOp schedule, Claims &claims) {
  ClaimBuilder scratch(pattern, "");
  SmallVector<Band> bands = scratch.bandsAt(scratch.declareQuery("q"));
  if (bands.empty() || !llvm::all_of(bands, isPlain))
    return;
  size_t touched = cast<RangesOp>(schedule.getTerminator()).getSteps().size();
  for (size_t range = 0; range < touched; ++range)
    claims.push_back(claimTouchedTight(pattern, schedule, range));
  if (bands.size() == 1)
    claims.push_back(claimFullTight(pattern, schedule));
}
