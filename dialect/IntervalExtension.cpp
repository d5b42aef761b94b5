//===- IntervalExtension.cpp - Predicates asked about rectangles ----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A predicate says whether one pair attends. Replacing every number in it by an
// interval, and every condition by (must, may), tells whether some pair of a
// rectangle may attend and whether all must (Moore, "Interval Analysis", 1966).
// Reads ask for the least and greatest element of a slice.
//
// Bounds are i64. A result that may have left the type of the op, or that grew
// too large to be sure of later sums, becomes "anything": +-2^61. Two such bounds
// still add without overflow, and no comparison with one is ever certain.
//
//===----------------------------------------------------------------------===//

#include "dialect/IntervalExtension.h"
#include "dialect/ScalarBuilder.h"
#include "dialect/SparseAttn.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/DenseMap.h"

using namespace mlir;
using namespace mlir::sparse_attn;

namespace {

constexpr int64_t kAnything = int64_t(1) << 61;
/// Bounds beyond this count as anything.
constexpr int64_t kTrusted = int64_t(1) << 60;
/// No sequence is as long as this.
constexpr int64_t kFarPosition = int64_t(1) << 31;
/// Factors up to this have products that fit.
constexpr int64_t kTrustedFactor = int64_t(1) << 30;

/// i64 arithmetic on bounds.
class BoundBuilder : public ScalarBuilder {
public:
  using ScalarBuilder::ScalarBuilder;

  Value word(int64_t value) { return arith::ConstantIntOp::create(builder, loc, value, 64); }
  Interval anything() { return {word(-kAnything), word(kAnything)}; }
  Interval unknownCondition() { return {boolean(false), boolean(true)}; }
  Interval exactly(int64_t value) { return {word(value), word(value)}; }

