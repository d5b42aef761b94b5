//===- ScalarRules.cpp - Scalar arithmetic as terms of a solver -----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One rule an op, as for intervals (dialect/IntervalExtension.cpp). Where an op
// is undefined, or depends on the width of its type, its result is the solver's
// choice: what is proved then holds for any.
//
//===----------------------------------------------------------------------===//

#include "passes/prove/ScalarRules.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::sparse_attn::prove;

namespace {

using Operands = ArrayRef<Value>;
using Rule = Value (*)(SMTBuilder &, Operation *, Operands);

bool isCondition(Value value) { return value.getType().isInteger(1); }

/// Bits of an integer; those of `index` are more than any position needs.
unsigned widthOf(Value value) { return value.getType().isIndex() ? 64 : value.getType().getIntOrFloatBitWidth(); }

/// The term of an op's result, if it fits the type.
Value fitted(SMTBuilder &b, Operation *op, Value x) { return b.wrapped(x, widthOf(op->getResult(0))); }

Value translateConstant(SMTBuilder &b, Operation *op, Operands) {
  APInt value;
  if (!matchPattern(op, m_ConstantInt(&value)))
    return {};
  if (isCondition(op->getResult(0)))
    return b.boolean(value.isOne());
  return b.integer(value.getSExtValue());
}

Value translateAdd(SMTBuilder &b, Operation *op, Operands x) {
  return isCondition(op->getResult(0)) ? Value() : fitted(b, op, b.add(x[0], x[1]));
}

Value translateSub(SMTBuilder &b, Operation *op, Operands x) {
  return isCondition(op->getResult(0)) ? Value() : fitted(b, op, b.sub(x[0], x[1]));
}

Value translateMul(SMTBuilder &b, Operation *op, Operands x) {
  return isCondition(op->getResult(0)) ? Value() : fitted(b, op, b.mul(x[0], x[1]));
}

/// Is the divisor positive? Nothing is said about quotients by others.
Value isPositive(SMTBuilder &b, Value divisor) { return b.less(b.integer(0), divisor); }

Value isDefinedUnsigned(SMTBuilder &b, Operands x) {
  return b.both(b.lessEqual(b.integer(0), x[0]), isPositive(b, x[1]));
}

Value translateFloorDiv(SMTBuilder &b, Operation *, Operands x) {
  return b.divide(x[0], x[1], isPositive(b, x[1])).first;
}

/// ceil(x / d) = -floor(-x / d).
Value translateCeilDiv(SMTBuilder &b, Operation *, Operands x) {
  return b.negative(b.divide(b.negative(x[0]), x[1], isPositive(b, x[1])).first);
}

Value translateDivUnsigned(SMTBuilder &b, Operation *, Operands x) {
  return b.divide(x[0], x[1], isDefinedUnsigned(b, x)).first;
}

Value translateRemUnsigned(SMTBuilder &b, Operation *, Operands x) {
  return b.divide(x[0], x[1], isDefinedUnsigned(b, x)).second;
}

Value isNegative(SMTBuilder &b, Value x) { return b.less(x, b.integer(0)); }

Value absolute(SMTBuilder &b, Value x) { return b.select(isNegative(b, x), b.negative(x), x); }

/// Quotient and remainder rounded towards zero: those of |x|, with the sign of x.
Value translateDivSigned(SMTBuilder &b, Operation *, Operands x) {
  Value quotient = b.divide(absolute(b, x[0]), x[1], isPositive(b, x[1])).first;
  return b.select(isNegative(b, x[0]), b.negative(quotient), quotient);
}

Value translateRemSigned(SMTBuilder &b, Operation *, Operands x) {
  Value remainder = b.divide(absolute(b, x[0]), x[1], isPositive(b, x[1])).second;
  return b.select(isNegative(b, x[0]), b.negative(remainder), remainder);
}

Value translateMinSigned(SMTBuilder &b, Operation *, Operands x) {
  return b.select(b.lessEqual(x[0], x[1]), x[0], x[1]);
}

Value translateMaxSigned(SMTBuilder &b, Operation *, Operands x) {
  return b.select(b.lessEqual(x[0], x[1]), x[1], x[0]);
}

/// As unsigned numbers, negative ones lie above all others.
Value lessUnsigned(SMTBuilder &b, Value x, Value y) {
  Value sameSign = b.equal(isNegative(b, x), isNegative(b, y));
  return b.select(sameSign, b.less(x, y), isNegative(b, y));
}

Value translateMinUnsigned(SMTBuilder &b, Operation *op, Operands x) {
  return isCondition(op->getResult(0)) ? Value() : b.select(lessUnsigned(b, x[0], x[1]), x[0], x[1]);
}

Value translateMaxUnsigned(SMTBuilder &b, Operation *op, Operands x) {
  return isCondition(op->getResult(0)) ? Value() : b.select(lessUnsigned(b, x[0], x[1]), x[1], x[0]);
}

std::optional<int64_t> constantOf(Value value) {
  APInt constant;
  return matchPattern(value, m_ConstantInt(&constant)) ? std::optional(constant.getSExtValue()) : std::nullopt;
}

/// The powers of two of a signed type.
SmallVector<int64_t> listBits(Value value) {
  return llvm::map_to_vector(llvm::seq(widthOf(value) - 1), [](unsigned place) { return int64_t(1) << place; });
}

/// Is `value` one less than `other`?
bool isOneLess(Value value, Value other) {
  auto difference = value.getDefiningOp<arith::SubIOp>();
  return difference && difference.getLhs() == other && constantOf(difference.getRhs()) == 1;
}

/// x & (x - 1) is 0 where x has one bit at most; what it is where x has more is not said.
Value translateWithoutLowestBit(SMTBuilder &b, Operation *op, Value x) {
  Value rest = b.unknown(b.integerType(), "rest"), few = b.equal(x, b.integer(0));
  for (int64_t bit : listBits(op->getResult(0)))
    few = b.either(few, b.equal(x, b.integer(bit)));
  b.require(b.implies(b.lessEqual(b.integer(0), x), b.equal(b.equal(rest, b.integer(0)), few)));
  return rest;
}

/// The lowest bits are a remainder, of negative numbers as well. Of other bits it is said what numbers of one bit share
/// with them.
Value translateMasked(SMTBuilder &b, Operation *op, Value x, int64_t mask) {
  if (llvm::isMask_64(mask))
    return b.divide(x, b.integer(mask + 1), b.boolean(true)).second;
  Value common = b.unknown(b.integerType(), "common"), zero = b.integer(0);
  b.require(b.implies(b.equal(x, zero), b.equal(common, zero)));
  for (int64_t bit : listBits(op->getResult(0)))
    b.require(b.implies(b.equal(x, b.integer(bit)), b.equal(common, b.integer(bit & mask))));
  return common;
}

Value translateAnd(SMTBuilder &b, Operation *op, Operands x) {
  if (isCondition(op->getResult(0)))
    return b.both(x[0], x[1]);
  Value left = op->getOperand(0), right = op->getOperand(1);
  if (isOneLess(right, left))
    return translateWithoutLowestBit(b, op, x[0]);
  std::optional<int64_t> mask = constantOf(right);
  return mask && *mask >= 0 && *mask < int64_t(1) << 62 ? translateMasked(b, op, x[0], *mask) : Value();
}

/// Shifts by constants are quotients, rounded down.
Value translateShiftRightSigned(SMTBuilder &b, Operation *op, Operands x) {
  std::optional<int64_t> places = constantOf(op->getOperand(1));
  if (!places || *places < 0 || *places > 61)
    return {};
  return b.divide(x[0], b.integer(int64_t(1) << *places), b.boolean(true)).first;
}

Value translateOr(SMTBuilder &b, Operation *op, Operands x) {
  return isCondition(op->getResult(0)) ? b.either(x[0], x[1]) : Value();
}

Value translateXor(SMTBuilder &b, Operation *op, Operands x) {
  return isCondition(op->getResult(0)) ? b.exclusive(x[0], x[1]) : Value();
}

Value compareConditions(SMTBuilder &b, arith::CmpIPredicate predicate, Operands x) {
  if (predicate == arith::CmpIPredicate::eq)
    return b.equal(x[0], x[1]);
  return predicate == arith::CmpIPredicate::ne ? b.exclusive(x[0], x[1]) : Value();
}

Value translateCompare(SMTBuilder &b, Operation *op, Operands x) {
  using P = arith::CmpIPredicate;
  auto compare = cast<arith::CmpIOp>(op);
  if (isCondition(compare.getLhs()))
    return compareConditions(b, compare.getPredicate(), x);
  switch (compare.getPredicate()) {
  case P::eq:
    return b.equal(x[0], x[1]);
  case P::ne:
    return b.negate(b.equal(x[0], x[1]));
  case P::slt:
    return b.less(x[0], x[1]);
  case P::sle:
    return b.lessEqual(x[0], x[1]);
  case P::sgt:
    return b.less(x[1], x[0]);
  case P::sge:
    return b.lessEqual(x[1], x[0]);
  case P::ult:
    return lessUnsigned(b, x[0], x[1]);
  case P::ule:
    return b.negate(lessUnsigned(b, x[1], x[0]));
  case P::ugt:
    return lessUnsigned(b, x[1], x[0]);
  case P::uge:
    return b.negate(lessUnsigned(b, x[0], x[1]));
  }
  llvm_unreachable("a comparison that is none");
}

Value translateSelect(SMTBuilder &b, Operation *, Operands x) { return b.select(x[0], x[1], x[2]); }

/// Casts between index and integers keep the value, if it fits.
Value translateCast(SMTBuilder &b, Operation *op, Operands x) {
  return isCondition(op->getOperand(0)) || isCondition(op->getResult(0)) ? Value() : fitted(b, op, x[0]);
}

Value translateExtendUnsigned(SMTBuilder &b, Operation *op, Operands x) {
  if (isCondition(op->getOperand(0)))
    return b.select(x[0], b.integer(1), b.integer(0));
  return b.select(isNegative(b, x[0]), b.unknown(b.integerType(), "wrapped"), x[0]);
}

Value translateAbsolute(SMTBuilder &b, Operation *op, Operands x) { return fitted(b, op, absolute(b, x[0])); }

template <typename OpT> std::pair<StringRef, Rule> rule(Rule translate) { return {OpT::getOperationName(), translate}; }

const llvm::StringMap<Rule> &getRules() {
  static const llvm::StringMap<Rule> rules = {
      rule<arith::ConstantOp>(translateConstant),
      rule<arith::AddIOp>(translateAdd),
      rule<arith::SubIOp>(translateSub),
      rule<arith::MulIOp>(translateMul),
      rule<arith::FloorDivSIOp>(translateFloorDiv),
      rule<arith::CeilDivSIOp>(translateCeilDiv),
      rule<arith::DivSIOp>(translateDivSigned),
      rule<arith::RemSIOp>(translateRemSigned),
      rule<arith::DivUIOp>(translateDivUnsigned),
      rule<arith::RemUIOp>(translateRemUnsigned),
      rule<arith::MinSIOp>(translateMinSigned),
      rule<arith::MaxSIOp>(translateMaxSigned),
      rule<arith::MinUIOp>(translateMinUnsigned),
      rule<arith::MaxUIOp>(translateMaxUnsigned),
      rule<arith::AndIOp>(translateAnd),
      rule<arith::OrIOp>(translateOr),
      rule<arith::ShRSIOp>(translateShiftRightSigned),
      rule<arith::XOrIOp>(translateXor),
      rule<arith::CmpIOp>(translateCompare),
      rule<arith::SelectOp>(translateSelect),
      rule<arith::IndexCastOp>(translateCast),
      rule<arith::ExtSIOp>(translateCast),
      rule<arith::TruncIOp>(translateCast),
      rule<arith::ExtUIOp>(translateExtendUnsigned),
      rule<math::AbsIOp>(translateAbsolute),
  };
  return rules;
}

} // namespace

Value mlir::sparse_attn::prove::translateScalarOp(SMTBuilder &b, Operation *op, ArrayRef<Value> operands) {
  Rule translate = getRules().lookup(op->getName().getStringRef());
  return translate ? translate(b, op, operands) : Value();
}
