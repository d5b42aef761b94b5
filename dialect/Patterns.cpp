//===- Patterns.cpp - The leaves of the pattern language ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each leaf says which keys a query sees, as bands whose bounds never decrease
// with the query. Everything else follows from that.
//
//===----------------------------------------------------------------------===//

#include "dialect/ScalarBuilder.h"
#include "dialect/SparseAttn.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::sparse_attn;

using Bands = SmallVectorImpl<Band>;

/// Verifies the bounds of a constant parameter.
static LogicalResult verifyRange(Operation *op, StringRef name, IntegerAttr constant, int64_t min,
                                 int64_t max = kMaxPosition) {
  if (!constant || (constant.getInt() >= min && constant.getInt() <= max))
    return success();
  return op->emitOpError("expects '") << name << "' to lie in [" << min << ", " << max << "], but got "
                                      << constant.getInt();
}

/// Verifies that a parameter is either a constant or a capture (only generic syntax can say both or neither).
static LogicalResult verifyOneOf(Operation *op, StringRef name, Value captured, IntegerAttr constant) {
  if (!captured != !constant)
    return success();
  return op->emitOpError("expects '") << name << "' to be a constant or a captured value, but got "
                                      << (captured ? "both" : "neither");
}

//===----------------------------------------------------------------------===//
// dense, causal
//===----------------------------------------------------------------------===//

LogicalResult DenseOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  ScalarBuilder s(builder, scope.loc);
  bands.push_back({s.constant(0), scope.keyLength});
  return success();
}

LogicalResult CausalOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  ScalarBuilder s(builder, scope.loc);
  bands.push_back({s.constant(0), s.add(q, 1)});
  return success();
}

//===----------------------------------------------------------------------===//
// window
//===----------------------------------------------------------------------===//

LogicalResult WindowOp::verify() {
  IntegerAttr left = getStaticLeftAttr(), right = getStaticRightAttr();
  if ((getLeft() && left) || (getRight() && right))
    return emitOpError("expects each side to be a constant or a captured value, but got both");
  // window_c1
  if (failed(verifyRange(*this, "left", left, -kMaxPosition)) ||
      failed(verifyRange(*this, "right", right, -kMaxPosition)))
    return failure();
  // window_c2
  if (left && right && left.getInt() + right.getInt() < 0)
    return emitOpError("expects left + right >= 0, but got ") << left.getInt() << " + " << right.getInt();
  return success();
}

LogicalResult WindowOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  ScalarBuilder s(builder, scope.loc);
  Value lo = s.constant(0), hi = scope.keyLength;
  if (getLeft() || getStaticLeftAttr())
    lo = s.sub(q, scope.parameter(builder, getLeft(), getStaticLeftAttr()));
  if (getRight() || getStaticRightAttr())
    hi = s.add(s.add(q, scope.parameter(builder, getRight(), getStaticRightAttr())), 1);
  bands.push_back({lo, hi});
  return success();
}

//===----------------------------------------------------------------------===//
// keys, queries, global
//===----------------------------------------------------------------------===//

template <typename OpT> static LogicalResult verifyCount(OpT op, StringRef name, int64_t min) {
  return failure(failed(verifyOneOf(op, name, op.getCount(), op.getStaticCountAttr())) ||
                 failed(verifyRange(op, name, op.getStaticCountAttr(), min)));
}

static Band keysBand(ScalarBuilder &s, Value count) { return {s.constant(0), count}; }

/// All keys for a query before `count`, none (an empty band at the end, which keeps `lo` monotone) for the others.
static Band queriesBand(ScalarBuilder &s, const PatternScope &scope, Value q, Value count) {
  return {s.select(s.less(q, count), s.constant(0), scope.keyLength), scope.keyLength};
}

LogicalResult KeysOp::verify() { return verifyCount(*this, "first", 0); }

LogicalResult KeysOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  ScalarBuilder s(builder, scope.loc);
  bands.push_back(keysBand(s, scope.parameter(builder, getCount(), getStaticCountAttr())));
  return success();
}

LogicalResult QueriesOp::verify() { return verifyCount(*this, "first", 0); }

LogicalResult QueriesOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  ScalarBuilder s(builder, scope.loc);
  bands.push_back(queriesBand(s, scope, q, scope.parameter(builder, getCount(), getStaticCountAttr())));
  return success();
}

LogicalResult GlobalOp::verify() { return verifyCount(*this, "first", 0); }

LogicalResult GlobalOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  ScalarBuilder s(builder, scope.loc);
  Value count = scope.parameter(builder, getCount(), getStaticCountAttr());
  bands.push_back(keysBand(s, count));
  bands.push_back(queriesBand(s, scope, q, count));
  return success();
}

//===----------------------------------------------------------------------===//
// chunk
//===----------------------------------------------------------------------===//

LogicalResult ChunkOp::verify() { return verifyCount(*this, "size", 1); }

LogicalResult ChunkOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  ScalarBuilder s(builder, scope.loc);
  Value size = s.max(scope.parameter(builder, getCount(), getStaticCountAttr()), 1);
  Value lo = s.mul(s.floorDiv(q, size), size);
  bands.push_back({lo, s.add(lo, size)});
  return success();
}

//===----------------------------------------------------------------------===//
// stride
//===----------------------------------------------------------------------===//

LogicalResult StrideOp::verify() { return verifyCount(*this, "step", 1); }

/// A captured step has no bands: the tiles that a stride touches depend on how it divides the tile size.
LogicalResult StrideOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  if (!getStaticCountAttr())
    return failure();
  ScalarBuilder s(builder, scope.loc);
  bands.push_back({s.constant(0), scope.keyLength, getStaticCountAttr().getInt()});
  return success();
}

Value StrideOp::buildPredicate(OpBuilder &builder, const PatternScope &scope, Value q, Value k) {
  ScalarBuilder s(builder, scope.loc);
  Value step = s.max(scope.parameter(builder, getCount(), getStaticCountAttr()), 1);
  Value remainder = builder.createOrFold<arith::RemSIOp>(scope.loc, s.sub(q, k), step);
  return s.equal(remainder, s.constant(0));
}

Coverage StrideOp::buildCoverage(OpBuilder &builder, const PatternScope &scope, const Span &span) {
  ScalarBuilder s(builder, scope.loc);
  Value step = s.max(scope.parameter(builder, getCount(), getStaticCountAttr()), 1);
  // Some multiple of the step lies in [least, most], the distances that occur.
  Value least = s.sub(span.firstKey, span.lastQuery), most = s.sub(span.lastKey, span.firstQuery);
  Value any = s.lessEqual(least, s.mul(s.floorDiv(most, step), step));
  Value single = s.both(any, s.equal(least, most));
  return {any, s.either(single, s.equal(step, s.constant(1)))};
}
