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
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

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
  return s.isMultiple(s.sub(q, k), step);
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
// exponential
//===----------------------------------------------------------------------===//

SmallVector<Parameter> ExponentialOp::getParameters() { return {{"base", Value(), getBaseAttr(), 2}}; }

LogicalResult ExponentialOp::verify() { return verifyParameters(*this); } // exponential_c1

/// The powers that a distance can be: positions lie within +-2^30. A predicate that looks at bits knows no such end, so
/// the powers of two go on as far as lengths of any use.
static SmallVector<int64_t> listPowers(int64_t base) {
  SmallVector<int64_t> powers;
  int64_t most = llvm::isPowerOf2_64(base) ? int64_t(1) << 31 : 2 * kMaxPosition;
  for (int64_t power = 1; power <= most; power *= base)
    powers.push_back(power);
  return powers;
}

/// Powers of a power of two are the numbers of one bit, of those at the right places.
Value ExponentialOp::buildPredicate(OpBuilder &builder, const PatternScope &scope, Value q, Value k) {
  ScalarBuilder s(builder, scope.loc);
  int64_t base = static_cast<int64_t>(getBase());
  Value zero = s.constant(0), distance = s.max(s.sub(q, k), s.sub(k, q));
  SmallVector<int64_t> powers = listPowers(base);
  if (llvm::isPowerOf2_64(getBase())) {
    Value oneBit = s.equal(s.both(distance, s.sub(distance, 1)), zero);
    int64_t places = std::accumulate(powers.begin(), powers.end(), int64_t(0));
    return base == 2 ? oneBit : s.both(oneBit, s.equal(s.both(distance, s.constant(places)), distance));
  }
  Value attends = s.equal(distance, zero);
  for (int64_t power : powers)
    attends = s.either(attends, s.equal(distance, s.constant(power)));
  return attends;
}

Coverage ExponentialOp::buildCoverage(OpBuilder &builder, const PatternScope &scope, const Span &span) {
  ScalarBuilder s(builder, scope.loc);
  // Every distance k - q in [least, most] occurs, so those of [near, far] without a sign, and 0 where near is negative.
  Value least = s.sub(span.firstKey, span.lastQuery), most = s.sub(span.lastKey, span.firstQuery);
  Value near = s.max(least, s.sub(s.constant(0), most)), far = s.max(most, s.sub(s.constant(0), least));
  Value any = s.lessEqual(near, s.constant(0));
  for (int64_t power : listPowers(static_cast<int64_t>(getBase()))) {
    Value between = s.both(s.lessEqual(near, s.constant(power)), s.lessEqual(s.constant(power), far));
    any = s.either(any, between);
  }
  // Longer runs of distances than those around 0 always have gaps, but for 1, 2.
  Value small = s.lessEqual(far, s.constant(getBase() == 2 ? 2 : 1));
  return {any, s.either(small, s.both(any, s.equal(least, most)))};
}

//===----------------------------------------------------------------------===//
// columns
//===----------------------------------------------------------------------===//

SmallVector<Parameter> ColumnsOp::getParameters() {
  return {{"every", Value(), getEveryAttr(), 1}, {"last", Value(), getLastAttr(), 1}};
}

LogicalResult ColumnsOp::verify() {
  // columns_c1
  if (failed(verifyParameters(*this)))
    return failure();
  // columns_c2
  if (getLast() > getEvery())
    return emitOpError("expects 'last' to be at most 'every', but got ") << getLast() << " and " << getEvery();
  return success();
}

LogicalResult ColumnsOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  ScalarBuilder s(builder, scope.loc);
  int64_t every = static_cast<int64_t>(getEvery()), last = static_cast<int64_t>(getLast());
  bands.push_back(
      {s.constant(0), scope.keyLength, /*modulus=*/1, /*exact=*/true, {every, (every - last) % every, last}});
  return success();
}

//===----------------------------------------------------------------------===//
// segment
//===----------------------------------------------------------------------===//

SmallVector<Parameter> SegmentOp::getParameters() {
  return {{"length", Value(), getLengthAttr(), 1}, {"rate", Value(), getRateAttr(), 1}};
}

LogicalResult SegmentOp::verify() {
  // segment_c1
  if (failed(verifyParameters(*this)))
    return failure();
  // segment_c2
  if (getLength() % getRate() != 0)
    return emitOpError("expects the rate to divide the length, but got ") << getRate() << " and " << getLength();
  return success();
}

