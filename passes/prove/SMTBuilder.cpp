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

Value SMTBuilder::wrapped(Value x, unsigned width) {
  if (width >= 64)
    return x;
  Value fits = both(lessEqual(integer(llvm::minIntN(width)), x), lessEqual(x, integer(llvm::maxIntN(width))));
  return select(fits, x, unknown(integerType(), "wrapped"));
}

std::pair<Value, Value> SMTBuilder::divide(Value x, Value d, Value defined) {
  Value quotient = unknown(integerType(), "quotient"), remainder = unknown(integerType(), "remainder");
  Value equation = equal(x, add(mul(d, quotient), remainder));
  Value fraction = inRange(remainder, integer(0), d);
  require(implies(defined, both(equation, fraction)));
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
