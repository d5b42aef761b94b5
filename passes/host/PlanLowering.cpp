//===- PlanLowering.cpp - Row descent in compiled code --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lists the key tiles of one query tile without looking at every tile: a
// stackless binary walk over aligned nodes of 2^level tiles. A node that the
// pattern leaves out is dropped, one that it covers is taken whole, any other
// is halved. The cost follows the boundary of the pattern.
//
//===----------------------------------------------------------------------===//

#include "dialect/ScalarBuilder.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/host/ArgumentBlock.h"
#include "passes/host/Entries.h"
#include "passes/host/MemRefAccess.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::host;

/// Nodes that the walk of one row looks at before it gives up and takes the rest as partial. A row of n tiles has 2n
/// nodes, so this bounds only rows of more than 2^15 tiles.
static constexpr int64_t kNodeBudget = int64_t(1) << 16;

/// Array elements under one entry of a pyramid's lowest level; see docs/artifact.md.
static constexpr int64_t kPyramidBlock = 16;

namespace {

/// Positions among the block arguments of a plan.
enum PlanArgument { Batch, Head, FirstQuery, LastQuery, FirstKey, LastKey, QueryLength, KeyLength };

class PlanLowering {
public:
  PlanLowering(OpBuilder &builder, KernelParts parts, KernelArguments arguments, func::FuncOp function)
      : builder(builder), loc(parts.kernel.getLoc()), s(builder, loc), parts(parts), arguments(std::move(arguments)),
        function(function), access(builder, loc, [](BlockActiveOp, Value, Value) { return Value(); }) {}

  void lower();

private:
  /// State of the walk: tile, level, partial and full intervals, nodes left in the budget.
  using State = SmallVector<Value>;

  void mapRowArguments();
  void emitRowPart();
  std::pair<Value, Value> emitNodePart(Value firstKey, Value lastKey);
  void emitOp(Operation &op, bool perNode);
  void lowerReadBounds(ReadBoundsOp read, bool perNode);
  std::pair<Value, Value> scanBounds(Value array, ValueRange batch, Value first, Value last);
  void lowerBlockCoverage(BlockCoverageOp coverage);
  std::pair<Value, Value> lookUpBounds(const PyramidArguments &pyramid, int64_t block, ValueRange batch, Value first,
                                       Value last);
  State emitNode(ValueRange state);
  Value append(Value list, Value count, Value tile, Value length, Value condition);
  Value lowestLevel(Value tile);

