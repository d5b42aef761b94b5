//===- PredicateEmitter.cpp - Regions asked about pairs -------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A pattern's predicate is written for one pair. A kernel asks it for a vector
// of queries and one key at a time: arithmetic maps element by element, reads
// by query become gathers, reads by key stay scalar. Positions fit 32 bits, so
// `index` narrows to i32 and a vector register holds all lanes.
//
//===----------------------------------------------------------------------===//

#include "passes/PredicateEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::sparse_attn;

namespace {

class PredicateEmitter {
public:
  PredicateEmitter(OpBuilder &builder, Location loc, IRMapping map, int64_t lanes, PredicateAccess &access)
      : builder(builder), loc(loc), map(std::move(map)), lanes(lanes), access(access) {}

  /// Emits the ops of which `wants` holds, in order.
  void emit(Region &region, function_ref<bool(Operation *)> wants);
  /// The value that the region yields.
  Value getResult(Region &region) { return lookup(region.front().getTerminator()->getOperand(0)); }
  const IRMapping &getMap() const { return map; }
  Value emitArrayRead(ReadOp read);

private:
  /// The value that stands for `original`, narrowed.
  Value lookup(Value original);
  Type narrow(Type type) { return type.isIndex() ? builder.getI32Type() : type; }
  Type widenToLanes(Type type, bool vector) { return vector ? VectorType::get({lanes}, type) : type; }

  void emitOp(Operation *op);
  Value emitConstant(arith::ConstantOp constant);
  Value emitCast(arith::IndexCastOp cast);
  SmallVector<Value> lookupRows(Operation *op, Value array, ValueRange rows);
  Value emitSearch(UpperBoundOp search);
  Value emitBlockTest(BlockActiveOp active);
  void emitElementwise(Operation *op);

  OpBuilder &builder;
  Location loc;
  IRMapping map;
  int64_t lanes;
  PredicateAccess &access;
};

Value PredicateEmitter::lookup(Value original) {
  Value value = map.lookupOrDefault(original);
  if (!value.getType().isIndex())
    return value;
  value = builder.createOrFold<arith::IndexCastOp>(loc, builder.getI32Type(), value);
  map.map(original, value);
  return value;
}

Value PredicateEmitter::emitConstant(arith::ConstantOp constant) {
  Type type = narrow(constant.getType());
  auto integer = dyn_cast<IntegerAttr>(constant.getValue());
  if (constant.getType() == type || !integer)
    return builder.clone(*constant)->getResult(0);
  return arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(integer.getInt()));
}

/// `index` is i32 here, so a cast between the two is nothing, and others extend or truncate.
Value PredicateEmitter::emitCast(arith::IndexCastOp cast) {
  Value value = lookup(cast.getIn());
  unsigned from = getElementTypeOrSelf(value).getIntOrFloatBitWidth();
  Type element = narrow(cast.getType());
  unsigned to = element.getIntOrFloatBitWidth();
  Type type = widenToLanes(element, isa<VectorType>(value.getType()));
  if (from < to)
    return arith::ExtSIOp::create(builder, loc, type, value);
  if (from > to)
    return arith::TruncIOp::create(builder, loc, type, value);
  return value;
}

/// Patterns ask arrays at a batch and a head that exist, which verifiers see to; scores ask anywhere.
SmallVector<Value> PredicateEmitter::lookupRows(Operation *op, Value array, ValueRange rows) {
  bool exist = !isa_and_nonnull<ScoreOp, ScoreModOp, KernelOp>(op->getParentOp());
  SmallVector<Value> indices;
  for (auto [dimension, original] : llvm::enumerate(rows)) {
    Value row = lookup(original);
    indices.push_back(exist ? row : clampIndex(builder, loc, access, array, dimension, row));
  }
  return indices;
}

Value PredicateEmitter::emitArrayRead(ReadOp read) {
  Value array = map.lookupOrDefault(read.getArray());
  SmallVector<Value> indices = lookupRows(read, array, read.getIndices().drop_back());
  indices.push_back(lookup(read.getIndices().back()));
  return emitRead(builder, loc, access, array, indices, lanes);
}

Value PredicateEmitter::emitSearch(UpperBoundOp search) {
  Value array = map.lookupOrDefault(search.getArray());
  SmallVector<Value> rows = lookupRows(search, array, search.getRows());
  return emitUpperBound(builder, loc, access, array, rows, lookup(search.getValue()), lanes);
}

/// The lanes of a vector are consecutive queries, no more than 16, that start at a multiple of their number: all in one
/// block of a mask.
Value PredicateEmitter::emitBlockTest(BlockActiveOp active) {
  auto first = [&](Value position) {
    Value value = lookup(position);
    return isa<VectorType>(value.getType()) ? vector::ExtractOp::create(builder, loc, value, 0).getResult() : value;
  };
  return access.testBlock(active, first(active.getRow()), first(active.getKey()));
}

void PredicateEmitter::emitElementwise(Operation *op) {
  SmallVector<Value> operands = llvm::map_to_vector(op->getOperands(), [&](Value value) { return lookup(value); });
  bool vector = llvm::any_of(operands, [](Value value) { return isa<VectorType>(value.getType()); });
  if (vector)
    for (Value &operand : operands)
      operand = splatToLanes(builder, loc, operand, lanes);
  OperationState state(loc, op->getName());
  state.addOperands(operands);
  for (Type type : op->getResultTypes())
    state.addTypes(widenToLanes(narrow(type), vector));
  state.addAttributes(op->getAttrs());
  map.map(op->getResults(), builder.create(state)->getResults());
}

