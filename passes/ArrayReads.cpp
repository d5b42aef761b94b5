//===- ArrayReads.cpp - What captured arrays are asked --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Schedules, plans and predicates ask the same questions of captured arrays, on
// hosts and in kernels, for one position or for a vector of them.
//
//===----------------------------------------------------------------------===//

#include "passes/ArrayReads.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::sparse_attn;

PredicateAccess::~PredicateAccess() = default;

static Value word(OpBuilder &builder, Location loc, int32_t value) {
  return arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(value));
}

/// `scalar` in the shape of `model`.
static Value shapedAs(OpBuilder &builder, Location loc, Value scalar, Value model) {
  auto type = dyn_cast<VectorType>(model.getType());
  return type ? splatToLanes(builder, loc, scalar, type.getDimSize(0)) : scalar;
}

Value mlir::sparse_attn::splatToLanes(OpBuilder &builder, Location loc, Value value, int64_t lanes) {
  if (isa<VectorType>(value.getType()))
    return value;
  return vector::BroadcastOp::create(builder, loc, VectorType::get({lanes}, value.getType()), value);
}

Value mlir::sparse_attn::clampIndex(OpBuilder &builder, Location loc, PredicateAccess &access, Value array,
                                    int64_t dimension, Value index) {
  Value one = word(builder, loc, 1), zero = word(builder, loc, 0);
  Value last = arith::SubIOp::create(builder, loc, access.getSize(array, dimension), one);
  index = arith::MinSIOp::create(builder, loc, index, shapedAs(builder, loc, last, index));
  return arith::MaxSIOp::create(builder, loc, index, shapedAs(builder, loc, zero, index));
}

Value mlir::sparse_attn::emitRead(OpBuilder &builder, Location loc, PredicateAccess &access, Value array,
                                  ArrayRef<Value> indices, int64_t lanes) {
  SmallVector<Value> existing(indices);
  existing.back() = clampIndex(builder, loc, access, array, indices.size() - 1, indices.back());
  return access.read(array, existing, lanes);
}

namespace {

/// The state of a search: of the elements before `base` all are at most the value, and of those from `base + length` on
/// none is. `length` is the same for all values.
class UpperBoundSearch {
public:
  UpperBoundSearch(Location loc, PredicateAccess &access, Value array, ArrayRef<Value> rows, Value value, int64_t lanes)
      : loc(loc), access(access), array(array), rows(rows), value(value), lanes(lanes) {}

  Value emit(OpBuilder &builder);

private:
  /// Where to go on: at the element `index`, moved by `distance` if that element is at most the value.
  Value step(OpBuilder &builder, Value base, Value index, Value distance, Value possible);

  Location loc;
  PredicateAccess &access;
  Value array;
  ArrayRef<Value> rows;
  Value value;
  int64_t lanes;
};

Value UpperBoundSearch::step(OpBuilder &builder, Value base, Value index, Value distance, Value possible) {
  SmallVector<Value> indices(rows);
  indices.push_back(index);
  Value element = access.read(array, indices, lanes);
  Value passes = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sle, element, value);
  if (possible)
    passes = arith::AndIOp::create(builder, loc, passes, shapedAs(builder, loc, possible, value));
  Value next = arith::AddIOp::create(builder, loc, base, shapedAs(builder, loc, distance, value));
  return arith::SelectOp::create(builder, loc, passes, next, base);
}

/// Halves the elements in question without a branch on what is read, so that the lanes of a vector stay together.
Value UpperBoundSearch::emit(OpBuilder &builder) {
  Value zero = word(builder, loc, 0), one = word(builder, loc, 1);
  Value size = access.getSize(array, rows.size()), start = shapedAs(builder, loc, zero, value);
  auto loop = scf::WhileOp::create(builder, loc, TypeRange{start.getType(), size.getType()}, ValueRange{start, size});
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Location> locs(2, loc);
  Block *before = builder.createBlock(&loop.getBefore(), {}, loop.getOperandTypes(), locs);
  Value several = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sgt, before->getArgument(1), one);
  scf::ConditionOp::create(builder, loc, several, before->getArguments());
  Block *after = builder.createBlock(&loop.getAfter(), {}, loop.getResultTypes(), locs);
  Value base = after->getArgument(0), length = after->getArgument(1);
  Value half = arith::ShRUIOp::create(builder, loc, length, one);
  Value last = arith::SubIOp::create(builder, loc, half, one);
  Value probe = arith::AddIOp::create(builder, loc, base, shapedAs(builder, loc, last, value));
  Value next = step(builder, base, probe, half, /*possible=*/Value());
  scf::YieldOp::create(builder, loc, ValueRange{next, arith::SubIOp::create(builder, loc, length, half).getResult()});

  builder.setInsertionPointAfter(loop);
  base = loop.getResult(0);
  // Of an empty array, the 0 that stands in for its elements is read.
  Value some = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sgt, size, zero);
  return step(builder, base, base, one, some);
}

} // namespace

Value mlir::sparse_attn::emitUpperBound(OpBuilder &builder, Location loc, PredicateAccess &access, Value array,
                                        ArrayRef<Value> rows, Value value, int64_t lanes) {
  return UpperBoundSearch(loc, access, array, rows, value, lanes).emit(builder);
}