Dependence SegmentOp::getDependence() { return {/*batch=*/false, /*head=*/getShift()}; }

/// Is a position among those that its head picks?
static Value isOnGrid(ScalarBuilder &s, SegmentOp segment, const PatternScope &scope, Value position) {
  int64_t rate = static_cast<int64_t>(segment.getRate());
  if (rate == 1)
    return s.boolean(true);
  Value phase = segment.getShift() ? s.remPositive(scope.head, rate) : s.constant(0);
  return s.isMultiple(s.sub(position, phase), s.constant(rate));
}

/// The chunk of the segment. Whether the query has any key there depends on its residue, which bands over all positions
/// cannot say; within a residue class it is the same for all queries, and where they have none, no tile is touched.
LogicalResult SegmentOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  ScalarBuilder s(builder, scope.loc);
  int64_t length = static_cast<int64_t>(getLength()), rate = static_cast<int64_t>(getRate());
  Value lo = s.mul(s.floorDiv(q, length), length), hi = s.add(lo, length);
  bool isWithinClass = scope.modulo % rate == 0;
  if (isWithinClass) {
    Value isOwn = isOnGrid(s, *this, scope, q), zero = s.constant(0);
    lo = s.select(isOwn, lo, zero);
    hi = s.select(isOwn, hi, zero);
  }
  bands.push_back({lo, hi, /*modulus=*/rate, /*exact=*/isWithinClass});
  return success();
}

Value SegmentOp::buildPredicate(OpBuilder &builder, const PatternScope &scope, Value q, Value k) {
  ScalarBuilder s(builder, scope.loc);
  int64_t length = static_cast<int64_t>(getLength());
  Value lo = s.mul(s.floorDiv(q, length), length);
  Value same = s.both(s.lessEqual(lo, k), s.less(k, s.add(lo, length)));
  Value attends = s.both(same, isOnGrid(s, *this, scope, q));
  bool isWithinClass = scope.modulo % static_cast<int64_t>(getRate()) == 0;
  return isWithinClass ? attends : s.both(attends, isOnGrid(s, *this, scope, k));
}

//===----------------------------------------------------------------------===//
// prefix_lm
//===----------------------------------------------------------------------===//

Dependence PrefixLMOp::getDependence() { return {/*batch=*/true, /*head=*/false}; }

SmallVector<ArrayDemand> PrefixLMOp::getArrayDemands() { return {{getLengths(), /*perBatch=*/true}}; }

LogicalResult PrefixLMOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  ScalarBuilder s(builder, scope.loc);
  Value read = ReadOp::create(builder, scope.loc, builder.getI32Type(), scope.lookup(getLengths()), scope.batch);
  Value length = builder.createOrFold<arith::IndexCastOp>(scope.loc, builder.getIndexType(), read);
  bands.push_back({s.constant(0), s.max(length, s.add(q, 1))});
  return success();
}

//===----------------------------------------------------------------------===//
// documents
//===----------------------------------------------------------------------===//

/// Indices in front of the last: none, the batch, or batch and head.
static SmallVector<Value> rowsOf(Value array, const PatternScope &scope) {
  Value rows[] = {scope.batch, scope.head};
  return SmallVector<Value>(ArrayRef(rows).take_front(cast<MemRefType>(array.getType()).getRank() - 1));
}

/// An array with rows has one for each batch, or one for each head.
static Dependence dependenceOf(Value array) {
  int64_t rank = cast<MemRefType>(array.getType()).getRank();
  return {/*batch=*/rank > 1, /*head=*/rank > 2};
}

static Value buildRead(ScalarBuilder &s, const PatternScope &scope, Value array, Value position) {
  SmallVector<Value> indices = rowsOf(array, scope);
  indices.push_back(position);
  return ReadOp::create(s.builder, s.loc, s.builder.getI32Type(), scope.lookup(array), indices);
}

static Value buildLength(ScalarBuilder &s, const PatternScope &scope, Value array) {
  int64_t last = cast<MemRefType>(array.getType()).getRank() - 1;
  return s.builder.createOrFold<memref::DimOp>(s.loc, scope.lookup(array), last);
}

SmallVector<ArrayDemand> DocumentsOp::getArrayDemands() {
  return {{getArray(), /*perBatch=*/false, /*sorted=*/!getByIds()}};
}

Dependence DocumentsOp::getDependence() { return dependenceOf(getArray()); }

