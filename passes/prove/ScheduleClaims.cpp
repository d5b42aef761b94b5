//===- ScheduleClaims.cpp - Schedules against their pattern ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/prove/Claims.h"
#include "passes/prove/TileClaim.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::prove;

namespace {

/// The claims about one schedule. `count...` are those of its terminator.
class ScheduleClaims {
public:
  ScheduleClaims(PatternOp pattern, ScheduleOp schedule, Claims &claims)
      : pattern(pattern), schedule(schedule), ranges(cast<RangesOp>(schedule.getTerminator())), claims(claims) {}

  void add();

private:
  TileClaimBuilder about(const Twine &name) { return TileClaimBuilder(pattern, schedule, name); }
  void claimVisited();
  void claimPredicateVisited();
  void claimBandVisited(size_t index);
  void claimStridedBandVisited(size_t index, int64_t modulus);
  void claimTouchedExists(size_t range);
  void claimTouchedApart(size_t range, size_t other);
  void claimFullAttends(size_t range);
  void claimFullTouched(size_t range);
  void claimFullApart(size_t range, size_t other);

  PatternOp pattern;
  ScheduleOp schedule;
  RangesOp ranges;
  Claims &claims;
};

void ScheduleClaims::claimBandVisited(size_t index) {
  TileClaimBuilder c = about("pairs of band " + Twine(index) + " lie in visited tiles");
  Value q = c.declareQueryOfTile("q"), k = c.declareKey("k");
  c.assume(c.inBand(c.monotoneBandsAt(q)[index], q, k));
  claims.push_back(c.prove(c.inAnyTouched(c.s.floorDiv(k, c.tileK))));
}

/// How many key tiles after that of the tile's first query the query `q` would lie, were it a key.
Value buildTileOffset(TileClaimBuilder &c, Value q) {
  return c.s.sub(c.s.floorDiv(q, c.tileK), c.s.floorDiv(c.firstQuery, c.tileK));
}

/// A key that lies some strides before its query lies that many strides of tiles before the query's tile: there is no
/// quotient but that of the query. Its tile is one of a few, and the case is split by it.
/// `modulus` counts places.
void ScheduleClaims::claimStridedBandVisited(size_t index, int64_t modulus) {
  int64_t cases = llvm::divideCeil(schedule.getTileQ() - 1, schedule.getTileK()) + 1;
  for (int64_t offset = 0; offset < cases; ++offset) {
    TileClaimBuilder c = about("pairs of band " + Twine(index) + " lie in visited tiles, case " + Twine(offset));
    Value q = c.declareQueryOfTile("q"), k = c.declareKey("k"), strides = c.declare("strides");
    Band band = c.monotoneBandsAt(q)[index];
    c.assume(c.inRange(c.positionOf(k), band.lo, band.hi));
    c.assume(c.s.equal(c.s.sub(q, k), c.s.mul(strides, modulus)));
    c.assume(c.s.equal(buildTileOffset(c, q), c.s.constant(offset)));
    Value keyTile = c.s.sub(c.s.floorDiv(q, c.tileK), c.s.mul(strides, modulus / c.tileK));
    claims.push_back(c.prove(c.inAnyTouched(keyTile)));
  }
  TileClaimBuilder c = about("pairs of band " + Twine(index) + " fall into these cases");
  Value offset = buildTileOffset(c, c.declareQueryOfTile("q"));
  claims.push_back(c.prove(c.inRange(offset, c.s.constant(0), c.s.constant(cases))));
}

/// The same for a pattern without bands: somebody wrote the schedule by hand.
void ScheduleClaims::claimPredicateVisited() {
  TileClaimBuilder c = about("attending pairs lie in visited tiles");
  Value q = c.declareQueryOfTile("q"), k = c.declareKey("k");
  c.assume(c.attends(q, k));
  claims.push_back(c.prove(c.inAnyTouched(c.s.floorDiv(k, c.tileK))));
}

void ScheduleClaims::claimTouchedExists(size_t range) {
  TileClaimBuilder c = about("tiles of touched range " + Twine(range) + " exist");
  Value keyTile = c.declareKeyTile("key_tile");
  c.assume(c.inTouched(range, keyTile));
  claims.push_back(c.prove(c.inRange(c.firstKey(keyTile), c.s.constant(0), c.keys)));
}

/// Ranges of step 1 ascend; one with a step shares no tile with any other.
void ScheduleClaims::claimTouchedApart(size_t range, size_t other) {
  TileClaimBuilder c = about("touched ranges " + Twine(range) + " and " + Twine(other) + " share no tile");
  Value keyTile = c.declareKeyTile("key_tile");
  c.assume(c.inTouched(range, keyTile));
  if (c.visited.steps[other] != 1) {
    claims.push_back(c.prove(c.s.negate(c.inTouched(other, keyTile))));
    return;
  }
  Value later = c.declareKeyTile("later_tile");
  c.assume(c.inTouched(other, later));
  claims.push_back(c.prove(c.s.less(keyTile, later)));
}

void ScheduleClaims::claimFullAttends(size_t range) {
  TileClaimBuilder c = about("every pair of full range " + Twine(range) + " attends");
  Value keyTile = c.declareKeyTile("key_tile");
  c.assume(c.inFull(range, keyTile));
  Value q = c.declareQueryOfTile("q"), k = c.declarePlace("k");
  c.assume(c.inRange(k, c.firstKey(keyTile), c.pastKey(keyTile)));
  Value exists = c.inRange(k, c.s.constant(0), c.keys);
  // Pairs of a band attend, which is a claim of its own.
  SmallVector<Band> bands = c.monotoneBandsAt(q);
  Value attends = bands.empty() ? c.attends(q, k) : c.s.boolean(false);
  for (const Band &band : bands)
    if (band.exact)
      attends = c.s.either(attends, c.inBand(band, q, k));
  claims.push_back(c.prove(c.s.both(exists, attends)));
}

/// Partial tiles are counted as touched less full.
void ScheduleClaims::claimFullTouched(size_t range) {
  TileClaimBuilder c = about("full range " + Twine(range) + " is touched");
  Value keyTile = c.declareKeyTile("key_tile");
  c.assume(c.inFull(range, keyTile));
  claims.push_back(c.prove(c.inAnyTouched(keyTile, /*closed=*/true)));
}

void ScheduleClaims::claimFullApart(size_t range, size_t other) {
  TileClaimBuilder c = about("full ranges " + Twine(range) + " and " + Twine(other) + " share no tile");
  Value keyTile = c.declareKeyTile("key_tile"), later = c.declareKeyTile("later_tile");
  c.assume(c.inFull(range, keyTile));
  c.assume(c.inFull(other, later));
  claims.push_back(c.prove(c.s.less(keyTile, later)));
}

void ScheduleClaims::claimVisited() {
  int64_t modulo = schedule.getModulo();
  ClaimBuilder scratch(pattern, "", modulo);
  SmallVector<Band> bands = scratch.bandsAt(scratch.declareQuery("q"));
  if (bands.empty())
    claimPredicateVisited();
  for (auto [index, band] : llvm::enumerate(bands)) {
    int64_t modulus = band.modulus / modulo;
    if (modulus > 1 && modulus % schedule.getTileK() == 0)
      claimStridedBandVisited(index, modulus);
    else
      claimBandVisited(index);
  }
}

void ScheduleClaims::add() {
  claimVisited();
  size_t touched = ranges.getSteps().size(), full = ranges.getFullFirsts().size();
  for (size_t range = 0; range < touched; ++range) {
    claimTouchedExists(range);
    for (size_t other = range + 1; other < touched; ++other)
      claimTouchedApart(range, other);
  }
  for (size_t range = 0; range < full; ++range) {
    claimFullAttends(range);
    claimFullTouched(range);
    for (size_t other = range + 1; other < full; ++other)
      claimFullApart(range, other);
  }
}

} // namespace

void mlir::sparse_attn::prove::addScheduleClaims(PatternOp pattern, ScheduleOp schedule, Claims &claims) {
  ScheduleClaims(pattern, schedule, claims).add();
}
