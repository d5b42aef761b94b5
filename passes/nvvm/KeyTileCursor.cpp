//===- KeyTileCursor.cpp - The visited key tiles, one by one --------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/nvvm/KeyTileCursor.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::nvvm;

KeyTileCursor::~KeyTileCursor() = default;

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

RangeCursor::RangeCursor(DeviceBuilder &b, const VisitRanges &ranges, Value table)
    : b(b), ranges(ranges), table(table), touched(ranges.steps.size()), full(ranges.fullFirsts.size()) {}

int64_t RangeCursor::getTableBytes(RangesOp ranges) {
  return 4 * Columns * static_cast<int64_t>(ranges.getSteps().size() + ranges.getFullFirsts().size());
}

Value RangeCursor::getCount() {
  auto [partial, whole] = countTiles(b.builder, b.loc, ranges);
  return b.add(b.toInteger(partial), b.toInteger(whole));
}

void RangeCursor::emitSetup(Value isWriter) {
  b.emitIf(isWriter, [&] {
    int64_t row = 0;
    auto store = [&](Value first, Value past, int64_t step) {
      Value values[] = {b.toInteger(first), b.toInteger(past), b.integer(step)};
      for (auto [column, value] : llvm::enumerate(values))
        b.store(value, b.offset(table, 4 * (row * Columns + static_cast<int64_t>(column))));
      ++row;
    };
    for (auto [first, past, step] : llvm::zip(ranges.touchedFirsts, ranges.touchedPasts, ranges.steps))
      store(first, past, step);
    for (auto [first, past] : llvm::zip(ranges.fullFirsts, ranges.fullPasts))
      store(first, past, 1);
  });
}

Value RangeCursor::load(Value row, Column column) {
  Value at = b.offset(table, b.mul(row, 4 * Columns));
  return b.load(b.offset(at, 4 * column), b.builder.getI32Type());
}

/// One sweep suffices: the full ranges ascend.
Value RangeCursor::skipFull(Value tile) {
  for (int64_t range = touched; range < touched + full; ++range) {
    Value row = b.integer(range), first = load(row, First), past = load(row, Past);
    Value outside = b.either(b.less(tile, first), b.compare(arith::CmpIPredicate::sle, past, tile));
    tile = b.select(outside, tile, past);
  }
  return tile;
}

KeyTileCursor::State RangeCursor::settle(Value row, Value tile) {
  OpBuilder &builder = b.builder;
  Type i32 = builder.getI32Type();
  auto loop = scf::WhileOp::create(
      builder, b.loc, TypeRange{i32, i32}, ValueRange{row, tile},
      [&](OpBuilder &, Location, ValueRange state) {
        Value at = state[1];
        if (full > 0)
          at = b.select(b.less(state[0], b.integer(touched)), skipFull(at), at);
        Value last = b.compare(arith::CmpIPredicate::sge, state[0], b.integer(touched + full - 1));
        Value here = b.either(last, b.less(at, load(state[0], Past)));
        scf::ConditionOp::create(builder, b.loc, b.exclusive(here, b.boolean(true)), ValueRange{state[0], at});
      },
      [&](OpBuilder &, Location, ValueRange state) {
        Value next = b.add(state[0], 1);
        scf::YieldOp::create(builder, b.loc, ValueRange{next, load(next, First)});
      });
  return {loop.getResult(0), loop.getResult(1)};
}

KeyTileCursor::State RangeCursor::emitFirst() {
  Value row = b.integer(0);
  if (touched + full == 0)
    return {row, row};
  return settle(row, load(row, First));
}

KeyTileCursor::State RangeCursor::emitNext(const State &state) {
  if (touched + full == 0)
    return state;
  bool unit = llvm::all_of(ranges.steps, [](int64_t step) { return step == 1; });
  Value step = unit ? b.integer(1) : load(state[0], Step);
  return settle(state[0], b.add(state[1], step));
}

Value RangeCursor::isPartial(const State &state) { return b.less(state[0], b.integer(touched)); }

//===----------------------------------------------------------------------===//
// Lists
//===----------------------------------------------------------------------===//

ListCursor::ListCursor(DeviceBuilder &b, DeviceArguments &arguments, Value row) : b(b), arguments(arguments), row(row) {
  std::tie(partialBase, partialIntervals) =
      getIntervals(DeviceArguments::PartialOffsets, DeviceArguments::PartialIntervals);
  Value fullIntervals;
  std::tie(fullBase, fullIntervals) = getIntervals(DeviceArguments::FullOffsets, DeviceArguments::FullIntervals);
  intervals = b.add(partialIntervals, fullIntervals);
}

std::pair<Value, Value> ListCursor::getIntervals(DeviceArguments::List offsets, DeviceArguments::List list) {
  Type i64 = b.builder.getI64Type();
  Value entry = b.offset(arguments.getList(offsets), b.toWide(row), i64);
  Value begin = b.load(entry, i64), end = b.load(b.offset(entry, 8), i64);
  Value count = arith::TruncIOp::create(b.builder, b.loc, b.builder.getI32Type(), b.sub(end, begin));
  return {b.offset(arguments.getList(list), begin, i64), count};
}

Value ListCursor::getCount() {
  Type i32 = b.builder.getI32Type();
  Value counts = b.offset(arguments.getCounts(), b.toWide(row), b.builder.getI64Type());
  return b.add(b.load(counts, i32), b.load(b.offset(counts, 4), i32));
}

KeyTileCursor::State ListCursor::enter(Value interval) {
  OpBuilder &builder = b.builder;
  Type i32 = builder.getI32Type();
  auto exists = scf::IfOp::create(builder, b.loc, TypeRange{i32, i32}, b.less(interval, intervals), true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(exists.thenBlock());
  Value inFull = b.sub(interval, partialIntervals);
  Value ofPartial = b.less(interval, partialIntervals);
  Value base = b.select(ofPartial, partialBase, fullBase);
  Value entry = b.offset(base, b.toWide(b.select(ofPartial, interval, inFull)), builder.getI64Type());
  Value first = b.load(entry, i32), count = b.load(b.offset(entry, 4), i32);
  scf::YieldOp::create(builder, b.loc, ValueRange{first, b.add(first, count)});
  builder.setInsertionPointToStart(exists.elseBlock());
  scf::YieldOp::create(builder, b.loc, ValueRange{b.integer(0), b.integer(0)});
  return {interval, exists.getResult(0), exists.getResult(1)};
}

KeyTileCursor::State ListCursor::emitFirst() { return enter(b.integer(0)); }

KeyTileCursor::State ListCursor::emitNext(const State &state) {
  OpBuilder &builder = b.builder;
  Value tile = b.add(state[1], 1);
  Type i32 = builder.getI32Type();
  auto inside = scf::IfOp::create(builder, b.loc, TypeRange{i32, i32, i32}, b.less(tile, state[2]), true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(inside.thenBlock());
  scf::YieldOp::create(builder, b.loc, ValueRange{state[0], tile, state[2]});
  builder.setInsertionPointToStart(inside.elseBlock());
  State entered = enter(b.add(state[0], 1));
  scf::YieldOp::create(builder, b.loc, entered);
  return inside.getResults();
}