  /// `interval` where `holds`, anything elsewhere.
  Interval onlyIf(Value holds, Interval interval) {
    return {select(holds, interval.lo, word(-kAnything)), select(holds, interval.hi, word(kAnything))};
  }
  Value within(Interval interval, int64_t least, int64_t most) {
    return both(lessEqual(word(least), interval.lo), lessEqual(interval.hi, word(most)));
  }
  /// The results of an op of this type: the interval, unless some value in it would have wrapped.
  Interval ofType(Type type, Interval interval) {
    // Kernels compute with positions of 32 bits.
    unsigned bits = type.isIndex() ? 32 : type.getIntOrFloatBitWidth();
    if (bits > 60)
      return onlyIf(within(interval, -kTrusted, kTrusted), interval);
    return onlyIf(within(interval, llvm::minIntN(bits), llvm::maxIntN(bits)), interval);
  }
  Interval hull(ArrayRef<Value> values) {
    Interval result{values[0], values[0]};
    for (Value value : values.drop_front())
      result = {min(result.lo, value), max(result.hi, value)};
    return result;
  }
};

using Operands = ArrayRef<Interval>;
using Result = std::optional<Interval>;

//===----------------------------------------------------------------------===//
// One rule an op
//===----------------------------------------------------------------------===//

/// Attaches `Rule::extend(op, builder, operands)` to `OpT`.
template <typename OpT, typename Rule>
struct IntervalModel : IntervalOpInterface::ExternalModel<IntervalModel<OpT, Rule>, OpT> {
  Result extendToInterval(Operation *op, OpBuilder &builder, Operands operands) const {
    BoundBuilder b(builder, op->getLoc());
    return Rule::extend(cast<OpT>(op), b, operands);
  }
};

bool isCondition(Value value) { return value.getType().isInteger(1); }

struct AddRule {
  static Result extend(arith::AddIOp op, BoundBuilder &b, Operands x) {
    if (isCondition(op))
      return std::nullopt;
    return b.ofType(op.getType(), {b.add(x[0].lo, x[1].lo), b.add(x[0].hi, x[1].hi)});
  }
};

struct SubRule {
  static Result extend(arith::SubIOp op, BoundBuilder &b, Operands x) {
    if (isCondition(op))
      return std::nullopt;
    return b.ofType(op.getType(), {b.sub(x[0].lo, x[1].hi), b.sub(x[0].hi, x[1].lo)});
  }
};

struct MulRule {
  static Result extend(arith::MulIOp op, BoundBuilder &b, Operands x) {
    if (isCondition(op))
      return std::nullopt;
    Value trusted =
        b.both(b.within(x[0], -kTrustedFactor, kTrustedFactor), b.within(x[1], -kTrustedFactor, kTrustedFactor));
    auto safe = [&](Value bound) { return b.select(trusted, bound, b.word(0)); };
    Value corners[] = {b.mul(safe(x[0].lo), safe(x[1].lo)), b.mul(safe(x[0].lo), safe(x[1].hi)),
                       b.mul(safe(x[0].hi), safe(x[1].lo)), b.mul(safe(x[0].hi), safe(x[1].hi))};
    return b.ofType(op.getType(), b.onlyIf(trusted, b.hull(corners)));
  }
};

/// The value of a positive constant divisor; nullopt for any other.
std::optional<int64_t> getDivisor(Value value) {
  APInt divisor;
  if (!matchPattern(value, m_ConstantInt(&divisor)) || !divisor.isStrictlyPositive())
    return std::nullopt;
  return divisor.getSExtValue();
}

struct AbsRule {
  static Result extend(math::AbsIOp op, BoundBuilder &b, Operands x) {
    Value zero = b.word(0), below = b.sub(zero, x[0].hi), above = b.sub(zero, x[0].lo);
    return b.ofType(op.getType(), {b.max(zero, b.max(x[0].lo, below)), b.max(above, x[0].hi)});
  }
};

/// An unsigned op does what its signed twin does, on numbers that are not negative.
Interval ifNotNegative(BoundBuilder &b, Operands x, Interval result) {
  Value notNegative = b.boolean(true);
  for (const Interval &operand : x)
    notNegative = b.both(notNegative, b.within(operand, 0, kTrusted));
  return b.onlyIf(notNegative, result);
}

/// Division by a positive constant is monotone, whichever way it rounds. A dividend of "anything" stays so.
template <typename OpT> struct DivRule {
  static Result extend(OpT op, BoundBuilder &b, Operands x) {
    std::optional<int64_t> divisor = getDivisor(op.getRhs());
    if (!divisor)
      return std::nullopt;
    auto quotient = [&](Value bound) { return b.builder.createOrFold<OpT>(b.loc, bound, b.word(*divisor)); };
    return b.onlyIf(b.within(x[0], -kTrusted, kTrusted), {quotient(x[0].lo), quotient(x[0].hi)});
  }
};

struct UnsignedDivRule {
  static Result extend(arith::DivUIOp op, BoundBuilder &b, Operands x) {
    std::optional<int64_t> divisor = getDivisor(op.getRhs());
    if (!divisor)
      return std::nullopt;
    auto quotient = [&](Value bound) { return b.builder.createOrFold<arith::DivSIOp>(b.loc, bound, b.word(*divisor)); };
    return ifNotNegative(b, x, {quotient(x[0].lo), quotient(x[0].hi)});
  }
};

/// Within one quotient the remainder is monotone too.
struct RemRule {
  static Interval remainders(int64_t divisor, BoundBuilder &b, Operands x) {
    Value c = b.word(divisor), zero = b.word(0);
    auto quotient = [&](Value bound) { return b.builder.createOrFold<arith::DivSIOp>(b.loc, bound, c); };
    auto remainder = [&](Value bound) { return b.builder.createOrFold<arith::RemSIOp>(b.loc, bound, c); };
    Value same = b.both(b.within(x[0], -kTrusted, kTrusted), b.equal(quotient(x[0].lo), quotient(x[0].hi)));
    // The quotient 0 holds remainders of both signs, and is monotone across 0 as well.
    Value least = b.select(b.lessEqual(zero, x[0].lo), zero, b.word(1 - divisor));
    Value most = b.select(b.lessEqual(x[0].hi, zero), zero, b.word(divisor - 1));
    return {b.select(same, remainder(x[0].lo), least), b.select(same, remainder(x[0].hi), most)};
  }

