//===- Algebra.cpp - Patterns made of patterns ----------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/ScalarBuilder.h"
#include "dialect/SparseAttn.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/SetVector.h"
#include <numeric>

using namespace mlir;
using namespace mlir::sparse_attn;

using Bands = SmallVectorImpl<Band>;

template <typename OpT> static LogicalResult verifyOperands(OpT op) {
  if (op.getOperands().empty())
    return op.emitOpError("expects at least one operand");
  return success();
}

template <typename OpT> static Dependence dependenceOfOperands(OpT op) {
  Dependence dependence;
  for (Value operand : op->getOperands())
    dependence |= getPatternOp(operand).getDependence();
  return dependence;
}

//===----------------------------------------------------------------------===//
// Combining bands
//===----------------------------------------------------------------------===//

/// The common columns of two: none, one or (where each holds the start of the other's runs) two runs a period. Fails
/// for unequal periods.
static FailureOr<SmallVector<Columns>> meetColumns(const Columns &a, const Columns &b) {
  if (a.holdAll() || b.holdAll())
    return SmallVector<Columns>{a.holdAll() ? b : a};
  if (a.period != b.period)
    return failure();
  // Counted from the start of a run of `a`, `b` covers [begin, end), and of the next period's run what is past this
  // one.
  int64_t period = a.period, begin = (b.phase - a.phase + period) % period, end = begin + b.width;
  SmallVector<Columns> common;
  if (end > period)
    common.push_back({period, a.phase, std::min(a.width, end - period)});
  if (begin < a.width)
    common.push_back({period, b.phase, std::min(a.width, end) - begin});
  return common;
}

/// The common keys of two bands: no monotone bound stops being monotone under max and min.
static LogicalResult meet(ScalarBuilder &s, const Band &a, const Band &b, Bands &result) {
  FailureOr<SmallVector<Columns>> common = meetColumns(a.columns, b.columns);
  if (failed(common) || a.modulus * b.modulus > kMaxPosition)
    return failure();
  for (const Columns &columns : *common)
    result.push_back(
        {s.max(a.lo, b.lo), s.min(a.hi, b.hi), std::lcm(a.modulus, b.modulus), a.exact && b.exact, columns});
  return success();
}

/// All pairs of bands of two unions. Fails when there are too many, their strides share no small multiple, or their
/// columns no period.
static LogicalResult meetAll(ScalarBuilder &s, Bands &result, ArrayRef<Band> other) {
  if (result.size() * other.size() > kMaxBands)
    return failure();
  SmallVector<Band> product;
  for (const Band &a : result)
    for (const Band &b : other)
      if (failed(meet(s, a, b, product)) || product.size() > kMaxBands)
        return failure();
  result.assign(product.begin(), product.end());
  return success();
}

/// What lies outside one band: before it, behind it, and in it between its columns or (roughly) between the keys that a
/// stride picks.
static LogicalResult complementBand(ScalarBuilder &s, const PatternScope &scope, const Band &band, Bands &result) {
  if (!band.exact)
    return failure();
  if (!matchPattern(band.lo, m_Zero()))
    result.push_back({s.constant(0), band.lo});
  if (band.hi != scope.keyLength)
    result.push_back({band.hi, scope.keyLength});
  auto [period, phase, width] = band.columns;
  if (band.modulus != 1)
    result.push_back({band.lo, band.hi, /*modulus=*/1, /*exact=*/false});
  else if (!band.columns.holdAll())
    result.push_back(
        {band.lo, band.hi, /*modulus=*/1, /*exact=*/true, {period, (phase + width) % period, period - width}});
  return success();
}

//===----------------------------------------------------------------------===//
// union
//===----------------------------------------------------------------------===//

LogicalResult UnionOp::verify() { return verifyOperands(*this); } // union_c1

Dependence UnionOp::getDependence() { return dependenceOfOperands(*this); }

Value UnionOp::buildPredicate(OpBuilder &builder, const PatternScope &scope, Value q, Value k) {
  ScalarBuilder s(builder, scope.loc);
  Value attends = s.boolean(false);
  for (Value operand : getOperands())
    attends = s.either(attends, getPatternOp(operand).buildPredicate(builder, scope, q, k));
  return attends;
}

LogicalResult UnionOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  for (Value operand : getOperands())
    if (failed(getPatternOp(operand).buildKeyBands(builder, scope, q, bands)) || bands.size() > kMaxBands)
      return failure();
  return success();
}

