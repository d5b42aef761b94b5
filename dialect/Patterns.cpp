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

/// A side that is not there reaches to the end, and is no parameter.
SmallVector<Parameter> WindowOp::getParameters() {
  SmallVector<Parameter> parameters;
  if (getLeft() || getStaticLeftAttr())
    parameters.push_back({"left", getLeft(), getStaticLeftAttr(), -kMaxPosition});
  if (getRight() || getStaticRightAttr())
    parameters.push_back({"right", getRight(), getStaticRightAttr(), -kMaxPosition});
  return parameters;
}

LogicalResult WindowOp::verify() {
  // window_c1
  if (failed(verifyParameters(*this)))
    return failure();
  // window_c2
  IntegerAttr left = getStaticLeftAttr(), right = getStaticRightAttr();
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

static Band keysBand(ScalarBuilder &s, Value count) { return {s.constant(0), count}; }

/// All keys for a query before `count`, none (an empty band at the end, which keeps `lo` monotone) for the others.
static Band queriesBand(ScalarBuilder &s, const PatternScope &scope, Value q, Value count) {
  return {s.select(s.less(q, count), s.constant(0), scope.keyLength), scope.keyLength};
}

LogicalResult KeysOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  ScalarBuilder s(builder, scope.loc);
  bands.push_back(keysBand(s, scope.parameter(builder, getCount(), getStaticCountAttr())));
  return success();
}

LogicalResult QueriesOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  ScalarBuilder s(builder, scope.loc);
  bands.push_back(queriesBand(s, scope, q, scope.parameter(builder, getCount(), getStaticCountAttr())));
  return success();
}

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
  if (IntegerAttr step = getStaticCountAttr(); step && scope.modulo % step.getInt() == 0)
    return s.boolean(true);
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

//===----------------------------------------------------------------------===//
// blocks
//===----------------------------------------------------------------------===//

Value BlocksOp::buildPredicate(OpBuilder &builder, const PatternScope &scope, Value q, Value k) {
  ScalarBuilder s(builder, scope.loc);
  Value row = s.sub(q, s.sub(scope.keyLength, scope.queryLength));
  return BlockActiveOp::create(builder, scope.loc, scope.lookup(getMask()), row, k);
}

BlockSizes BlocksOp::getBlockSizes() {
  auto mask = cast<BlockMaskType>(getMask().getType());
  return {mask.getQueryBlock(), mask.getKeyBlock()};
}

Coverage BlocksOp::buildCoverage(OpBuilder &builder, const PatternScope &scope, const Span &span) {
  auto coverage = BlockCoverageOp::create(builder, scope.loc, scope.lookup(getMask()), span.firstKey, span.lastKey);
  return {coverage.getAny(), coverage.getAll()};
}
