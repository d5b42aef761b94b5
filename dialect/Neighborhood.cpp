//===- Neighborhood.cpp - Neighbours on a grid of tokens ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A position is a number of mixed radix, whose digits are the coordinates of
// the token, or those of its tile and then its own within the tile. Whether a
// pair attends is asked axis by axis; a run of positions has a box as its hull.
//
//===----------------------------------------------------------------------===//

#include "dialect/ScalarBuilder.h"
#include "dialect/SparseAttn.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::sparse_attn;

namespace {

/// The numbers of one axis.
struct Axis {
  int64_t length, window, step, stride, tile;
  bool causal;

  bool holdsAlways() const { return window == length && !causal; }
};

/// Members [first, past) of a residue class of an axis.
struct Members {
  Value first, past;
};

/// Coordinates of an axis, or a run of positions; both ends are inclusive.
struct Extent {
  Value first, last;
};

/// A digit of positions, `position div weight mod radix`, which counts `scale` on its axis.
struct Digit {
  size_t axis;
  int64_t radix, scale, weight;
};

} // namespace

static SmallVector<Axis> listAxes(NeighborhoodOp op) {
  auto numberOf = [](std::optional<ArrayRef<int64_t>> numbers, size_t axis) { return numbers ? (*numbers)[axis] : 1; };
  SmallVector<Axis> axes;
  for (size_t i = 0; i < op.getShape().size(); ++i)
    axes.push_back({op.getShape()[i], op.getWindow()[i], numberOf(op.getStep(), i), numberOf(op.getStride(), i),
                    numberOf(op.getTile(), i), op.getCausal() && (*op.getCausal())[i]});
  return axes;
}

static int64_t countTokens(ArrayRef<Axis> axes) {
  int64_t count = 1;
  for (const Axis &axis : axes)
    count *= axis.length;
  return count;
}

//===----------------------------------------------------------------------===//
// Constraints
//===----------------------------------------------------------------------===//

/// Every list has a number for each axis.
static LogicalResult verifyRanks(NeighborhoodOp op) {
  size_t rank = op.getShape().size();
  if (rank < 1 || rank > 3)
    return op.emitOpError("expects a shape of 1 to 3 numbers, but got ") << rank;
  auto verifyRank = [&](StringRef name, std::optional<size_t> size) -> LogicalResult {
    if (size.value_or(rank) != rank)
      return op.emitOpError("expects '") << name << "' to have as many numbers as the shape, but got " << *size
                                         << " and " << rank;
    return success();
  };
  auto sizeOf = [](auto list) { return list ? std::optional(list->size()) : std::nullopt; };
  return success(
      succeeded(verifyRank("window", op.getWindow().size())) && succeeded(verifyRank("step", sizeOf(op.getStep()))) &&
      succeeded(verifyRank("stride", sizeOf(op.getStride()))) && succeeded(verifyRank("tile", sizeOf(op.getTile()))) &&
      succeeded(verifyRank("causal", sizeOf(op.getCausal()))));
}

static LogicalResult verifyLeast(NeighborhoodOp op, StringRef name, int64_t number) {
  if (number < 1 || number > kMaxPosition)
    return op.emitOpError("expects '") << name << "' to lie in [1, " << kMaxPosition << "], but got " << number;
  return success();
}

static LogicalResult verifyAxis(NeighborhoodOp op, const Axis &axis, size_t number) {
  // neighborhood_c2
  if (failed(verifyLeast(op, "shape", axis.length)) || failed(verifyLeast(op, "window", axis.window)) ||
      failed(verifyLeast(op, "step", axis.step)) || failed(verifyLeast(op, "stride", axis.stride)) ||
      failed(verifyLeast(op, "tile", axis.tile)))
    return failure();
  // neighborhood_c3
  if (axis.window * axis.step > axis.length)
    return op.emitOpError("expects window * step to be at most the length of axis ")
           << number << ", but got " << axis.window << " * " << axis.step << " and " << axis.length;
  // neighborhood_c4
  if (axis.stride > axis.window)
    return op.emitOpError("expects the stride to be at most the window on axis ")
           << number << ", but got " << axis.stride << " and " << axis.window;
  // neighborhood_c5
  if (axis.length % axis.tile != 0)
    return op.emitOpError("expects the tile to divide the shape on axis ")
           << number << ", but got " << axis.tile << " and " << axis.length;
  return success();
}