Coverage UnionOp::buildCoverage(OpBuilder &builder, const PatternScope &scope, const Span &span) {
  ScalarBuilder s(builder, scope.loc);
  Coverage coverage{s.boolean(false), s.boolean(false)};
  for (Value operand : getOperands()) {
    Coverage part = getPatternOp(operand).buildCoverage(builder, scope, span);
    coverage = {s.either(coverage.any, part.any), s.either(coverage.all, part.all)};
  }
  return coverage;
}

//===----------------------------------------------------------------------===//
// intersect
//===----------------------------------------------------------------------===//

LogicalResult IntersectOp::verify() { return verifyOperands(*this); } // intersect_c1

Dependence IntersectOp::getDependence() { return dependenceOfOperands(*this); }

Value IntersectOp::buildPredicate(OpBuilder &builder, const PatternScope &scope, Value q, Value k) {
  ScalarBuilder s(builder, scope.loc);
  Value attends = s.boolean(true);
  for (Value operand : getOperands())
    attends = s.both(attends, getPatternOp(operand).buildPredicate(builder, scope, q, k));
  return attends;
}

LogicalResult IntersectOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  ScalarBuilder s(builder, scope.loc);
  SmallVector<Band> result;
  for (auto [index, operand] : llvm::enumerate(getOperands())) {
    SmallVector<Band> other;
    if (failed(getPatternOp(operand).buildKeyBands(builder, scope, q, other)))
      return failure();
    if (index == 0)
      result = std::move(other);
    else if (failed(meetAll(s, result, other)))
      return failure();
  }
  bands.append(result);
  return success();
}

Coverage IntersectOp::buildCoverage(OpBuilder &builder, const PatternScope &scope, const Span &span) {
  ScalarBuilder s(builder, scope.loc);
  Coverage coverage{s.boolean(true), s.boolean(true)};
  for (Value operand : getOperands()) {
    Coverage part = getPatternOp(operand).buildCoverage(builder, scope, span);
    coverage = {s.both(coverage.any, part.any), s.both(coverage.all, part.all)};
  }
  return coverage;
}

//===----------------------------------------------------------------------===//
// complement
//===----------------------------------------------------------------------===//

Dependence ComplementOp::getDependence() { return dependenceOfOperands(*this); }

Value ComplementOp::buildPredicate(OpBuilder &builder, const PatternScope &scope, Value q, Value k) {
  ScalarBuilder s(builder, scope.loc);
  return s.negate(getPatternOp(getOperand()).buildPredicate(builder, scope, q, k));
}

/// De Morgan: outside a union is outside every band of it.
LogicalResult ComplementOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  ScalarBuilder s(builder, scope.loc);
  SmallVector<Band> inner, result;
  if (failed(getPatternOp(getOperand()).buildKeyBands(builder, scope, q, inner)))
    return failure();
  if (inner.empty())
    result.push_back({s.constant(0), scope.keyLength});
  for (auto [index, band] : llvm::enumerate(inner)) {
    SmallVector<Band> outside;
    if (failed(complementBand(s, scope, band, outside)))
      return failure();
    if (index == 0)
      result = std::move(outside);
    else if (failed(meetAll(s, result, outside)))
      return failure();
  }
  bands.append(result);
  return success();
}

Coverage ComplementOp::buildCoverage(OpBuilder &builder, const PatternScope &scope, const Span &span) {
  ScalarBuilder s(builder, scope.loc);
  Coverage inner = getPatternOp(getOperand()).buildCoverage(builder, scope, span);
  return {s.negate(inner.all), s.negate(inner.any)};
}

//===----------------------------------------------------------------------===//
// per_head
//===----------------------------------------------------------------------===//

LogicalResult PerHeadOp::verify() { return verifyOperands(*this); } // per_head_c1

/// What varies with the head varies although no operand does.
Dependence PerHeadOp::getDependence() {
  Dependence dependence = dependenceOfOperands(*this);
  dependence.head = true;
  return dependence;
}

/// The answer of the head's operand, of the answers of all.
static Value selectByHead(ScalarBuilder &s, const PatternScope &scope, ValueRange answers) {
  Value number = s.remPositive(scope.head, static_cast<int64_t>(answers.size()));
  Value selected = answers.back();
  for (size_t i = answers.size() - 1; i-- > 0;)
    selected = s.select(s.equal(number, s.constant(static_cast<int64_t>(i))), answers[i], selected);
  return selected;
}

