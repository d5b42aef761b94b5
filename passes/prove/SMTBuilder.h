//===- SMTBuilder.h - Short names for terms of a solver ---------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Integers are mathematical: they have no width and never wrap. Quotients are
// witnesses, x = d * q + r, which solvers handle far better than their `div`. A
// product of two unknowns is an unknown itself, with the facts about it that
// quotients need: what is left is linear.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_PROVE_SMTBUILDER_H
#define SPARSE_ATTN_PASSES_PROVE_SMTBUILDER_H

#include "mlir/Dialect/SMT/IR/SMTOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::sparse_attn::prove {

class SMTBuilder {
public:
  SMTBuilder(OpBuilder &builder, Location loc) : builder(builder), loc(loc) {}

  Type integerType() { return smt::IntType::get(builder.getContext()); }
  Type boolType() { return smt::BoolType::get(builder.getContext()); }
  /// What stands for a scalar type: a truth value for i1, an integer for every other.
  Type typeFor(Type scalar) { return scalar.isInteger(1) ? boolType() : integerType(); }

  Value integer(int64_t value);
  Value boolean(bool value) { return smt::BoolConstantOp::create(builder, loc, value); }
  Value add(Value a, Value b) { return smt::IntAddOp::create(builder, loc, integerType(), ValueRange{a, b}); }
  Value sub(Value a, Value b) { return smt::IntSubOp::create(builder, loc, a, b); }
  Value mul(Value a, Value b);
  Value negative(Value a) { return sub(integer(0), a); }
  Value less(Value a, Value b) { return smt::IntCmpOp::create(builder, loc, smt::IntPredicate::lt, a, b); }
  Value lessEqual(Value a, Value b) { return smt::IntCmpOp::create(builder, loc, smt::IntPredicate::le, a, b); }
  Value equal(Value a, Value b) { return smt::EqOp::create(builder, loc, a, b); }
  Value both(Value a, Value b) { return smt::AndOp::create(builder, loc, a, b); }
  Value either(Value a, Value b) { return smt::OrOp::create(builder, loc, a, b); }
  Value exclusive(Value a, Value b) { return smt::XOrOp::create(builder, loc, a, b); }
  Value negate(Value a) { return smt::NotOp::create(builder, loc, a); }
  Value implies(Value a, Value b) { return smt::ImpliesOp::create(builder, loc, a, b); }
  Value select(Value condition, Value a, Value b) { return smt::IteOp::create(builder, loc, condition, a, b); }
  Value inRange(Value x, Value low, Value high) { return both(lessEqual(low, x), less(x, high)); }

  /// Narrows down what the solver may choose from.
  void require(Value condition) { smt::AssertOp::create(builder, loc, condition); }
  /// A value of the solver's choice.
  Value unknown(Type type, StringRef name) {
    return smt::DeclareFunOp::create(builder, loc, type, builder.getStringAttr(name));
  }
  /// `x` where it fits a signed integer of this width, anything where it would have wrapped.
  Value wrapped(Value x, unsigned width);
  /// Quotient and remainder with x = d * q + r and 0 <= r < d, of the solver's choice unless `defined` holds (which
  /// implies 0 < d).
  std::pair<Value, Value> divide(Value x, Value d, Value defined);
  /// Says of all quotients by a constant that they never decrease with the dividend. That follows from what they are,
  /// but a solver takes long to find it out.
  void relateQuotients();
  /// The value of an uninterpreted function, one for each `key`.
  Value apply(StringRef key, StringRef name, ValueRange arguments, Type result);

  OpBuilder &builder;
  Location loc;

private:
  struct Product {
    Value a, b, value;
  };
  struct Quotient {
    Value dividend, value, defined;
  };

  bool isNumeral(Value value);
  Value times(Value a, Value b) { return smt::IntMulOp::create(builder, loc, integerType(), ValueRange{a, b}); }
  /// `product` is `factor` times `other`, whatever these are.
  void requireSignOfProduct(Value factor, Value other, Value product);
  void relateProducts(const Product &x, const Product &y);
  void relate(const Quotient &x, const Quotient &y);

  llvm::StringMap<Value> functions;
  SmallVector<Product> products;
  llvm::MapVector<int64_t, SmallVector<Quotient>> quotients; // by divisor
};

} // namespace mlir::sparse_attn::prove

#endif // SPARSE_ATTN_PASSES_PROVE_SMTBUILDER_H
