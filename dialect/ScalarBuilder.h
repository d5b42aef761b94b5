//===- ScalarBuilder.h - Short names for folded scalar arithmetic *- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Schedules and predicates are formulas over `index`. Written with this builder
// they read like the formulas in the documentation, and fold as they are made.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_DIALECT_SCALARBUILDER_H
#define SPARSE_ATTN_DIALECT_SCALARBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace mlir::sparse_attn {

class ScalarBuilder {
public:
  ScalarBuilder(OpBuilder &builder, Location loc) : builder(builder), loc(loc) {}

  Value constant(int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); }
  Value boolean(bool value) { return arith::ConstantIntOp::create(builder, loc, value, 1); }

  Value add(Value a, Value b) { return make<arith::AddIOp>(a, b); }
  Value add(Value a, int64_t b) { return add(a, constant(b)); }
  Value sub(Value a, Value b) { return make<arith::SubIOp>(a, b); }
  Value sub(Value a, int64_t b) { return sub(a, constant(b)); }
  Value mul(Value a, Value b) { return make<arith::MulIOp>(a, b); }
  Value mul(Value a, int64_t b) { return mul(a, constant(b)); }
  Value min(Value a, Value b) { return make<arith::MinSIOp>(a, b); }
  Value max(Value a, Value b) { return make<arith::MaxSIOp>(a, b); }
  Value max(Value a, int64_t b) { return max(a, constant(b)); }
  Value clamp(Value x, Value lo, Value hi) { return min(max(x, lo), hi); }

  /// Quotient, rounded down; the divisor is positive.
  Value floorDiv(Value a, Value b) { return make<arith::FloorDivSIOp>(a, b); }
  Value floorDiv(Value a, int64_t b) { return floorDiv(a, constant(b)); }
  /// Quotient of a non-negative number, rounded up.
  Value ceilDivPositive(Value a, int64_t b) { return make<arith::DivUIOp>(add(a, b - 1), constant(b)); }
  /// Quotient of a non-negative number, rounded down.
  Value divPositive(Value a, int64_t b) { return make<arith::DivUIOp>(a, constant(b)); }
  /// Remainder of a non-negative number.
  Value remPositive(Value a, int64_t b) { return make<arith::RemUIOp>(a, constant(b)); }
  /// Does b divide a?
  Value isMultiple(Value a, Value b) { return equal(make<arith::RemSIOp>(a, b), constant(0)); }

  Value less(Value a, Value b) { return compare(arith::CmpIPredicate::slt, a, b); }
  Value lessEqual(Value a, Value b) { return compare(arith::CmpIPredicate::sle, a, b); }
  Value equal(Value a, Value b) { return compare(arith::CmpIPredicate::eq, a, b); }
  Value compare(arith::CmpIPredicate predicate, Value a, Value b) {
    return builder.createOrFold<arith::CmpIOp>(loc, predicate, a, b);
  }

  Value both(Value a, Value b) { return make<arith::AndIOp>(a, b); }
  Value either(Value a, Value b) { return make<arith::OrIOp>(a, b); }
  Value negate(Value a) { return make<arith::XOrIOp>(a, boolean(true)); }
  Value select(Value condition, Value a, Value b) {
    return builder.createOrFold<arith::SelectOp>(loc, condition, a, b);
  }

  OpBuilder &builder;
  Location loc;

private:
  template <typename OpT> Value make(Value a, Value b) { return builder.createOrFold<OpT>(loc, a, b); }
};

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_DIALECT_SCALARBUILDER_H