Value PerHeadOp::buildPredicate(OpBuilder &builder, const PatternScope &scope, Value q, Value k) {
  ScalarBuilder s(builder, scope.loc);
  SmallVector<Value> answers;
  for (Value operand : getOperands())
    answers.push_back(getPatternOp(operand).buildPredicate(builder, scope, q, k));
  return selectByHead(s, scope, answers);
}

namespace {

/// One band of a selection: the ends that each operand gives it, and what they share.
struct BandOfHeads {
  Band shared;
  SmallVector<Value> los, his;

  bool takes(const Band &band, size_t operand) const {
    return los.size() == operand && shared.modulus == band.modulus && shared.exact == band.exact &&
           shared.columns == band.columns;
  }
  void push(Value lo, Value hi) {
    los.push_back(lo);
    his.push_back(hi);
  }
};

} // namespace

/// Each operand fills the bands that suit its own; the others are empty for its heads. An empty band stands at the
/// start, so bounds stay monotone.
LogicalResult PerHeadOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  ScalarBuilder s(builder, scope.loc);
  Value zero = s.constant(0);
  SmallVector<BandOfHeads> result;
  for (auto [number, operand] : llvm::enumerate(getOperands())) {
    SmallVector<Band> own;
    if (failed(getPatternOp(operand).buildKeyBands(builder, scope, q, own)))
      return failure();
    for (const Band &band : own) {
      auto *slot = llvm::find_if(result, [&](const BandOfHeads &other) { return other.takes(band, number); });
      if (slot == result.end()) {
        SmallVector<Value> empty(number, zero);
        slot = result.insert(result.end(), {band, empty, empty});
      }
      slot->push(band.lo, band.hi);
    }
    for (BandOfHeads &band : result)
      if (band.los.size() == number)
        band.push(zero, zero);
    if (result.size() > kMaxBands)
      return failure();
  }
  for (BandOfHeads &band : result) {
    band.shared.lo = selectByHead(s, scope, band.los);
    band.shared.hi = selectByHead(s, scope, band.his);
    bands.push_back(band.shared);
  }
  return success();
}

Coverage PerHeadOp::buildCoverage(OpBuilder &builder, const PatternScope &scope, const Span &span) {
  ScalarBuilder s(builder, scope.loc);
  SmallVector<Value> any, all;
  for (Value operand : getOperands()) {
    Coverage coverage = getPatternOp(operand).buildCoverage(builder, scope, span);
    any.push_back(coverage.any);
    all.push_back(coverage.all);
  }
  return {selectByHead(s, scope, any), selectByHead(s, scope, all)};
}

//===----------------------------------------------------------------------===//
// Folding
//===----------------------------------------------------------------------===//

static bool isEverything(Value pattern) { return isa_and_nonnull<DenseOp>(pattern.getDefiningOp()); }

static bool isNothing(Value pattern) {
  auto complement = pattern.getDefiningOp<ComplementOp>();
  return complement && isEverything(complement.getOperand());
}

/// union and intersect are each other's mirror image: `absorbs` swallows every other operand, `neutral` is dropped.
template <typename OpT> static OpFoldResult foldAlgebra(OpT op, bool (*absorbs)(Value)) {
  if (op.getOperands().size() == 1)
    return op.getOperands().front();
  for (Value operand : op.getOperands())
    if (absorbs(operand))
      return operand;
  return {};
}

OpFoldResult UnionOp::fold(FoldAdaptor) { return foldAlgebra(*this, isEverything); }
OpFoldResult IntersectOp::fold(FoldAdaptor) { return foldAlgebra(*this, isNothing); }

/// One pattern for all heads needs no selection.
OpFoldResult PerHeadOp::fold(FoldAdaptor) { return llvm::all_equal(getOperands()) ? getOperands().front() : Value(); }

OpFoldResult ComplementOp::fold(FoldAdaptor) {
  if (auto inner = getOperand().getDefiningOp<ComplementOp>())
    return inner.getOperand();
  return {};
}

namespace {

/// Splices nested unions (intersections) into their parent, and drops repeated and neutral operands.
template <typename OpT, bool (*neutral)(Value)> struct FlattenAlgebra : OpRewritePattern<OpT> {
  using OpRewritePattern<OpT>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpT op, PatternRewriter &rewriter) const override {
    llvm::SmallSetVector<Value, 8> operands;
    for (Value operand : op.getOperands()) {
      if (auto nested = operand.getDefiningOp<OpT>())
        operands.insert_range(nested.getOperands());
      else
        operands.insert(operand);
    }
    Value anyOperand = operands.front();
    operands.remove_if(neutral);
    if (operands.empty())
      operands.insert(anyOperand);
    if (llvm::equal(operands, op.getOperands()))
      return failure();
    rewriter.replaceOpWithNewOp<OpT>(op, op.getType(), operands.getArrayRef());
    return success();
  }
};