  static Result extend(arith::RemSIOp op, BoundBuilder &b, Operands x) {
    std::optional<int64_t> divisor = getDivisor(op.getRhs());
    return divisor ? Result(remainders(*divisor, b, x)) : std::nullopt;
  }
};

struct UnsignedRemRule {
  static Result extend(arith::RemUIOp op, BoundBuilder &b, Operands x) {
    std::optional<int64_t> divisor = getDivisor(op.getRhs());
    return divisor ? Result(ifNotNegative(b, x, RemRule::remainders(*divisor, b, x))) : std::nullopt;
  }
};

template <typename OpT, bool takesLeast> struct ExtremumRule {
  static Result extend(OpT op, BoundBuilder &b, Operands x) {
    if (takesLeast)
      return Interval{b.min(x[0].lo, x[1].lo), b.min(x[0].hi, x[1].hi)};
    return Interval{b.max(x[0].lo, x[1].lo), b.max(x[0].hi, x[1].hi)};
  }
};

template <typename OpT, bool takesLeast> struct UnsignedExtremumRule {
  static Result extend(OpT op, BoundBuilder &b, Operands x) {
    return ifNotNegative(b, x, *ExtremumRule<OpT, takesLeast>::extend(op, b, x));
  }
};

struct AndRule {
  static Result extend(arith::AndIOp op, BoundBuilder &b, Operands x) {
    if (!isCondition(op))
      return std::nullopt;
    return Interval{b.both(x[0].lo, x[1].lo), b.both(x[0].hi, x[1].hi)};
  }
};

struct OrRule {
  static Result extend(arith::OrIOp op, BoundBuilder &b, Operands x) {
    if (!isCondition(op))
      return std::nullopt;
    return Interval{b.either(x[0].lo, x[1].lo), b.either(x[0].hi, x[1].hi)};
  }
};

/// a xor b on conditions: certain when both are, possible unless both are certain and equal.
struct XorRule {
  static Result extend(arith::XOrIOp op, BoundBuilder &b, Operands x) {
    if (!isCondition(op))
      return std::nullopt;
    Value must = b.either(b.both(x[0].lo, b.negate(x[1].hi)), b.both(x[1].lo, b.negate(x[0].hi)));
    Value mustNot = b.either(b.both(x[0].lo, x[1].lo), b.both(b.negate(x[0].hi), b.negate(x[1].hi)));
    return Interval{must, b.negate(mustNot)};
  }
};

struct CompareRule {
  static Interval lessThan(BoundBuilder &b, Interval x, Interval y) { return {b.less(x.hi, y.lo), b.less(x.lo, y.hi)}; }
  static Interval lessEqual(BoundBuilder &b, Interval x, Interval y) {
    return {b.lessEqual(x.hi, y.lo), b.lessEqual(x.lo, y.hi)};
  }
  static Interval equal(BoundBuilder &b, Interval x, Interval y) {
    Value overlap = b.both(b.lessEqual(x.lo, y.hi), b.lessEqual(y.lo, x.hi));
    Value single = b.both(b.equal(x.lo, x.hi), b.equal(y.lo, y.hi));
    return {b.both(single, b.equal(x.lo, y.lo)), overlap};
  }
  /// As unsigned numbers, negative ones lie above all others: x < y asks for 0 <= x too, given 0 <= y.
  static Interval unsignedBelow(BoundBuilder &b, Interval x, Interval y, bool orEqual) {
    Value zero = b.word(0), known = b.lessEqual(zero, y.lo);
    Interval existing{b.max(x.lo, zero), x.hi};
    Interval below = orEqual ? lessEqual(b, existing, y) : lessThan(b, existing, y);
    Value must = b.both(b.lessEqual(zero, x.lo), below.lo), may = b.both(b.lessEqual(zero, x.hi), below.hi);
    return {b.both(known, must), b.either(b.negate(known), may)};
  }
  static Interval opposite(BoundBuilder &b, Interval x) { return {b.negate(x.hi), b.negate(x.lo)}; }

