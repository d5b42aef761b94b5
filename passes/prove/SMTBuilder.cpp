//===- SMTBuilder.cpp - Short names for terms of a solver -----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/prove/SMTBuilder.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::sparse_attn::prove;

/// Negative numbers are differences: SMT-LIB knows no other, and MLIR's exporter does not see to it.
Value SMTBuilder::integer(int64_t value) {
  auto numeral = [&](uint64_t magnitude) -> Value {
    return smt::IntConstantOp::create(builder, loc, builder.getIntegerAttr(builder.getIntegerType(65), magnitude));
  };
  if (value >= 0)
    return numeral(value);
  return sub(numeral(0), numeral(-static_cast<uint64_t>(value)));
}

bool SMTBuilder::isNumeral(Value value) {
  if (auto difference = value.getDefiningOp<smt::IntSubOp>())
    return isNumeral(difference.getLhs()) && isNumeral(difference.getRhs());
  return value.getDefiningOp<smt::IntConstantOp>() != nullptr;
}

Value SMTBuilder::mul(Value a, Value b) {
  if (isNumeral(a) || isNumeral(b))
    return times(a, b);
  for (const Product &known : products)
    if ((known.a == a && known.b == b) || (known.a == b && known.b == a))
      return known.value;
  Product product{a, b, unknown(integerType(), "product")};
  requireSignOfProduct(a, b, product.value);
  for (const Product &known : products)
    relateProducts(known, product);
  products.push_back(product);
  return product.value;
}

/// For f > 0: x <= -1 makes f * x <= -f, x <= 0 makes it <= 0, and so on. For f = 0 it is 0.
void SMTBuilder::requireSignOfProduct(Value factor, Value other, Value product) {
  Value zero = integer(0), one = integer(1), minusOne = integer(-1), positive = less(zero, factor);
  auto fact = [&](Value premise, Value conclusion) { require(implies(both(positive, premise), conclusion)); };
  require(implies(equal(factor, zero), equal(product, zero)));
  fact(lessEqual(other, minusOne), lessEqual(product, negative(factor)));
  fact(lessEqual(other, zero), lessEqual(product, zero));
  fact(lessEqual(zero, other), lessEqual(zero, product));
  fact(lessEqual(one, other), lessEqual(factor, product));
}

/// f * x and f * y: so f * (x - y) and f * (x + y) are products as well.
void SMTBuilder::relateProducts(const Product &x, const Product &y) {
  auto relate = [&](Value factor, Value left, Value right) {
    requireSignOfProduct(factor, sub(left, right), sub(x.value, y.value));
    requireSignOfProduct(factor, add(left, right), add(x.value, y.value));
  };
  if (x.a == y.a)
    relate(x.a, x.b, y.b);
  else if (x.a == y.b)
    relate(x.a, x.b, y.a);
  else if (x.b == y.a)
    relate(x.b, x.a, y.b);
  else if (x.b == y.b)
    relate(x.b, x.a, y.a);
}

Value SMTBuilder::wrapped(Value x, unsigned width) {
  if (width >= 64)
    return x;
  Value fits = both(lessEqual(integer(llvm::minIntN(width)), x), lessEqual(x, integer(llvm::maxIntN(width))));
  return select(fits, x, unknown(integerType(), "wrapped"));
}

void SMTBuilder::relate(const Quotient &x, const Quotient &y) {
  Value defined = both(x.defined, y.defined);
  require(implies(both(defined, lessEqual(x.dividend, y.dividend)), lessEqual(x.value, y.value)));
  require(implies(both(defined, lessEqual(y.dividend, x.dividend)), lessEqual(y.value, x.value)));
}

/// More quotients by one divisor than this are those of progressions, whose claims are split into cases instead: so
/// many pairs of them would keep a solver busy.
static constexpr size_t kMostRelated = 20;

void SMTBuilder::relateQuotients() {
  for (const auto &[divisor, equal] : quotients)
    for (size_t i = 0; i < equal.size() && equal.size() <= kMostRelated; ++i)
      for (size_t j = i + 1; j < equal.size(); ++j)
        relate(equal[i], equal[j]);
}

std::pair<Value, Value> SMTBuilder::divide(Value x, Value d, Value defined) {
  Value quotient = unknown(integerType(), "quotient"), remainder = unknown(integerType(), "remainder");
  Value equation = equal(x, add(mul(d, quotient), remainder));
  Value fraction = inRange(remainder, integer(0), d);
  require(implies(defined, both(equation, fraction)));
  if (auto constant = d.getDefiningOp<smt::IntConstantOp>())
    quotients[constant.getValue().getSExtValue()].push_back({x, quotient, defined});
  return {quotient, remainder};
}

Value SMTBuilder::apply(StringRef key, StringRef name, ValueRange arguments, Type result) {
  Value &function = functions[key];
  if (!function) {
    SmallVector<Type> domain(arguments.getTypes());
    // A function of nothing is a constant, which is no function to the dialect.
    Type type = domain.empty() ? result : smt::SMTFuncType::get(domain, result);
    function = unknown(type, name);
  }
  if (arguments.empty())
    return function;
  return smt::ApplyFuncOp::create(builder, loc, function, arguments);
}