LogicalResult NeighborhoodOp::verify() {
  // neighborhood_c1
  if (failed(verifyRanks(*this)))
    return failure();
  int64_t tokens = 1;
  for (auto [number, axis] : llvm::enumerate(listAxes(*this))) {
    if (failed(verifyAxis(*this, axis, number)))
      return failure();
    tokens *= axis.length;
    // neighborhood_c2
    if (tokens > kMaxPosition)
      return emitOpError("expects a grid of at most ") << kMaxPosition << " tokens, but got " << tokens;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Coordinates
//===----------------------------------------------------------------------===//

/// The digits that can be other than 0, the most significant first.
static SmallVector<Digit> listDigits(ArrayRef<Axis> axes) {
  SmallVector<Digit> digits;
  auto append = [&](size_t axis, int64_t radix, int64_t scale) {
    if (radix == 1)
      return;
    // Two digits that count on, as those of a tile and of its tokens where there is one axis, are one.
    if (!digits.empty() && digits.back().axis == axis && digits.back().scale == radix * scale)
      digits.back() = {axis, digits.back().radix * radix, scale, 0};
    else
      digits.push_back({axis, radix, scale, 0});
  };
  for (auto [number, axis] : llvm::enumerate(axes))
    append(number, axis.length / axis.tile, axis.tile);
  for (auto [number, axis] : llvm::enumerate(axes))
    append(number, axis.tile, 1);
  int64_t weight = 1;
  for (Digit &digit : llvm::reverse(digits)) {
    digit.weight = weight;
    weight *= digit.radix;
  }
  return digits;
}

/// Digit number `index` of a position of the grid; the first one needs no remainder.
static Value buildDigit(ScalarBuilder &s, ArrayRef<Digit> digits, size_t index, Value position) {
  Value quotient = s.divPositive(position, digits[index].weight);
  return index == 0 ? quotient : s.remPositive(quotient, digits[index].radix);
}

/// The coordinates of a position of the grid, one an axis.
static SmallVector<Value> buildCoordinates(ScalarBuilder &s, ArrayRef<Axis> axes, Value position) {
  SmallVector<Digit> digits = listDigits(axes);
  SmallVector<Value> coordinates(axes.size(), s.constant(0));
  for (auto [index, digit] : llvm::enumerate(digits)) {
    Value &coordinate = coordinates[digit.axis];
    coordinate = s.add(coordinate, s.mul(buildDigit(s, digits, index, position), digit.scale));
  }
  return coordinates;
}

/// A run of positions of the grid in pieces: one, or one up to where the first of its digits to change does so for the
/// last time, and one from there. So the end of a row and the start of the next are two boxes, not the hull of both.
static SmallVector<Extent> splitRun(ScalarBuilder &s, ArrayRef<Axis> axes, const Extent &run) {
  SmallVector<Digit> digits = listDigits(axes);
  if (digits.size() < 2)
    return {run};
  Value changes = s.boolean(false), start = run.first;
  for (const Digit &digit : llvm::reverse(ArrayRef(digits).drop_back())) {
    Value before = s.divPositive(run.first, digit.weight), after = s.divPositive(run.last, digit.weight);
    Value changed = s.less(before, after);
    start = s.select(changed, s.mul(after, digit.weight), start);
    changes = s.either(changes, changed);
  }
  return {{run.first, s.select(changes, s.sub(start, 1), run.last)}, {start, run.last}};
}

/// The box around a run of positions of the grid: a digit takes all values as soon as one before it changes.
static SmallVector<Extent> buildHull(ScalarBuilder &s, ArrayRef<Axis> axes, const Extent &run) {
  SmallVector<Digit> digits = listDigits(axes);
  SmallVector<Extent> hull(axes.size(), {s.constant(0), s.constant(0)});
  Value same = s.boolean(true);
  for (auto [index, digit] : llvm::enumerate(digits)) {
    Value lo = s.select(same, buildDigit(s, digits, index, run.first), s.constant(0));
    Value hi = s.select(same, buildDigit(s, digits, index, run.last), s.constant(digit.radix - 1));
    Extent &extent = hull[digit.axis];
    extent = {s.add(extent.first, s.mul(lo, digit.scale)), s.add(extent.last, s.mul(hi, digit.scale))};
    same = s.equal(s.divPositive(run.first, digit.weight), s.divPositive(run.last, digit.weight));
  }
  return hull;
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// What member `index` sees of its class, which has `members`. Both bounds grow with both numbers.
static Members buildWindow(ScalarBuilder &s, const Axis &axis, Value index, Value members) {
  Value leader = index;
  if (axis.stride > 1) {
    Value group = s.mul(s.divPositive(index, axis.stride), axis.stride);
    leader = s.min(s.add(group, axis.causal ? axis.stride - 1 : axis.stride / 2), s.sub(members, 1));
  }
  if (axis.causal)
    return {s.max(s.sub(leader, axis.window - 1), 0), s.add(index, 1)};
  Value first = s.clamp(s.sub(leader, axis.window / 2), s.constant(0), s.sub(members, axis.window));
  return {first, s.add(first, axis.window)};
}

/// Does coordinate `q` of an axis attend to coordinate `k`?
static Value buildAttends(ScalarBuilder &s, const Axis &axis, Value q, Value k) {
  if (axis.holdsAlways())
    return s.boolean(true);
  Value number = s.remPositive(q, axis.step);
  Value members = axis.length % axis.step == 0
                      ? s.constant(axis.length / axis.step)
                      : s.divPositive(s.sub(s.constant(axis.length + axis.step - 1), number), axis.step);
  Members window = buildWindow(s, axis, s.divPositive(q, axis.step), members);
  Value index = s.divPositive(k, axis.step);
  // Unsigned, a key before the window lies far behind it: kernels keep one number a row and axis in a register.
  Value inside = axis.causal
                     ? s.both(s.lessEqual(window.first, index), s.less(index, window.past))
                     : s.compare(arith::CmpIPredicate::ult, s.sub(index, window.first), s.constant(axis.window));
  return axis.step == 1 ? inside : s.both(inside, s.equal(s.remPositive(k, axis.step), number));
}

/// The windows of consecutive queries overlap or touch, so that their hull holds no other keys.
static Coverage buildUndilated(ScalarBuilder &s, const Axis &axis, const Extent &q, const Extent &k) {
  Value members = s.constant(axis.length);
  Members first = buildWindow(s, axis, q.first, members), last = buildWindow(s, axis, q.last, members);
  return {s.both(s.lessEqual(first.first, k.last), s.less(k.first, last.past)),
          s.both(s.lessEqual(last.first, k.first), s.less(k.last, first.past))};
}

/// Neighbours are of different classes: all pairs attend only where there is one. Else some may where a distance is a
/// multiple of the step, and the windows of the shortest and of the longest class meet the keys.
static Coverage buildDilated(ScalarBuilder &s, const Axis &axis, const Extent &q, const Extent &k) {
  Value fewest = s.constant(axis.length / axis.step), most = s.constant(llvm::divideCeil(axis.length, axis.step));
  Members first = buildWindow(s, axis, s.divPositive(q.first, axis.step), fewest);
  Members last = buildWindow(s, axis, s.divPositive(q.last, axis.step), most);
  Value meet = s.both(s.lessEqual(first.first, s.divPositive(k.last, axis.step)),
                      s.less(s.divPositive(k.first, axis.step), last.past));
  Value nearest = s.sub(k.first, q.last), farthest = s.sub(k.last, q.first);
  Value sameClass = s.lessEqual(nearest, s.mul(s.floorDiv(farthest, axis.step), axis.step));
  Value single = s.both(s.equal(q.first, q.last), s.equal(k.first, k.last));
  Value attends = buildAttends(s, axis, q.first, k.first);
  return {s.both(s.both(meet, sameClass), s.either(s.negate(single), attends)), s.both(single, attends)};
}

static Coverage buildAxisCoverage(ScalarBuilder &s, const Axis &axis, const Extent &q, const Extent &k) {
  if (axis.holdsAlways())
    return {s.boolean(true), s.boolean(true)};
  return axis.step == 1 ? buildUndilated(s, axis, q, k) : buildDilated(s, axis, q, k);
}

static Coverage buildBoxCoverage(ScalarBuilder &s, ArrayRef<Axis> axes, ArrayRef<Extent> q, ArrayRef<Extent> k) {
  Coverage coverage{s.boolean(true), s.boolean(true)};
  for (size_t i = 0; i < axes.size(); ++i) {
    Coverage ofAxis = buildAxisCoverage(s, axes[i], q[i], k[i]);
    coverage = {s.both(coverage.any, ofAxis.any), s.both(coverage.all, ofAxis.all)};
  }
  return coverage;
}

//===----------------------------------------------------------------------===//
// The interface
//===----------------------------------------------------------------------===//

/// One axis without classes is a band, whose tiles are its tokens in order.
static bool hasBands(ArrayRef<Axis> axes) { return axes.size() == 1 && axes.front().step == 1; }

/// Empty at the ends of the grid for queries before and behind it.
LogicalResult NeighborhoodOp::buildKeyBands(OpBuilder &builder, const PatternScope &scope, Value q,
                                            SmallVectorImpl<Band> &bands) {
  SmallVector<Axis> axes = listAxes(*this);
  if (!hasBands(axes))
    return failure();
  ScalarBuilder s(builder, scope.loc);
  Value zero = s.constant(0), length = s.constant(axes.front().length);
  Members window = buildWindow(s, axes.front(), s.clamp(q, zero, s.sub(length, 1)), length);
  bands.push_back({s.select(s.less(q, length), window.first, length), s.select(s.less(q, zero), zero, window.past)});
  return success();
}

Value NeighborhoodOp::buildPredicate(OpBuilder &builder, const PatternScope &scope, Value q, Value k) {
  SmallVector<Axis> axes = listAxes(*this);
  if (hasBands(axes))
    return buildPredicateFromBands(*this, builder, scope, q, k);
  ScalarBuilder s(builder, scope.loc);
  Value tokens = s.constant(countTokens(axes));
  Value attends = s.both(s.both(s.lessEqual(s.constant(0), q), s.less(q, tokens)), s.less(k, tokens));
  SmallVector<Value> ofQuery = buildCoordinates(s, axes, q), ofKey = buildCoordinates(s, axes, k);
  for (size_t i = 0; i < axes.size(); ++i)
    attends = s.both(attends, buildAttends(s, axes[i], ofQuery[i], ofKey[i]));
  return attends;
}

Coverage NeighborhoodOp::buildCoverage(OpBuilder &builder, const PatternScope &scope, const Span &span) {
  SmallVector<Axis> axes = listAxes(*this);
  if (hasBands(axes))
    return buildCoverageFromBands(*this, builder, scope, span);
  ScalarBuilder s(builder, scope.loc);
  Value zero = s.constant(0), tokens = s.constant(countTokens(axes)), last = s.sub(tokens, 1);
  Value someExist =
      s.both(s.lessEqual(zero, span.lastQuery), s.both(s.less(span.firstQuery, tokens), s.less(span.firstKey, tokens)));
  Value allExist =
      s.both(s.lessEqual(zero, span.firstQuery), s.both(s.less(span.lastQuery, tokens), s.less(span.lastKey, tokens)));
  auto clip = [&](Value from, Value to) -> Extent { return {s.clamp(from, zero, last), s.clamp(to, zero, last)}; };
  Coverage pairs{s.boolean(false), s.boolean(true)};
  for (const Extent &queries : splitRun(s, axes, clip(span.firstQuery, span.lastQuery)))
    for (const Extent &keys : splitRun(s, axes, clip(span.firstKey, span.lastKey))) {
      Coverage ofBoxes = buildBoxCoverage(s, axes, buildHull(s, axes, queries), buildHull(s, axes, keys));
      pairs = {s.either(pairs.any, ofBoxes.any), s.both(pairs.all, ofBoxes.all)};
    }
  return {s.both(someExist, pairs.any), s.both(allExist, pairs.all)};
}