  static Result extend(arith::CmpIOp op, BoundBuilder &b, Operands x) {
    if (isCondition(op.getLhs()))
      return std::nullopt;
    switch (op.getPredicate()) {
    case arith::CmpIPredicate::eq:
      return equal(b, x[0], x[1]);
    case arith::CmpIPredicate::ne:
      return opposite(b, equal(b, x[0], x[1]));
    case arith::CmpIPredicate::slt:
      return lessThan(b, x[0], x[1]);
    case arith::CmpIPredicate::sle:
      return lessEqual(b, x[0], x[1]);
    case arith::CmpIPredicate::sgt:
      return lessThan(b, x[1], x[0]);
    case arith::CmpIPredicate::sge:
      return lessEqual(b, x[1], x[0]);
    case arith::CmpIPredicate::ult:
      return unsignedBelow(b, x[0], x[1], /*orEqual=*/false);
    case arith::CmpIPredicate::ule:
      return unsignedBelow(b, x[0], x[1], /*orEqual=*/true);
    case arith::CmpIPredicate::ugt:
      return opposite(b, unsignedBelow(b, x[0], x[1], /*orEqual=*/true));
    case arith::CmpIPredicate::uge:
      return opposite(b, unsignedBelow(b, x[0], x[1], /*orEqual=*/false));
    }
    llvm_unreachable("a comparison that is none");
  }
};

struct SelectRule {
  static Result extend(arith::SelectOp op, BoundBuilder &b, Operands x) {
    Value must = x[0].lo, mustNot = b.negate(x[0].hi);
    Interval either = isCondition(op) ? Interval{b.both(x[1].lo, x[2].lo), b.either(x[1].hi, x[2].hi)}
                                      : Interval{b.min(x[1].lo, x[2].lo), b.max(x[1].hi, x[2].hi)};
    auto decide = [&](Value first, Value second, Value hull) {
      return b.select(must, first, b.select(mustNot, second, hull));
    };
    return Interval{decide(x[1].lo, x[2].lo, either.lo), decide(x[1].hi, x[2].hi, either.hi)};
  }
};

/// Casts between index and integers keep the value, if it fits.
template <typename OpT> struct CastRule {
  static Result extend(OpT op, BoundBuilder &b, Operands x) {
    if (isCondition(op.getIn()) || isCondition(op))
      return std::nullopt;
    return b.ofType(op.getType(), x[0]);
  }
};

struct ExtUnsignedRule {
  static Result extend(arith::ExtUIOp op, BoundBuilder &b, Operands x) {
    if (isCondition(op.getIn())) {
      auto number = [&](Value condition) { return b.select(condition, b.word(1), b.word(0)); };
      return Interval{number(x[0].lo), number(x[0].hi)};
    }
    return ifNotNegative(b, x, x[0]);
  }
};

template <typename OpT, typename Rule> void attach(MLIRContext *context) {
  OpT::template attachInterface<IntervalModel<OpT, Rule>>(*context);
}

} // namespace

void mlir::sparse_attn::registerIntervalExtensions(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, arith::ArithDialect *) {
    attach<arith::AddIOp, AddRule>(context);
    attach<arith::SubIOp, SubRule>(context);
    attach<arith::MulIOp, MulRule>(context);
    attach<arith::DivSIOp, DivRule<arith::DivSIOp>>(context);
    attach<arith::FloorDivSIOp, DivRule<arith::FloorDivSIOp>>(context);
    attach<arith::CeilDivSIOp, DivRule<arith::CeilDivSIOp>>(context);
    attach<arith::RemSIOp, RemRule>(context);
    attach<arith::MinSIOp, ExtremumRule<arith::MinSIOp, true>>(context);
    attach<arith::MaxSIOp, ExtremumRule<arith::MaxSIOp, false>>(context);
    attach<arith::AndIOp, AndRule>(context);
    attach<arith::OrIOp, OrRule>(context);
    attach<arith::XOrIOp, XorRule>(context);
    attach<arith::CmpIOp, CompareRule>(context);
    attach<arith::SelectOp, SelectRule>(context);
    attach<arith::IndexCastOp, CastRule<arith::IndexCastOp>>(context);
    attach<arith::ExtSIOp, CastRule<arith::ExtSIOp>>(context);
    attach<arith::TruncIOp, CastRule<arith::TruncIOp>>(context);
    attach<arith::DivUIOp, UnsignedDivRule>(context);
    attach<arith::RemUIOp, UnsignedRemRule>(context);
    attach<arith::MinUIOp, UnsignedExtremumRule<arith::MinUIOp, true>>(context);
    attach<arith::MaxUIOp, UnsignedExtremumRule<arith::MaxUIOp, false>>(context);
    attach<arith::ExtUIOp, ExtUnsignedRule>(context);
  });
  registry.addExtension(+[](MLIRContext *context, math::MathDialect *) { attach<math::AbsIOp, AbsRule>(context); });
}

//===----------------------------------------------------------------------===//
// A whole predicate
//===----------------------------------------------------------------------===//

namespace {

class PredicateExtension {
public:
  PredicateExtension(OpBuilder &builder, const PatternScope &scope) : b(builder, scope.loc), scope(scope) {}

  Coverage extend(Region &region, ArrayRef<Interval> positions);

private:
  Interval lookup(Value value);
  /// The safe answer for a result.
  Interval unknown(Value value) { return isCondition(value) ? b.unknownCondition() : b.anything(); }
  Interval extendRead(ReadOp read);
  Interval extendSearch(UpperBoundOp search);
  Interval extendOp(Operation *op);
  Value toIndex(Value word) {
    return b.builder.createOrFold<arith::IndexCastOp>(b.loc, b.builder.getIndexType(), word);
  }
  Value toWord(Value index) { return b.builder.createOrFold<arith::IndexCastOp>(b.loc, b.builder.getI64Type(), index); }