/// A window that is cut off on one side by `causal`: its right side becomes at most 0.
struct CausalWindow : OpRewritePattern<IntersectOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(IntersectOp op, PatternRewriter &rewriter) const override {
    auto isCausal = [](Value operand) { return isa_and_nonnull<CausalOp>(operand.getDefiningOp()); };
    auto isWindow = [](Value operand) {
      auto window = operand.getDefiningOp<WindowOp>();
      return window && !window.getRight() && (!window.getStaticLeftAttr() || window.getStaticLeftAttr().getInt() >= 0);
    };
    if (!llvm::any_of(op.getOperands(), isCausal) || !llvm::any_of(op.getOperands(), isWindow))
      return failure();
    SmallVector<Value> operands;
    for (Value operand : op.getOperands()) {
      if (isCausal(operand))
        continue;
      if (isWindow(operand)) {
        auto window = operand.getDefiningOp<WindowOp>();
        IntegerAttr side = window.getStaticRightAttr();
        int64_t right = std::min<int64_t>(side ? side.getInt() : 0, 0);
        operand = WindowOp::create(rewriter, window.getLoc(), window.getType(), window.getLeft(), Value(),
                                   window.getStaticLeftAttr(), rewriter.getI64IntegerAttr(right));
      }
      operands.push_back(operand);
    }
    rewriter.replaceOpWithNewOp<IntersectOp>(op, op.getType(), operands);
    return success();
  }
};

/// Constant windows under one intersection meet in one window, constant strides in the stride of their lcm.
struct MeetWindows : OpRewritePattern<IntersectOp> {
  using OpRewritePattern::OpRewritePattern;

  static bool isConstant(WindowOp window) { return !window.getLeft() && !window.getRight(); }

  LogicalResult matchAndRewrite(IntersectOp op, PatternRewriter &rewriter) const override {
    SmallVector<Value> operands;
    std::optional<int64_t> left, right;
    SmallVector<WindowOp> windows;
    for (Value operand : op.getOperands()) {
      auto window = operand.getDefiningOp<WindowOp>();
      if (!window || !isConstant(window)) {
        operands.push_back(operand);
        continue;
      }
      windows.push_back(window);
      if (IntegerAttr side = window.getStaticLeftAttr())
        left = std::min(left.value_or(side.getInt()), side.getInt());
      if (IntegerAttr side = window.getStaticRightAttr())
        right = std::min(right.value_or(side.getInt()), side.getInt());
    }
    // An empty meeting has no spelling as a window; it stays an intersection.
    if (windows.size() < 2 || (left && right && *left + *right < 0))
      return failure();
    auto attribute = [&](std::optional<int64_t> side) {
      return side ? rewriter.getI64IntegerAttr(*side) : IntegerAttr();
    };
    operands.push_back(
        WindowOp::create(rewriter, op.getLoc(), op.getType(), Value(), Value(), attribute(left), attribute(right)));
    rewriter.replaceOpWithNewOp<IntersectOp>(op, op.getType(), operands);
    return success();
  }
};

struct MeetStrides : OpRewritePattern<IntersectOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(IntersectOp op, PatternRewriter &rewriter) const override {
    SmallVector<Value> operands;
    int64_t step = 1, strides = 0;
    for (Value operand : op.getOperands()) {
      auto stride = operand.getDefiningOp<StrideOp>();
      if (!stride || stride.getCount()) {
        operands.push_back(operand);
        continue;
      }
      ++strides;
      step = std::lcm(step, static_cast<int64_t>(*stride.getStaticCount()));
      if (step > kMaxPosition)
        return failure();
    }
    if (strides < 2)
      return failure();
    operands.push_back(
        StrideOp::create(rewriter, op.getLoc(), op.getType(), Value(), rewriter.getI64IntegerAttr(step)));
    rewriter.replaceOpWithNewOp<IntersectOp>(op, op.getType(), operands);
    return success();
  }
};

/// The least number that is a power of both, as far as distances go; nothing beyond them.
static std::optional<int64_t> findCommonPower(int64_t a, int64_t b) {
  int64_t x = a, y = b;
  while (x != y && std::max(x, y) <= 2 * kMaxPosition)
    (x < y ? x : y) *= x < y ? a : b;
  return x == y ? std::optional(x) : std::nullopt;
}