void PredicateEmitter::emitOp(Operation *op) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return map.map(constant.getResult(), emitConstant(constant));
  if (auto cast = dyn_cast<arith::IndexCastOp>(op))
    return map.map(cast.getResult(), emitCast(cast));
  if (auto read = dyn_cast<ReadOp>(op))
    return map.map(read.getResult(), emitArrayRead(read));
  if (auto search = dyn_cast<UpperBoundOp>(op))
    return map.map(search.getResult(), emitSearch(search));
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    Value array = map.lookupOrDefault(dim.getSource());
    return map.map(dim.getResult(), access.getSize(array, *dim.getConstantIndex()));
  }
  if (auto rank = dyn_cast<RandomRankOp>(op)) {
    SmallVector<Value> operands = llvm::map_to_vector(op->getOperands(), [&](Value value) { return lookup(value); });
    Type type = isa<VectorType>(operands[0].getType()) ? operands[0].getType() : operands[4].getType();
    auto mapped = RandomRankOp::create(builder, loc, type, operands[0], operands[1], operands[2], operands[3],
                                       operands[4], rank.getSeedAttr());
    map.map(rank.getResult(), mapped.expand(builder));
    mapped.erase();
    return;
  }
  if (auto active = dyn_cast<BlockActiveOp>(op))
    return map.map(active.getResult(), emitBlockTest(active));
  emitElementwise(op);
}

void PredicateEmitter::emit(Region &region, function_ref<bool(Operation *)> wants) {
  for (Operation &op : region.front().without_terminator())
    if (wants(&op))
      emitOp(&op);
}

/// Maps an argument of the region to a position; returns its lanes, or `lanes` where it has none.
int64_t mapPosition(IRMapping &map, Value argument, Value position, int64_t lanes) {
  map.map(argument, position);
  auto type = dyn_cast<VectorType>(position.getType());
  return type ? type.getDimSize(0) : lanes;
}

} // namespace

Value mlir::sparse_attn::emitScalarRegion(OpBuilder &builder, Location loc, Region &region, ValueRange positions,
                                          IRMapping map, PredicateAccess &access) {
  int64_t lanes = 0;
  for (auto [argument, position] : llvm::zip_equal(region.getArguments(), positions))
    lanes = mapPosition(map, argument, position, lanes);
  PredicateEmitter emitter(builder, loc, std::move(map), lanes, access);
  emitter.emit(region, [](Operation *) { return true; });
  return emitter.getResult(region);
}

//===----------------------------------------------------------------------===//
// RowPredicate
//===----------------------------------------------------------------------===//

/// The ops of the predicate that depend on a value.
static DenseSet<Operation *> findDependent(Region &region, Value source) {
  DenseSet<Operation *> dependent;
  DenseSet<Value> values{source};
  for (Operation &op : region.front().without_terminator())
    if (llvm::any_of(op.getOperands(), [&](Value operand) { return values.contains(operand); })) {
      dependent.insert(&op);
      values.insert_range(op.getResults());
    }
  return dependent;
}

RowPredicate::RowPredicate(OpBuilder &builder, Location loc, Region &region, Value query, IRMapping given,
                           PredicateAccess &access)
    : loc(loc), region(&region), access(&access), ofKey(findDependent(region, region.getArgument(1))) {
  lanes = mapPosition(given, region.getArgument(0), query, /*lanes=*/0);
  PredicateEmitter emitter(builder, loc, std::move(given), lanes, access);
  emitter.emit(region, [&](Operation *op) { return !ofKey.contains(op); });
  map = emitter.getMap();
}

Value RowPredicate::attends(OpBuilder &builder, Value key) const {
  IRMapping ofPair = map;
  int64_t pairLanes = mapPosition(ofPair, region->getArgument(1), key, lanes);
  PredicateEmitter emitter(builder, loc, std::move(ofPair), pairLanes, *access);
  emitter.emit(*region, [&](Operation *op) { return ofKey.contains(op); });
  return emitter.getResult(*region);
}

RowPredicate RowPredicate::selectedBy(OpBuilder &builder, Value condition, const RowPredicate &other) const {
  RowPredicate chosen = *this;
  auto choose = [&](Value original) {
    Value here = map.lookup(original), there = other.map.lookup(original);
    chosen.map.map(original, arith::SelectOp::create(builder, loc, condition, here, there).getResult());
  };
  choose(region->getArgument(0));
  DenseSet<Operation *> ofQuery = findDependent(*region, region->getArgument(0));
  for (Operation &op : region->front().without_terminator())
    if (ofQuery.contains(&op) && !ofKey.contains(&op))
      llvm::for_each(op.getResults(), choose);
  return chosen;
}

Value mlir::sparse_attn::emitRead(OpBuilder &builder, Location loc, ReadOp read, IRMapping map,
                                  PredicateAccess &access) {
  return PredicateEmitter(builder, loc, std::move(map), /*lanes=*/0, access).emitArrayRead(read);
}