  BoundBuilder b;
  const PatternScope &scope;
  llvm::DenseMap<Value, Interval> intervals;
  /// Do all reads stay inside their arrays, may any?
  Value allInside, someInside;
};

/// Constants and captured numbers are known exactly.
Interval PredicateExtension::lookup(Value value) {
  if (auto found = intervals.find(value); found != intervals.end())
    return found->second;
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant))) {
    if (isCondition(value))
      return {b.boolean(constant.isOne()), b.boolean(constant.isOne())};
    return b.exactly(constant.getSExtValue());
  }
  if (isa<BlockArgument>(value) && value.getType().isIndex()) {
    Value word = toWord(scope.lookup(value));
    return {word, word};
  }
  return unknown(value);
}

Interval PredicateExtension::extendRead(ReadOp read) {
  Value array = scope.lookup(read.getArray());
  SmallVector<Value> batch;
  if (read.getIndices().size() == 2) {
    // A batch that is not known exactly leaves nothing to look up.
    if (read.getIndices()[0] != read->getBlock()->getArgument(0)) {
      allInside = b.boolean(false);
      return b.anything();
    }
    batch.push_back(scope.batch);
  }
  Interval index = lookup(read.getIndices().back());
  // Positions of an index of "anything" are clamped before they narrow to `index`.
  Value lo = b.max(index.lo, b.word(-kFarPosition)), hi = b.min(index.hi, b.word(kFarPosition));
  auto bounds = ReadBoundsOp::create(b.builder, b.loc, array, batch, toIndex(lo), toIndex(hi));
  allInside = b.both(allInside, bounds.getInside());
  someInside = b.both(someInside, b.lessEqual(bounds.getMin(), bounds.getMax()));
  // A read outside gives 0 before the predicate is known to fail, which `someInside` and `allInside` account for.
  return {bounds.getMin(), bounds.getMax()};
}

/// The greater the number, the more elements are at most that.
Interval PredicateExtension::extendSearch(UpperBoundOp search) {
  SmallVector<Value> rows(search.getRows().size(), scope.batch);
  Interval value = lookup(search.getValue());
  auto bound = [&](Value number) {
    // Elements have 32 bits.
    Value element = b.clamp(number, b.word(llvm::minIntN(32)), b.word(llvm::maxIntN(32)));
    return toWord(UpperBoundOp::create(b.builder, b.loc, b.builder.getIndexType(), scope.lookup(search.getArray()),
                                       rows, toIndex(element)));
  };
  return {bound(value.lo), bound(value.hi)};
}

Interval PredicateExtension::extendOp(Operation *op) {
  if (auto read = dyn_cast<ReadOp>(op))
    return extendRead(read);
  if (auto search = dyn_cast<UpperBoundOp>(op))
    return extendSearch(search);
  // An op on one value twice: comparisons of equals are certain.
  if (auto compare = dyn_cast<arith::CmpIOp>(op); compare && compare.getLhs() == compare.getRhs()) {
    using P = arith::CmpIPredicate;
    P predicate = compare.getPredicate();
    bool holds =
        predicate == P::eq || predicate == P::sle || predicate == P::sge || predicate == P::ule || predicate == P::uge;
    return {b.boolean(holds), b.boolean(holds)};
  }
  auto extended = dyn_cast<IntervalOpInterface>(op);
  if (!extended)
    return unknown(op->getResult(0));
  SmallVector<Interval> operands = llvm::map_to_vector(op->getOperands(), [&](Value value) { return lookup(value); });
  return extended.extendToInterval(b.builder, operands).value_or(unknown(op->getResult(0)));
}

Coverage PredicateExtension::extend(Region &region, ArrayRef<Interval> positions) {
  allInside = someInside = b.boolean(true);
  for (auto [argument, interval] : llvm::zip_equal(region.getArguments(), positions))
    intervals[argument] = interval;
  for (Operation &op : region.front().without_terminator())
    if (op.getNumResults() == 1 && !op.hasTrait<OpTrait::ConstantLike>())
      intervals[op.getResult(0)] = extendOp(&op);
  Interval holds = lookup(region.front().getTerminator()->getOperand(0));
  return {b.both(holds.hi, someInside), b.both(holds.lo, allInside)};
}

} // namespace

Coverage mlir::sparse_attn::buildIntervalCoverage(OpBuilder &builder, const PatternScope &scope, Region &region,
                                                  ArrayRef<Interval> positions) {
  return PredicateExtension(builder, scope).extend(region, positions);
}
