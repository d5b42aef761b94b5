//===- TileClaim.cpp - Claims about a query tile --------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/prove/TileClaim.h"
#include "passes/prove/ClassFacts.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::prove;

TileClaimBuilder::TileClaimBuilder(PatternOp pattern, ScheduleOp schedule, const Twine &name)
    : ClaimBuilder(pattern, name, schedule.getModulo()), tileQ(schedule.getTileQ()), tileK(schedule.getTileK()) {
  ResidueClass residue = declareClass();
  keys = residue.keys;
  // By rows, and not by the schedule's query_span, which is part of what is proved.
  Value offset = s.sub(keys, residue.queries), firstRow = s.mul(residue.tile, tileQ);
  firstQuery = s.add(firstRow, offset);
  lastQuery = s.add(s.sub(s.min(s.add(firstRow, tileQ), residue.queries), 1), offset);
  // Schedules over classes know the number of the tile by its class alone: of itself it may be any here.
  Value tile = modulo == 1 ? residue.tile : declare("query_tile");
  visited = expandSchedule(builder, schedule, withCaptures({batch, head, tile, queryLength, keyLength}),
                           /*access=*/nullptr, modulo == 1 ? nullptr : &residue);
}

/// The class of the tile, of which all is known that claims about classes say; all positions are a class of their own.
ResidueClass TileClaimBuilder::declareClass() {
  ResidueClass residue{number, s.constant(0), queryLength, keyLength, Value()};
  if (modulo > 1) {
    residue.firstRow = declare("first_row");
    residue.queries = declareHidden();
    residue.keys = declareHidden();
  }
  residue.tile = declare("tile");
  if (modulo == 1) {
    assume(s.lessEqual(s.constant(0), residue.tile));
    assume(s.less(s.mul(residue.tile, tileQ), queryLength));
  } else {
    for (Value fact : buildClassFacts(s, residue, queryLength, keyLength, modulo, tileQ))
      assume(fact);
  }
  return residue;
}

Value TileClaimBuilder::declareQueryOfTile(StringRef name) {
  Value q = declarePlace(name);
  assume(s.both(s.lessEqual(firstQuery, q), s.lessEqual(q, lastQuery)));
  return q;
}

SmallVector<Band> TileClaimBuilder::monotoneBandsAt(Value q) {
  SmallVector<Band> bands = bandsAt(q), firstBands = bandsAt(firstQuery), lastBands = bandsAt(lastQuery);
  for (auto [band, first, last] : llvm::zip_equal(bands, firstBands, lastBands))
    for (auto [low, middle, high] : {std::tuple(first.lo, band.lo, last.lo), std::tuple(first.hi, band.hi, last.hi)})
      assume(s.both(s.lessEqual(low, middle), s.lessEqual(middle, high)));
  return bands;
}

Value TileClaimBuilder::inTouched(size_t index, Value keyTile) {
  Value first = visited.touchedFirsts[index], past = visited.touchedPasts[index];
  return s.both(inRange(keyTile, first, past), divides(visited.steps[index], s.sub(keyTile, first)));
}

Value TileClaimBuilder::inFull(size_t index, Value keyTile) {
  return inRange(keyTile, visited.fullFirsts[index], visited.fullPasts[index]);
}

Value TileClaimBuilder::inAnyTouched(Value keyTile, bool closed) {
  Value held = s.boolean(false);
  for (size_t index = 0; index < visited.steps.size(); ++index)
    if (!closed || visited.steps[index] == 1)
      held = s.either(held, inTouched(index, keyTile));
  return held;
}
