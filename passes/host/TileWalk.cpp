//===- TileWalk.cpp - The loops over the visited key tiles ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/host/TileWalk.h"
#include "dialect/ScalarBuilder.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::host;

/// Rows of the table: first tiles, ends and steps of the touched ranges, first tiles and ends of the full ones.
static int64_t tableSize(size_t touched, size_t full) { return 3 * touched + 2 * full; }

int64_t host::rangeTableSize(RangesOp ranges) {
  return tableSize(ranges.getSteps().size(), ranges.getFullFirsts().size());
}

namespace {

class RangeWalk {
public:
  RangeWalk(OpBuilder &builder, Location loc, const VisitRanges &ranges, Value table)
      : builder(builder), loc(loc), ranges(ranges), table(table), touchedCount(ranges.steps.size()),
        fullCount(ranges.fullFirsts.size()) {}

  void storeRanges();
  void walkPartial(TileBody body);
  void walkFull(TileBody body);

private:
  Value entry(OpBuilder &nested, int64_t row, Value index) {
    ScalarBuilder s(nested, loc);
    return memref::LoadOp::create(nested, loc, table, ValueRange{s.add(index, row)});
  }
  Value skipFull(Value tile);

  OpBuilder &builder;
  Location loc;
  const VisitRanges &ranges;
  Value table;
  int64_t touchedCount, fullCount;
};

void RangeWalk::storeRanges() {
  ScalarBuilder s(builder, loc);
  int64_t next = 0;
  auto store = [&](ArrayRef<Value> values) {
    for (Value value : values)
      memref::StoreOp::create(builder, loc, value, table, ValueRange{s.constant(next++)});
  };
  store(ranges.touchedFirsts);
  store(ranges.touchedPasts);
  store(llvm::map_to_vector(ranges.steps, [&](int64_t step) { return s.constant(step); }));
  store(ranges.fullFirsts);
  store(ranges.fullPasts);
}

/// The first tile at or behind `tile` that is not full. One sweep: the full ranges ascend.
Value RangeWalk::skipFull(Value tile) {
  if (fullCount == 0)
    return tile;
  ScalarBuilder s(builder, loc);
  auto sweep = scf::ForOp::create(builder, loc, s.constant(0), s.constant(fullCount), s.constant(1), tile,
                                  [&](OpBuilder &nested, Location, Value index, ValueRange state) {
                                    ScalarBuilder n(nested, loc);
                                    Value first = entry(nested, 3 * touchedCount, index);
                                    Value past = entry(nested, 3 * touchedCount + fullCount, index);
                                    Value inside = n.both(n.lessEqual(first, state[0]), n.less(state[0], past));
                                    scf::YieldOp::create(nested, loc, n.select(inside, past, state[0]));
                                  });
  return sweep.getResult(0);
}

void RangeWalk::walkPartial(TileBody body) {
  ScalarBuilder s(builder, loc);
  OpBuilder::InsertionGuard guard(builder);
  auto loop = scf::ForOp::create(builder, loc, s.constant(0), s.constant(touchedCount), s.constant(1));
  builder.setInsertionPointToStart(loop.getBody());
  Value range = loop.getInductionVar();
  Value past = entry(builder, touchedCount, range), step = entry(builder, 2 * touchedCount, range);
  auto walk = scf::WhileOp::create(
      builder, loc, TypeRange{builder.getIndexType()}, ValueRange{entry(builder, 0, range)},
      [&](OpBuilder &nested, Location, ValueRange tile) {
        Value more = ScalarBuilder(nested, loc).less(tile[0], past);
        scf::ConditionOp::create(nested, loc, more, tile);
      },
      [&](OpBuilder &, Location, ValueRange) {});
  builder.setInsertionPointToStart(walk.getAfterBody());
  Value tile = skipFull(walk.getAfterArguments()[0]);
  auto exists = scf::IfOp::create(builder, loc, s.less(tile, past), /*withElseRegion=*/false);
  scf::YieldOp::create(builder, loc, s.add(tile, step));
  builder.setInsertionPointToStart(exists.thenBlock());
  body(tile);
}

void RangeWalk::walkFull(TileBody body) {
  ScalarBuilder s(builder, loc);
  OpBuilder::InsertionGuard guard(builder);
  auto loop = scf::ForOp::create(builder, loc, s.constant(0), s.constant(fullCount), s.constant(1));
  builder.setInsertionPointToStart(loop.getBody());
  Value first = entry(builder, 3 * touchedCount, loop.getInductionVar());
  Value past = entry(builder, 3 * touchedCount + fullCount, loop.getInductionVar());
  auto tiles = scf::ForOp::create(builder, loc, first, past, s.constant(1));
  builder.setInsertionPointToStart(tiles.getBody());
  body(tiles.getInductionVar());
}

/// The tiles of one list, interval by interval. The first is number `entry`, where tiles have numbers.
void walkList(OpBuilder &builder, Location loc, Value offsets, Value intervals, Value row, Value entry,
              ListedTileBody body) {
  ScalarBuilder s(builder, loc);
  OpBuilder::InsertionGuard guard(builder);
  auto offset = [&](Value index) {
    return toIndex(builder, loc, loadWord(builder, loc, offsets, index, builder.getI64Type()));
  };
  auto word = [&](Value index) {
    Value value = loadWord(builder, loc, intervals, index, builder.getI32Type());
    return arith::IndexCastUIOp::create(builder, loc, builder.getIndexType(), value).getResult();
  };
  Value start = entry ? entry : s.constant(0);
  auto loop = scf::ForOp::create(builder, loc, offset(row), offset(s.add(row, 1)), s.constant(1), start);
  builder.setInsertionPointToStart(loop.getBody());
  Value position = s.mul(loop.getInductionVar(), 2);
  Value first = word(position), count = word(s.add(position, 1));
  Value numbered = loop.getRegionIterArg(0);
  auto tiles = scf::ForOp::create(builder, loc, first, s.add(first, count), s.constant(1));
  scf::YieldOp::create(builder, loc, ValueRange(s.add(numbered, count)));
  builder.setInsertionPointToStart(tiles.getBody());
  Value tile = tiles.getInductionVar();
  body(tile, entry ? s.add(numbered, s.sub(tile, first)) : Value());
}

} // namespace

void host::emitWalk(OpBuilder &builder, Location loc, const VisitRanges &ranges, Value table, TileBody partial,
                    TileBody full) {
  RangeWalk walk(builder, loc, ranges, table);
  walk.storeRanges();
  if (!ranges.steps.empty())
    walk.walkPartial(partial);
  if (!ranges.fullFirsts.empty())
    walk.walkFull(full);
}

void host::emitListWalk(OpBuilder &builder, Location loc, const ListArguments &lists, Value row, ListedTileBody partial,
                        TileBody full) {
  Value entry;
  if (lists.partialEntries)
    entry = toIndex(builder, loc, loadWord(builder, loc, lists.partialEntries, row, builder.getI64Type()));
  walkList(builder, loc, lists.partialOffsets, lists.partialIntervals, row, entry, partial);
  walkList(builder, loc, lists.fullOffsets, lists.fullIntervals, row, Value(), [&](Value tile, Value) { full(tile); });
}
