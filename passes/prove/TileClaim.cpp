//===- TileClaim.cpp - Claims about a query tile --------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/prove/TileClaim.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::prove;

TileClaimBuilder::TileClaimBuilder(PatternOp pattern, ScheduleOp schedule, const Twine &name)
    : ClaimBuilder(pattern, name), tileQ(schedule.getTileQ()), tileK(schedule.getTileK()), tile(declare("tile")) {
  assume(s.lessEqual(s.constant(0), tile));
  assume(s.less(s.mul(tile, tileQ), queryLength));
  // By rows, and not by the schedule's query_span, which is part of what is proved.
  Value offset = s.sub(keyLength, queryLength), firstRow = s.mul(tile, tileQ);
  firstQuery = s.add(firstRow, offset);
  lastQuery = s.add(s.sub(s.min(s.add(firstRow, tileQ), queryLength), 1), offset);
  visited = expandSchedule(builder, schedule, withCaptures({batch, head, tile, queryLength, keyLength}),
                           /*access=*/nullptr);
}

Value TileClaimBuilder::declareQueryOfTile(StringRef name) {
  Value q = declare(name);
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
