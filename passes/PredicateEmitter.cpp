//===- PredicateEmitter.cpp - Patterns asked for pairs --------------------===//
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

  Value emit(Region &region);
  Value emitRead(ReadOp read);

private:
  /// The value that stands for `original`, narrowed.
  Value lookup(Value original);
  Type narrow(Type type) { return type.isIndex() ? builder.getI32Type() : type; }
  Type widenToLanes(Type type, bool vector) { return vector ? VectorType::get({lanes}, type) : type; }
  Value splat(Value value) {
    return isa<VectorType>(value.getType())
               ? value
               : vector::BroadcastOp::create(builder, loc, widenToLanes(value.getType(), true), value).getResult();
  }

  void emitOp(Operation *op);
  Value emitConstant(arith::ConstantOp constant);
  Value emitCast(arith::IndexCastOp cast);
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

/// Reads clamp their index, so that none leaves the array; whether the index was inside is asked beside the read.
Value PredicateEmitter::emitRead(ReadOp read) {
  Value array = map.lookupOrDefault(read.getArray());
  SmallVector<Value> indices;
  Value one = arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(1));
  Value zero = arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0));
  for (auto [dimension, original] : llvm::enumerate(read.getIndices())) {
    Value index = lookup(original);
    Value last = arith::SubIOp::create(builder, loc, access.getSize(array, dimension), one);
    bool vector = isa<VectorType>(index.getType());
    auto like = [&](Value scalar) { return vector ? splat(scalar) : scalar; };
    index = arith::MinSIOp::create(builder, loc, index, like(last));
    indices.push_back(arith::MaxSIOp::create(builder, loc, index, like(zero)));
  }
  return access.read(array, indices, lanes);
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
      operand = splat(operand);
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
    return map.map(read.getResult(), emitRead(read));
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

Value PredicateEmitter::emit(Region &region) {
  for (Operation &op : region.front().without_terminator())
    emitOp(&op);
  return lookup(region.front().getTerminator()->getOperand(0));
}

} // namespace

PredicateAccess::~PredicateAccess() = default;

Value mlir::sparse_attn::emitPredicate(OpBuilder &builder, Location loc, Region &region, ValueRange positions,
                                       IRMapping map, PredicateAccess &access) {
  int64_t lanes = 0;
  for (auto [argument, position] : llvm::zip_equal(region.getArguments(), positions)) {
    if (auto type = dyn_cast<VectorType>(position.getType()))
      lanes = type.getDimSize(0);
    map.map(argument, position);
  }
  return PredicateEmitter(builder, loc, std::move(map), lanes, access).emit(region);
}

Value mlir::sparse_attn::emitRead(OpBuilder &builder, Location loc, ReadOp read, IRMapping map,
                                  PredicateAccess &access) {
  return PredicateEmitter(builder, loc, std::move(map), /*lanes=*/0, access).emitRead(read);
}
