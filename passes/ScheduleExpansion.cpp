//===- ScheduleExpansion.cpp - Schedules as plain arithmetic --------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The ops of a schedule are formulas with names. Targets expand them where they
// inline a schedule into a kernel, a counter or a grid.
//
//===----------------------------------------------------------------------===//

#include "passes/ScheduleExpansion.h"
#include "dialect/ScalarBuilder.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::sparse_attn;

namespace {

class Expander {
public:
  Expander(OpBuilder &builder, ScheduleOp schedule, PredicateAccess *access, const ResidueClass *residue)
      : builder(builder), s(builder, schedule.getLoc()), access(access), residue(residue) {
    tileQ = schedule.getTileQ();
    tileK = schedule.getTileK();
    modulo = schedule.getModulo();
  }

  /// Emits the results of one op of a schedule; operands are already mapped.
  SmallVector<Value> expand(Operation *op, ValueRange operands) {
    return llvm::TypeSwitch<Operation *, SmallVector<Value>>(op)
        .Case([&](QuerySpanOp) { return querySpan(operands[0], operands[1], operands[2]); })
        .Case([&](ResidueClassOp) { return residueClass(operands[0], operands[1], operands[2]); })
        .Case([&](TouchedTilesOp) { return touchedTiles(operands[0], operands[1], operands[2]); })
        .Case([&](WholeTilesOp) { return wholeTiles(operands[0], operands[1], operands[2]); })
        .Case([&](DisjointOp) { return disjoint(operands); })
        .Case<ReadOp, UpperBoundOp, memref::DimOp>(
            [&](Operation *read) { return SmallVector<Value>{askCapture(read, operands)}; })
        .Case([&](ProgressionOp progression) { return expandProgression(progression, operands); })
        .Case(
            [&](ClipOp clip) { return clipRange(operands[0], operands[1], clip.getStep(), operands[2], operands[3]); });
  }

private:
  Value askCapture(Operation *op, ValueRange operands);

  SmallVector<Value> querySpan(Value tile, Value queryLength, Value keyLength) {
    Value first = s.add(s.mul(tile, tileQ), s.sub(keyLength, queryLength));
    return {first, s.sub(s.min(s.add(first, tileQ), keyLength), 1)};
  }

  SmallVector<Value> residueClass(Value tile, Value queryLength, Value keyLength) {
    ResidueClass own = residue ? *residue : buildResidueClass(s, tile, queryLength, keyLength, modulo, tileQ);
    return {own.number, own.tile, own.queries, own.keys};
  }

  SmallVector<Value> touchedTiles(Value begin, Value end, Value keyLength) {
    Value a = s.max(begin, 0), b = s.min(end, keyLength);
    Value first = s.divPositive(a, tileK);
    return {first, s.select(s.less(a, b), s.ceilDivPositive(b, tileK), first)};
  }

  SmallVector<Value> wholeTiles(Value begin, Value end, Value keyLength) {
    Value a = s.max(begin, 0), b = s.max(s.min(end, keyLength), 0);
    Value first = s.ceilDivPositive(a, tileK);
    return {first, s.max(first, s.divPositive(b, tileK))};
  }

  SmallVector<Value> disjoint(ValueRange operands);
  SmallVector<Value> expandProgression(ProgressionOp op, ValueRange operands);
  SmallVector<Value> clipRange(Value first, Value past, int64_t step, Value low, Value high);

