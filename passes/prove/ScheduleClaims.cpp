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
  void claimVisited(size_t bands);
  void claimPredicateVisited();
  void claimBandVisited(size_t band);
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

void ScheduleClaims::claimBandVisited(size_t band) {
  TileClaimBuilder c = about("pairs of band " + Twine(band) + " lie in visited tiles");
  Value q = c.declareQueryOfTile("q"), k = c.declareKey("k");
  c.assume(c.inBand(c.bandsAt(q)[band], q, k));
  claims.push_back(c.prove(c.inAnyTouched(c.s.floorDiv(k, c.tileK))));
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
  claims.push_back(c.prove(c.inRange(c.firstKey(keyTile), c.s.constant(0), c.keyLength)));
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
  Value q = c.declareQueryOfTile("q"), k = c.declare("k");
  c.assume(c.inRange(k, c.firstKey(keyTile), c.pastKey(keyTile)));
  Value exists = c.inRange(k, c.s.constant(0), c.keyLength);
  claims.push_back(c.prove(c.s.both(exists, c.attends(q, k))));
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

void ScheduleClaims::claimVisited(size_t bands) {
  if (bands == 0)
    claimPredicateVisited();
  for (size_t band = 0; band < bands; ++band)
    claimBandVisited(band);
}

void ScheduleClaims::add() {
  ClaimBuilder scratch(pattern, "");
  claimVisited(scratch.bandsAt(scratch.declareQuery("q")).size());
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