  OpBuilder &builder;
  Location loc;
  ScalarBuilder s;
  KernelParts parts;
  KernelArguments arguments;
  func::FuncOp function;
  MemRefAccess access; // Coverage asks masks in its own way.
  IRMapping map;
  DenseSet<Operation *> perNodeOps;
  Value keyLength, tiles, topLevel;
};

Value PlanLowering::lowestLevel(Value tile) {
  Value word = toInteger(builder, loc, tile, 64);
  Value zeros = toIndex(builder, loc, math::CountTrailingZerosOp::create(builder, loc, word));
  return s.min(zeros, topLevel);
}

void PlanLowering::mapRowArguments() {
  PlanOp plan = parts.plan;
  Block &body = plan.getBody().front();
  int64_t tileQ = plan.getTileQ(), tileK = plan.getTileK();
  auto position = [&](unsigned index) { return toIndex(builder, loc, function.getArgument(index)); };
  Lengths lengths = readLengths(builder, loc, arguments, parts.kernel, position(1));
  Value queryLength = lengths.queries;
  keyLength = lengths.keys;
  Value firstQuery = s.add(s.mul(position(3), tileQ), s.sub(keyLength, queryLength));
  Value lastQuery = s.sub(s.min(s.add(firstQuery, tileQ), keyLength), 1);
  map.map(body.getArgument(Batch), position(1));
  map.map(body.getArgument(Head), position(2));
  map.map(body.getArgument(FirstQuery), firstQuery);
  map.map(body.getArgument(LastQuery), lastQuery);
  map.map(body.getArgument(QueryLength), queryLength);
  map.map(body.getArgument(KeyLength), keyLength);
  for (auto [index, capture] : llvm::enumerate(parts.plan.getCaptures()))
    map.map(capture, arguments.arrays[3 + index]);

  tiles = s.ceilDivPositive(keyLength, tileK);
  // The least level whose node holds every tile.
  Value word = toInteger(builder, loc, s.max(s.sub(tiles, 1), 0), 64);
  Value zeros = math::CountLeadingZerosOp::create(builder, loc, word);
  topLevel = s.sub(s.constant(64), toIndex(builder, loc, zeros));
}

/// Everything that does not depend on the node is emitted once a row, in front of the walk.
void PlanLowering::emitRowPart() {
  Block &body = parts.plan.getBody().front();
  DenseSet<Value> perNode{body.getArgument(FirstKey), body.getArgument(LastKey)};
  for (Operation &op : body.without_terminator()) {
    bool depends = false;
    op.walk([&](Operation *nested) {
      depends |= llvm::any_of(nested->getOperands(), [&](Value operand) { return perNode.contains(operand); });
    });
    if (!depends) {
      emitOp(op, /*perNode=*/false);
      continue;
    }
    perNodeOps.insert(&op);
    perNode.insert_range(op.getResults());
  }
}

std::pair<Value, Value> PlanLowering::emitNodePart(Value firstKey, Value lastKey) {
  Block &body = parts.plan.getBody().front();
  map.map(body.getArgument(FirstKey), firstKey);
  map.map(body.getArgument(LastKey), lastKey);
  for (Operation &op : body.without_terminator())
    if (perNodeOps.contains(&op))
      emitOp(op, /*perNode=*/true);
  Operation *yield = body.getTerminator();
  return {map.lookup(yield->getOperand(0)), map.lookup(yield->getOperand(1))};
}

void PlanLowering::emitOp(Operation &op, bool perNode) {
  if (auto read = dyn_cast<ReadBoundsOp>(op))
    return lowerReadBounds(read, perNode);
  if (auto coverage = dyn_cast<BlockCoverageOp>(op))
    return lowerBlockCoverage(coverage);
  auto words = [&](ValueRange indices) {
    return llvm::map_to_vector(indices, [&](Value index) { return toInteger(builder, loc, map.lookup(index), 32); });
  };
  if (auto read = dyn_cast<ReadOp>(op))
    return map.map(read.getResult(),
                   emitRead(builder, loc, access, map.lookup(read.getArray()), words(read.getIndices()), /*lanes=*/0));
  if (auto search = dyn_cast<UpperBoundOp>(op)) {
    Value bound = emitUpperBound(builder, loc, access, map.lookup(search.getArray()), words(search.getRows()),
                                 words(search.getValue()).front(), /*lanes=*/0);
    return map.map(search.getResult(), toIndex(builder, loc, bound));
  }
  Operation *copy = builder.clone(op, map);
  copy->walk([&](RandomRankOp rank) {
    OpBuilder nested(rank);
    rank.replaceAllUsesWith(rank.expand(nested));
    rank.erase();
  });
}

//===----------------------------------------------------------------------===//
// Bounds of captured arrays
//===----------------------------------------------------------------------===//

void PlanLowering::lowerReadBounds(ReadBoundsOp read, bool perNode) {
  Value array = map.lookup(read.getArray());
  SmallVector<Value> batch = llvm::map_to_vector(read.getBatch(), [&](Value value) { return map.lookup(value); });
  Value first = map.lookup(read.getFirst()), last = map.lookup(read.getLast());
  Value size = memref::DimOp::create(builder, loc, array, cast<MemRefType>(array.getType()).getRank() - 1);
  Value inside = s.both(s.lessEqual(s.constant(0), first), s.less(last, size));
  Value low = s.max(first, 0), high = s.min(last, s.sub(size, 1));
  unsigned capture = parts.plan.getCaptureNumber(read.getArray());
  auto [min, max] = perNode ? lookUpBounds(arguments.pyramids[capture], kPyramidBlock, batch, low, high)
                            : scanBounds(array, batch, low, high);
  auto wide = [&](Value value) { return arith::ExtSIOp::create(builder, loc, builder.getI64Type(), value); };
  map.map(read.getMin(), wide(min));
  map.map(read.getMax(), wide(max));
  map.map(read.getInside(), inside);
}

std::pair<Value, Value> PlanLowering::scanBounds(Value array, ValueRange batch, Value first, Value last) {
  Value least = arith::ConstantIntOp::create(builder, loc, INT32_MIN, 32);
  Value greatest = arith::ConstantIntOp::create(builder, loc, INT32_MAX, 32);
  auto loop = scf::ForOp::create(builder, loc, first, s.add(last, 1), s.constant(1), ValueRange{greatest, least},
                                 [&](OpBuilder &nested, Location, Value index, ValueRange bounds) {
                                   SmallVector<Value> indices(batch);
                                   indices.push_back(index);
                                   Value element = memref::LoadOp::create(nested, loc, array, indices);
                                   ScalarBuilder n(nested, loc);
                                   scf::YieldOp::create(
                                       nested, loc, ValueRange{n.min(bounds[0], element), n.max(bounds[1], element)});
                                 });
  return {loop.getResult(0), loop.getResult(1)};
}

/// The hull of the one or two entries, of the level that just covers it, over the slice.
std::pair<Value, Value> PlanLowering::lookUpBounds(const PyramidArguments &pyramid, int64_t block, ValueRange batch,
                                                   Value first, Value last) {
  // A slice that lies outside the array has no element; its blocks do not exist either.
  Value some = s.lessEqual(first, last);
  Value firstBlock = s.divPositive(s.select(some, first, s.constant(0)), block);
  Value lastBlock = s.divPositive(s.select(some, last, s.constant(0)), block);
  auto word = [&](Value index) { return toInteger(builder, loc, index, 64); };
  Value zeros = math::CountLeadingZerosOp::create(builder, loc, word(s.sub(lastBlock, firstBlock)));
  Value level = s.sub(s.constant(64), toIndex(builder, loc, zeros));
  auto shift = [&](Value value) { return builder.createOrFold<arith::ShRUIOp>(loc, value, level); };
  Value size = s.mul(pyramid.entries, 2);
  Value base = s.sub(size, shift(size));
  if (!batch.empty())
    base = s.add(base, s.mul(batch.front(), size));
  auto entry = [&](Value pointer, Value block) {
    return loadWord(builder, loc, pointer, s.add(base, shift(block)), builder.getI32Type());
  };
  Value min = s.min(entry(pyramid.minima, firstBlock), entry(pyramid.minima, lastBlock));
  Value max = s.max(entry(pyramid.maxima, firstBlock), entry(pyramid.maxima, lastBlock));
  Value least = arith::ConstantIntOp::create(builder, loc, INT32_MIN, 32);
  Value greatest = arith::ConstantIntOp::create(builder, loc, INT32_MAX, 32);
  return {s.select(some, min, greatest), s.select(some, max, least)};
}

/// The runtime has set the states of the mask's key blocks for the rows of the query tile.
void PlanLowering::lowerBlockCoverage(BlockCoverageOp coverage) {
  unsigned capture = parts.plan.getCaptureNumber(coverage.getMask());
  auto [least, most] = lookUpBounds(arguments.pyramids[capture], coverage.getMask().getType().getKeyBlock(),
                                    ValueRange(), map.lookup(coverage.getFirst()), map.lookup(coverage.getLast()));
  auto state = [&](int64_t value) -> Value { return arith::ConstantIntOp::create(builder, loc, value, 32); };
  map.map(coverage.getAny(), s.compare(arith::CmpIPredicate::ne, most, state(0)));
  map.map(coverage.getAll(), s.equal(least, state(2)));
}

//===----------------------------------------------------------------------===//
// The walk
//===----------------------------------------------------------------------===//

/// Appends tiles [tile, tile + length) when `condition` holds, to the last interval where they follow it; returns the
/// new number of intervals.
Value PlanLowering::append(Value list, Value count, Value tile, Value length, Value condition) {
  Type i32 = builder.getI32Type();
  auto word = [&](OpBuilder &nested, Value index) { return toInteger(nested, loc, index, 32); };
  auto result = scf::IfOp::create(
      builder, loc, condition,
      [&](OpBuilder &nested, Location) {
        ScalarBuilder n(nested, loc);
        Value last = n.mul(n.max(n.sub(count, 1), 0), 2);
        Value lastFirst =
            arith::IndexCastUIOp::create(nested, loc, nested.getIndexType(), loadWord(nested, loc, list, last, i32));
        Value lastLength = arith::IndexCastUIOp::create(nested, loc, nested.getIndexType(),
                                                        loadWord(nested, loc, list, n.add(last, 1), i32));
        Value extends = n.both(n.less(n.constant(0), count), n.equal(n.add(lastFirst, lastLength), tile));
        Value at = n.select(extends, last, n.mul(count, 2));
        storeWord(nested, loc, word(nested, n.select(extends, lastFirst, tile)), list, at);
        storeWord(nested, loc, word(nested, n.select(extends, n.add(lastLength, length), length)), list, n.add(at, 1));
        scf::YieldOp::create(nested, loc, n.select(extends, count, n.add(count, 1)));
      },
      [&](OpBuilder &nested, Location) { scf::YieldOp::create(nested, loc, count); });
  return result.getResult(0);
}

PlanLowering::State PlanLowering::emitNode(ValueRange state) {
  Value tile = state[0], level = state[1], budget = state[4];
  int64_t tileK = parts.plan.getTileK();
  Value length = builder.createOrFold<arith::ShLIOp>(loc, s.constant(1), level);
  Value past = s.add(tile, length);
  Value pastKey = s.mul(past, tileK);
  auto [any, all] = emitNodePart(s.mul(tile, tileK), s.sub(s.min(pastKey, keyLength), 1));

  Value whole = s.both(s.both(any, all), s.lessEqual(pastKey, keyLength));
  Value exhausted = s.lessEqual(budget, s.constant(0));
  Value leaf = s.either(s.equal(level, s.constant(0)), exhausted);
  Value mixed = s.both(s.both(any, s.negate(whole)), leaf);
  Value taken = s.select(exhausted, s.sub(tiles, tile), length);
  Value partial = append(function.getArgument(4), state[2], tile, taken, mixed);
  Value full = append(function.getArgument(5), state[3], tile, length, whole);

  Value decided = s.either(s.either(s.negate(any), whole), leaf);
  Value next = s.select(s.both(mixed, exhausted), tiles, past);
  return {s.select(decided, next, tile), s.select(decided, lowestLevel(next), s.sub(level, 1)), partial, full,
          s.sub(budget, 1)};
}

void PlanLowering::lower() {
  mapRowArguments();
  emitRowPart();
  Type index = builder.getIndexType();
  auto walk = scf::WhileOp::create(
      builder, loc, TypeRange{index, index, index, index, index},
      ValueRange{s.constant(0), topLevel, s.constant(0), s.constant(0), s.constant(kNodeBudget)},
      [&](OpBuilder &nested, Location, ValueRange state) {
        scf::ConditionOp::create(nested, loc, ScalarBuilder(nested, loc).less(state[0], tiles), state);
      },
      [&](OpBuilder &, Location, ValueRange) {});
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(walk.getAfterBody());
    State next = emitNode(walk.getAfterArguments());
    scf::YieldOp::create(builder, loc, next);
  }
  Value gaveUp = s.less(walk.getResult(4), s.constant(0));
  Value flags = builder.createOrFold<arith::ExtUIOp>(loc, builder.getI64Type(), gaveUp);
  Value counts = function.getArgument(6);
  storeWord(builder, loc, toInteger(builder, loc, walk.getResult(2), 64), counts, s.constant(0));
  storeWord(builder, loc, toInteger(builder, loc, walk.getResult(3), 64), counts, s.constant(1));
  storeWord(builder, loc, flags, counts, s.constant(2));
}

} // namespace

void host::emitPlan(KernelParts parts) {
  KernelOp kernel = parts.kernel;
  Location loc = kernel.getLoc();
  MLIRContext *context = kernel.getContext();
  Type pointer = LLVM::LLVMPointerType::get(context), i64 = IntegerType::get(context, 64);
  func::FuncOp function = createEntry(kernel, "plan", {pointer, i64, i64, i64, pointer, pointer, pointer});
  OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
  KernelArguments arguments = readArguments(builder, loc, function.getArgument(0), parts);
  PlanLowering(builder, parts, std::move(arguments), function).lower();
  finishEntry(builder, loc);
}