/// Document i - 1, of the i documents that begin at or before the query. Before the first and behind the last, both
/// bounds are the same offset.
LogicalResult DocumentsOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  if (getByIds())
    return failure();
  ScalarBuilder s(builder, scope.loc);
  Value begun = UpperBoundOp::create(builder, scope.loc, builder.getIndexType(), scope.lookup(getArray()),
                                     rowsOf(getArray(), scope), q);
  Value last = s.max(s.sub(buildLength(s, scope, getArray()), 1), 0);
  auto offset = [&](Value index) {
    Value read = buildRead(s, scope, getArray(), s.clamp(index, s.constant(0), last));
    return builder.createOrFold<arith::IndexCastOp>(scope.loc, builder.getIndexType(), read);
  };
  bands.push_back({offset(s.sub(begun, 1)), offset(begun)});
  return success();
}

Value DocumentsOp::buildPredicate(OpBuilder &builder, const PatternScope &scope, Value q, Value k) {
  if (!getByIds())
    return buildPredicateFromBands(*this, builder, scope, q, k);
  ScalarBuilder s(builder, scope.loc);
  Value length = buildLength(s, scope, getArray());
  auto exists = [&](Value position) { return s.both(s.lessEqual(s.constant(0), position), s.less(position, length)); };
  Value same = s.equal(buildRead(s, scope, getArray(), q), buildRead(s, scope, getArray(), k));
  return s.both(s.both(exists(q), exists(k)), same);
}

Coverage DocumentsOp::buildCoverage(OpBuilder &builder, const PatternScope &scope, const Span &span) {
  if (!getByIds())
    return buildCoverageFromBands(*this, builder, scope, span);
  ScalarBuilder s(builder, scope.loc);
  auto bounds = [&](Value first, Value last) {
    return ReadBoundsOp::create(builder, scope.loc, scope.lookup(getArray()), rowsOf(getArray(), scope), first, last);
  };
  auto queries = bounds(span.firstQuery, span.lastQuery), keys = bounds(span.firstKey, span.lastKey);
  // Where nothing exists the minimum is above the maximum.
  Value least = s.max(queries.getMin(), keys.getMin()), most = s.min(queries.getMax(), keys.getMax());
  Value someExist = s.both(s.lessEqual(queries.getMin(), queries.getMax()), s.lessEqual(keys.getMin(), keys.getMax()));
  Value any = s.both(someExist, s.lessEqual(least, most));
  Value allExist = s.both(queries.getInside(), keys.getInside());
  Value single = s.both(s.equal(queries.getMin(), keys.getMax()), s.equal(keys.getMin(), queries.getMax()));
  return {any, s.both(allExist, s.both(any, single))};
}

//===----------------------------------------------------------------------===//
// tree
//===----------------------------------------------------------------------===//

SmallVector<ArrayDemand> TreeOp::getArrayDemands() {
  return {{getParents(), /*perBatch=*/false, /*sorted=*/false, ArrayForm::Tree}};
}

Dependence TreeOp::getDependence() { return dependenceOf(getParents()); }

/// A row of the table has the first number of each node, and then the last of each.
static Value buildNodeCount(ScalarBuilder &s, const PatternScope &scope, Value parents) {
  return s.divPositive(buildLength(s, scope, parents), 2);
}

/// The prefix up to the query, and all nodes up to it, of which some are no ancestors.
LogicalResult TreeOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q, Bands &bands) {
  ScalarBuilder s(builder, scope.loc);
  Value prefix = s.sub(scope.keyLength, buildNodeCount(s, scope, getParents())), past = s.add(q, 1);
  bands.push_back({s.constant(0), s.min(prefix, past)});
  bands.push_back({prefix, past, /*modulus=*/1, /*exact=*/false});
  return success();
}

/// What is read for positions before the tree does not matter: keys there attend as the prefix does, and queries there
/// are asked for no others.
Value TreeOp::buildPredicate(OpBuilder &builder, const PatternScope &scope, Value q, Value k) {
  ScalarBuilder s(builder, scope.loc);
  Value nodes = buildNodeCount(s, scope, getParents()), prefix = s.sub(scope.keyLength, nodes);
  Value query = s.sub(q, prefix), key = s.sub(k, prefix);
  Value number = buildRead(s, scope, getParents(), query);
  Value first = buildRead(s, scope, getParents(), key), last = buildRead(s, scope, getParents(), s.add(nodes, key));
  Value descends = s.both(s.lessEqual(first, number), s.less(number, last));
  return s.both(s.lessEqual(k, q), s.either(s.less(k, prefix), descends));
}