  OpBuilder &builder;
  ScalarBuilder s;
  PredicateAccess *access;
  const ResidueClass *residue;
  int64_t tileQ, tileK, modulo;
};

/// Without access to captures, the question stays.
Value Expander::askCapture(Operation *op, ValueRange operands) {
  if (!access) {
    IRMapping map;
    map.map(op->getOperands(), operands);
    return builder.clone(*op, map)->getResult(0);
  }
  auto index = [&](Value word) {
    return builder.createOrFold<arith::IndexCastOp>(s.loc, builder.getIndexType(), word);
  };
  if (auto size = dyn_cast<memref::DimOp>(op))
    return index(access->getSize(operands[0], *size.getConstantIndex()));
  SmallVector<Value> words = llvm::map_to_vector(operands.drop_front(), [&](Value operand) {
    return builder.createOrFold<arith::IndexCastOp>(s.loc, builder.getI32Type(), operand);
  });
  if (isa<ReadOp>(op))
    return emitRead(builder, s.loc, *access, operands[0], words, /*lanes=*/0);
  ArrayRef<Value> rows = ArrayRef(words).drop_back();
  return index(emitUpperBound(builder, s.loc, *access, operands[0], rows, words.back(), /*lanes=*/0));
}

/// An odd-even transposition network: n rounds for n ranges.
SmallVector<Value> Expander::disjoint(ValueRange operands) {
  size_t n = operands.size() / 2;
  SmallVector<Value> firsts(operands.take_front(n)), pasts(operands.take_back(n));
  for (size_t round = 0; round < n; ++round)
    for (size_t i = round % 2; i + 1 < n; i += 2) {
      Value swap = s.less(firsts[i + 1], firsts[i]);
      auto exchange = [&](SmallVector<Value> &values) {
        Value low = s.select(swap, values[i + 1], values[i]);
        values[i + 1] = s.select(swap, values[i], values[i + 1]);
        values[i] = low;
      };
      exchange(firsts);
      exchange(pasts);
    }
  for (size_t i = 0; i < n; ++i) {
    if (i > 0)
      firsts[i] = s.max(firsts[i], pasts[i - 1]);
    pasts[i] = s.max(firsts[i], pasts[i]);
  }
  firsts.append(pasts);
  return firsts;
}

SmallVector<Value> Expander::expandProgression(ProgressionOp op, ValueRange operands) {
  Value within = operands[2], past = operands[3];
  int64_t step = op.getStep() / tileK;
  Value firstTile = s.floorDiv(operands[0], tileK), lastTile = s.floorDiv(operands[1], tileK);
  Value tile = s.add(firstTile, op.getIndex());
  Value present = s.lessEqual(tile, lastTile);
  // The least tile of the progression that is not negative: tile mod step, rounded down.
  Value least = s.sub(tile, s.mul(s.floorDiv(tile, step), step));
  return clipRange(least, s.select(present, past, within), step, within, past);
}

SmallVector<Value> Expander::clipRange(Value first, Value past, int64_t step, Value low, Value high) {
  Value steps = s.ceilDivPositive(s.max(s.sub(low, first), 0), step);
  return {s.add(first, s.mul(steps, step)), s.min(past, high)};
}

} // namespace

VisitRanges mlir::sparse_attn::expandSchedule(OpBuilder &builder, ScheduleOp schedule, ValueRange arguments,
                                              PredicateAccess *access, const ResidueClass *residue) {
  Expander expander(builder, schedule, access, residue);
  IRMapping map;
  map.map(schedule.getBody().getArguments(), arguments);
  auto mapped = [&](ValueRange values) {
    return llvm::map_to_vector(values, [&](Value value) { return map.lookup(value); });
  };
  for (Operation &op : schedule.getBody().front().without_terminator()) {
    if (op.getDialect() != schedule->getDialect() && !isa<memref::DimOp>(op))
      builder.clone(op, map);
    else
      map.map(op.getResults(), expander.expand(&op, mapped(op.getOperands())));
  }
  auto ranges = cast<RangesOp>(schedule.getTerminator());
  return {mapped(ranges.getTouchedFirsts()), mapped(ranges.getTouchedPasts()), SmallVector<int64_t>(ranges.getSteps()),
          mapped(ranges.getFullFirsts()), mapped(ranges.getFullPasts())};
}

std::pair<Value, Value> mlir::sparse_attn::countTiles(OpBuilder &builder, Location loc, const VisitRanges &ranges) {
  ScalarBuilder s(builder, loc);
  Value touched = s.constant(0), full = s.constant(0);
  for (auto [first, past, step] : llvm::zip(ranges.touchedFirsts, ranges.touchedPasts, ranges.steps))
    touched = s.add(touched, s.ceilDivPositive(s.max(s.sub(past, first), 0), step));
  for (auto [first, past] : llvm::zip(ranges.fullFirsts, ranges.fullPasts))
    full = s.add(full, s.max(s.sub(past, first), 0));
  return {s.sub(touched, full), full};
}