/// Powers of several bases meet in those of their least common power, or in the distances 0 and 1 alone.
struct MeetExponentials : OpRewritePattern<IntersectOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(IntersectOp op, PatternRewriter &rewriter) const override {
    SmallVector<Value> operands;
    SmallVector<int64_t> bases;
    for (Value operand : op.getOperands()) {
      if (auto exponential = operand.getDefiningOp<ExponentialOp>())
        bases.push_back(static_cast<int64_t>(exponential.getBase()));
      else
        operands.push_back(operand);
    }
    if (bases.size() < 2)
      return failure();
    std::optional<int64_t> base = bases.front();
    for (int64_t other : bases)
      base = base ? findCommonPower(*base, other) : base;
    // As a base it would break the op's constraint, although such distances exist.
    if (base && *base > kMaxPosition)
      return failure();
    if (base)
      operands.push_back(ExponentialOp::create(rewriter, op.getLoc(), op.getType(), rewriter.getI64IntegerAttr(*base)));
    else
      operands.push_back(WindowOp::create(rewriter, op.getLoc(), op.getType(), Value(), Value(),
                                          rewriter.getI64IntegerAttr(1), rewriter.getI64IntegerAttr(1)));
    rewriter.replaceOpWithNewOp<IntersectOp>(op, op.getType(), operands);
    return success();
  }
};

/// Under a union, a stride whose step is a multiple of another's (or the same again) adds nothing.
struct DropCoarserStrides : OpRewritePattern<UnionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(UnionOp op, PatternRewriter &rewriter) const override {
    auto stepOf = [](Value operand) -> std::optional<uint64_t> {
      auto stride = operand.getDefiningOp<StrideOp>();
      return stride ? stride.getStaticCount() : std::nullopt;
    };
    SmallVector<Value> operands;
    for (auto [index, operand] : llvm::enumerate(op.getOperands())) {
      std::optional<uint64_t> step = stepOf(operand);
      bool adds = true;
      for (auto [otherIndex, other] : llvm::enumerate(op.getOperands())) {
        std::optional<uint64_t> finer = stepOf(other);
        if (step && finer && (*finer < *step || (*finer == *step && otherIndex < index)))
          adds &= *step % *finer != 0;
      }
      if (adds)
        operands.push_back(operand);
    }
    if (operands.size() == op.getOperands().size())
      return failure();
    rewriter.replaceOpWithNewOp<UnionOp>(op, op.getType(), operands);
    return success();
  }
};

/// De Morgan, where it leaves fewer bands: not (not a and not b) = a or b.
template <typename OpT, typename DualT> struct PullComplement : OpRewritePattern<ComplementOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ComplementOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getOperand().getDefiningOp<OpT>();
    if (!inner)
      return failure();
    SmallVector<Value> operands;
    for (Value operand : inner.getOperands()) {
      auto complement = operand.template getDefiningOp<ComplementOp>();
      if (!complement)
        return failure();
      operands.push_back(complement.getOperand());
    }
    rewriter.replaceOpWithNewOp<DualT>(op, op.getType(), operands);
    return success();
  }
};

/// An unbounded window is dense, and a window that looks back without end and ahead by 0 is causal.
struct WindowToNamed : OpRewritePattern<WindowOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(WindowOp op, PatternRewriter &rewriter) const override {
    if (op.getLeft() || op.getStaticLeftAttr() || op.getRight())
      return failure();
    if (!op.getStaticRightAttr())
      rewriter.replaceOpWithNewOp<DenseOp>(op, op.getType());
    else if (*op.getStaticRight() == 0)
      rewriter.replaceOpWithNewOp<CausalOp>(op, op.getType());
    else
      return failure();
    return success();
  }
};

struct UnitStride : OpRewritePattern<StrideOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(StrideOp op, PatternRewriter &rewriter) const override {
    if (op.getStaticCount() != 1)
      return failure();
    rewriter.replaceOpWithNewOp<DenseOp>(op, op.getType());
    return success();
  }
};

} // namespace

void UnionOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<FlattenAlgebra<UnionOp, isNothing>, DropCoarserStrides>(context);
}

void IntersectOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<FlattenAlgebra<IntersectOp, isEverything>, CausalWindow, MeetWindows, MeetStrides, MeetExponentials>(
      context);
}

void ComplementOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<PullComplement<UnionOp, IntersectOp>, PullComplement<IntersectOp, UnionOp>>(context);
}

void WindowOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<WindowToNamed>(context);
}

void StrideOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<UnitStride>(context);
}