//===----------------------------------------------------------------------===//
// vertical_slash
//===----------------------------------------------------------------------===//

SmallVector<ArrayDemand> VerticalSlashOp::getArrayDemands() {
  ArrayDemand demand{getColumns(), /*perBatch=*/false, /*sorted=*/false, ArrayForm::Bits}, other = demand;
  other.array = getDiagonals();
  return {demand, other};
}

Dependence VerticalSlashOp::getDependence() { return dependenceOf(getColumns()); }

namespace {

/// Asks a table of bits: words of 32 numbers each, with how many numbers there are before each word.
class BitTable {
public:
  BitTable(ScalarBuilder &s, const PatternScope &scope, Value array) : s(s), scope(scope), array(array) {}

  /// Is `number` in the set? It does not matter what is said of negative ones.
  Value contains(Value number);
  /// How many numbers of [first, last] are in the set, i32; of those that are positions, or the number of keys.
  Value count(Value first, Value last) { return s.sub(countBelow(s.add(last, 1)), countBelow(first)); }

private:
  Value word(int64_t value) { return arith::ConstantIntOp::create(s.builder, s.loc, value, 32); }
  template <typename OpT> Value shift(Value value, Value distance) {
    return s.builder.createOrFold<OpT>(s.loc, value, distance);
  }
  /// Where the pair of words of a number begins.
  Value pairOf(Value number) { return s.mul(shift<arith::ShRSIOp>(number, s.constant(5)), 2); }
  Value bitOf(Value number) {
    Value bit = s.both(number, s.constant(31));
    return s.builder.createOrFold<arith::IndexCastOp>(s.loc, s.builder.getI32Type(), bit);
  }
  Value countBelow(Value number);

  ScalarBuilder &s;
  const PatternScope &scope;
  Value array;
};

Value BitTable::contains(Value number) {
  Value bits = buildRead(s, scope, array, pairOf(number));
  Value bit = s.both(shift<arith::ShRUIOp>(bits, bitOf(number)), word(1));
  return s.compare(arith::CmpIPredicate::ne, bit, word(0));
}

Value BitTable::countBelow(Value number) {
  Value position = s.clamp(number, s.constant(0), scope.keyLength), pair = pairOf(position);
  Value bits = buildRead(s, scope, array, pair), before = buildRead(s, scope, array, s.add(pair, 1));
  Value below = s.sub(shift<arith::ShLIOp>(word(1), bitOf(position)), word(1));
  return s.add(before, math::CtPopOp::create(s.builder, s.loc, s.both(bits, below)).getResult());
}

} // namespace

Value VerticalSlashOp::buildPredicate(OpBuilder &builder, const PatternScope &scope, Value q, Value k) {
  ScalarBuilder s(builder, scope.loc);
  Value inColumn = BitTable(s, scope, getColumns()).contains(k);
  Value onDiagonal = BitTable(s, scope, getDiagonals()).contains(s.sub(q, k));
  return s.both(s.lessEqual(k, q), s.either(inColumn, onDiagonal));
}

/// Every column of the rectangle that is not past the last query crosses it, and so does every diagonal of a distance
/// that occurs.
Coverage VerticalSlashOp::buildCoverage(OpBuilder &builder, const PatternScope &scope, const Span &span) {
  ScalarBuilder s(builder, scope.loc);
  Value least = s.sub(span.firstQuery, span.lastKey), most = s.sub(span.lastQuery, span.firstKey);
  Value columns = BitTable(s, scope, getColumns()).count(span.firstKey, s.min(span.lastKey, span.lastQuery));
  Value diagonals = BitTable(s, scope, getDiagonals()).count(least, most);
  auto holdAll = [&](Value count, Value first, Value last) {
    Value number = builder.createOrFold<arith::IndexCastOp>(scope.loc, builder.getIndexType(), count);
    return s.equal(number, s.add(s.sub(last, first), 1));
  };
  Value none = arith::ConstantIntOp::create(builder, scope.loc, 0, 32);
  Value any = s.either(s.less(none, columns), s.less(none, diagonals));
  Value all = s.either(holdAll(columns, span.firstKey, span.lastKey), holdAll(diagonals, least, most));
  return {any, s.both(s.lessEqual(span.lastKey, span.firstQuery), all)};
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
