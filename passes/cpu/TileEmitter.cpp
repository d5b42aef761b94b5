//===- TileEmitter.cpp - Tile programs as vector code ---------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/TileEmitter.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/host/ArgumentBlock.h"
#include "llvm/Support/MathExtras.h"
#include <limits>
#include <numeric>

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::cpu;
using namespace mlir::sparse_attn::host;

static constexpr float kInfinity = std::numeric_limits<float>::infinity();
static constexpr double kLog2E = 1.4426950408889634;

/// Dynamic counts of keys are rounded up to this: pairs of keys, unrolled, and the rows of every register tile.
static constexpr int64_t kCountStep = 2 * kProductUnroll;

TileEmitter::TileEmitter(OpBuilder &builder, Location loc, KernelOp kernel, const Target &target,
                         const ScratchLayout &layout, Value scratch)
    : builder(builder), loc(loc), layout(layout), s(builder, loc), lanes(builder, loc, target.lanes),
      registerTile(builder, loc, target, getProductKind(kernel, target), kernel.getTileQ()),
      kind(getProductKind(kernel, target)), elementType(kernel.getElementType()), tileQ(kernel.getTileQ()),
      tileK(kernel.getTileK()), headSize(kernel.getHeadSize()), width(target.lanes),
      scale(kernel.getScale().convertToDouble()), softmaxScale(kernel.getScoreAttr() ? 1.0 : scale),
      places(layout.buildViews(builder, loc, scratch)) {}

//===----------------------------------------------------------------------===//
// Loops and places
//===----------------------------------------------------------------------===//

void TileEmitter::forEach(Value begin, Value end, int64_t step, function_ref<void(Value)> body) {
  OpBuilder::InsertionGuard guard(builder);
  auto loop = scf::ForOp::create(builder, loc, begin, end, s.constant(step));
  builder.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

/// A panel is as many columns of the tile as a row of the register tile holds.
void TileEmitter::forEachPanel(function_ref<void(Value)> body) {
  int64_t columns = registerTile.getVectors() * width;
  if (columns == tileQ)
    return body(s.constant(0));
  forEach(s.constant(0), s.constant(tileQ), columns, body);
}

void TileEmitter::forEachLaneVector(function_ref<void(Value)> body) {
  forEach(s.constant(0), s.constant(tileQ), width, body);
}

SmallVector<Value> TileEmitter::columnsOf(Value column) {
  SmallVector<Value> columns;
  for (int64_t j = 0; j < registerTile.getVectors(); ++j)
    columns.push_back(s.add(column, j * width));
  return columns;
}

Value TileEmitter::load(Place place, Value row, Value column) {
  return vector::LoadOp::create(builder, loc, lanes.f32(), places[static_cast<int>(place)], ValueRange{row, column});
}

void TileEmitter::store(Value value, Place place, Value row, Value column) {
  vector::StoreOp::create(builder, loc, value, places[static_cast<int>(place)], ValueRange{row, column});
}

Value TileEmitter::roundedCount(const HeadRows &rows) {
  if (!rows.count)
    return s.constant(tileK);
  return s.mul(s.ceilDivPositive(rows.count, kCountStep), kCountStep);
}

Value TileEmitter::existingRow(const HeadRows &rows, Value row) {
  if (rows.count)
    row = s.min(row, s.sub(rows.count, 1));
  return s.add(rows.first, row);
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

Value TileEmitter::broadcastElement(const HeadRows &rows, Value row, Value column) {
  Value element = memref::LoadOp::create(builder, loc, rows.rows, ValueRange{existingRow(rows, row), column});
  return lanes.broadcast(element);
}

void TileEmitter::prefetchRows(const HeadRows &rows, Value row, int64_t count, bool write) {
  int64_t lineElements = kCacheLine * 8 / elementType.getIntOrFloatBitWidth();
  Value last = s.sub(memref::DimOp::create(builder, loc, rows.rows, 0), 1);
  for (int64_t i = 0; i < count; ++i) {
    Value index = s.min(s.add(s.add(rows.first, row), i), last);
    for (int64_t column = 0; column < headSize; column += lineElements)
      memref::PrefetchOp::create(builder, loc, rows.rows, ValueRange{index, s.constant(column)}, write,
                                 /*localityHint=*/3, /*isDataCache=*/true);
  }
}

void TileEmitter::prefetchItem(const HeadRows &queries, const HeadRows &output) {
  forEach(s.constant(0), s.constant(tileQ), 1, [&](Value row) {
    prefetchRows(output, row, 1, /*write=*/true);
    prefetchRows(queries, s.add(row, tileQ), 1, /*write=*/false);
  });
}

/// Two adjacent bf16 as one 32-bit word in every lane.
Value TileEmitter::broadcastPair(Value pairs, Value row, Value column) {
  auto pairType = VectorType::get({2}, builder.getBF16Type());
  auto wordType = VectorType::get({1}, builder.getI32Type());
  Value pair = vector::LoadOp::create(builder, loc, pairType, pairs, ValueRange{row, column});
  Value word = vector::BitCastOp::create(builder, loc, wordType, pair);
  Value all = lanes.broadcast(vector::ExtractOp::create(builder, loc, word, 0));
  return vector::BitCastOp::create(builder, loc, VectorType::get({2 * width}, builder.getBF16Type()), all);
}

/// `count` elements of a row, as f32.
Value TileEmitter::loadWidened(const HeadRows &rows, Value row, Value column, int64_t count) {
  Value value = vector::LoadOp::create(builder, loc, VectorType::get({count}, elementType), rows.rows,
                                       ValueRange{existingRow(rows, row), column});
  if (elementType.isF32())
    return value;
  return arith::ExtFOp::create(builder, loc, VectorType::get({count}, builder.getF32Type()), value);
}

/// A copy in f32 of keys or values, row by row.
void TileEmitter::widenRows(const HeadRows &rows) {
  forEach(s.constant(0), roundedCount(rows), 1, [&](Value row) {
    for (int64_t column = 0; column < headSize; column += width)
      store(loadWidened(rows, row, s.constant(column), width), Place::Widened, row, s.constant(column));
  });
}

/// Rows 2r and 2r + 1 of the values, interleaved; 0 in place of a key that does not exist.
void TileEmitter::packValuePairs(const HeadRows &values) {
  auto half = VectorType::get({width}, elementType);
  Value pairs = places[static_cast<int>(Place::ValuePairs)];
  Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(half));
  forEach(s.constant(0), s.divPositive(roundedCount(values), 2), 1, [&](Value pair) {
    Value second = s.add(s.mul(pair, 2), 1);
    Value even = existingRow(values, s.mul(pair, 2)), odd = existingRow(values, second);
    for (int64_t column = 0; column < headSize; column += width) {
      Value at = s.constant(column);
      Value x = vector::LoadOp::create(builder, loc, half, values.rows, ValueRange{even, at});
      Value y = vector::LoadOp::create(builder, loc, half, values.rows, ValueRange{odd, at});
      if (values.count)
        y = s.select(s.less(second, values.count), y, zero);
      Value interleaved = vector::InterleaveOp::create(builder, loc, x, y);
      vector::StoreOp::create(builder, loc, interleaved, pairs, ValueRange{pair, s.constant(2 * column)});
    }
  });
}

/// Transposes a square block of lanes: row i of the input comes from `input`, row i of the transpose goes to `output`.
void TileEmitter::transposeBlock(function_ref<Value(int64_t)> input, function_ref<void(int64_t, Value)> output) {
  auto square = VectorType::get({width, width}, builder.getF32Type());
  Value block = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(square, 0.0f));
  for (int64_t i = 0; i < width; ++i)
    block = vector::InsertOp::create(builder, loc, input(i), block, i);
  block = vector::TransposeOp::create(builder, loc, block, ArrayRef<int64_t>{1, 0});
  for (int64_t i = 0; i < width; ++i)
    output(i, vector::ExtractOp::create(builder, loc, block, i));
}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

void TileEmitter::packQueries(const HeadRows &queries) {
  if (kind == ProductKind::BF16Dot)
    return packQueryPairs(queries);
  forEachLaneVector([&](Value column) {
    forEach(s.constant(0), s.constant(headSize), width, [&](Value dimension) {
      transposeBlock([&](int64_t i) { return loadWidened(queries, s.add(column, i), dimension, width); },
                     [&](int64_t i, Value row) { store(row, Place::Queries, s.add(dimension, i), column); });
    });
  });
}

/// Two adjacent dimensions of a query are one 32-bit word, and words transpose as f32 do.
void TileEmitter::packQueryPairs(const HeadRows &queries) {
  auto packBlock = [&](Value column, Value dimension, int64_t pairs) {
    auto input = [&](int64_t i) -> Value {
      Value row = vector::LoadOp::create(builder, loc, VectorType::get({2 * pairs}, elementType), queries.rows,
                                         ValueRange{existingRow(queries, s.add(column, i)), dimension});
      Value words = vector::BitCastOp::create(builder, loc, VectorType::get({pairs}, builder.getF32Type()), row);
      if (pairs == width)
        return words;
      return vector::InsertStridedSliceOp::create(builder, loc, words, lanes.splat(0.0f), ArrayRef<int64_t>{0},
                                                  ArrayRef<int64_t>{1});
    };
    transposeBlock(input, [&](int64_t i, Value words) {
      if (i >= pairs)
        return;
      Value row = vector::BitCastOp::create(builder, loc, VectorType::get({2 * width}, elementType), words);
      vector::StoreOp::create(builder, loc, row, places[static_cast<int>(Place::Queries)],
                              ValueRange{s.add(s.divPositive(dimension, 2), i), s.mul(column, 2)});
    });
  };
  int64_t wholeBlocks = headSize / (2 * width) * (2 * width);
  forEachLaneVector([&](Value column) {
    forEach(s.constant(0), s.constant(wholeBlocks), 2 * width,
            [&](Value dimension) { packBlock(column, dimension, width); });
    if (wholeBlocks < headSize)
      packBlock(column, s.constant(wholeBlocks), (headSize - wholeBlocks) / 2);
  });
}

void TileEmitter::initState() {
  forEachLaneVector([&](Value column) {
    storeState(lanes.splat(-kInfinity), Place::RowMax, column);
    storeState(lanes.splat(0.0f), Place::RowSum, column);
  });
  forEach(s.constant(0), s.constant(headSize), 1, [&](Value row) {
    for (int64_t column = 0; column < tileQ; column += width)
      store(lanes.splat(0.0f), Place::Accumulator, row, s.constant(column));
  });
}

void TileEmitter::resumeState(const HeadRows &output, Value logSumExps) {
  forEach(s.constant(0), s.constant(tileQ), 1, [&](Value row) {
    Value last = s.sub(s.min(output.count, s.constant(tileQ)), 1);
    Value lse = memref::LoadOp::create(builder, loc, logSumExps, s.add(output.first, s.min(row, last)));
    memref::StoreOp::create(builder, loc, lse, places[static_cast<int>(Place::RowMax)], ValueRange{s.constant(0), row});
  });
  forEachLaneVector([&](Value column) {
    Value lse = loadState(Place::RowMax, column);
    Value isEmpty = lanes.equals(lse, lanes.splat(-kInfinity));
    storeState(lanes.mul(lse, lanes.splat(static_cast<float>(1.0 / softmaxScale))), Place::RowMax, column);
    storeState(lanes.select(isEmpty, lanes.splat(0.0f), lanes.splat(1.0f)), Place::RowSum, column);
    forEach(s.constant(0), s.constant(headSize), width, [&](Value dimension) {
      transposeBlock([&](int64_t i) { return loadWidened(output, s.add(column, i), dimension, width); },
                     [&](int64_t i, Value row) {
                       store(lanes.select(isEmpty, lanes.splat(0.0f), row), Place::Accumulator, s.add(dimension, i),
                             column);
                     });
    });
  });
}

void TileEmitter::emitScores(const HeadRows &keys, const HeadRows &values, Limits limits) {
  if (kind == ProductKind::Widened)
    widenRows(keys);
  auto left = [&](Value key, Value step) -> Value {
    if (kind == ProductKind::F32)
      return broadcastElement(keys, key, step);
    if (kind == ProductKind::BF16Dot)
      return broadcastPair(keys.rows, existingRow(keys, key), s.mul(step, 2));
    return broadcastElement({places[static_cast<int>(Place::Widened)], s.constant(0), {}}, key, step);
  };
  auto right = [&](Value step, Value column) -> Value {
    if (kind != ProductKind::BF16Dot)
      return load(Place::Queries, step, column);
    return vector::LoadOp::create(builder, loc, VectorType::get({2 * width}, elementType),
                                  places[static_cast<int>(Place::Queries)], ValueRange{step, s.mul(column, 2)});
  };
  auto init = [&](Value, Value) { return lanes.splat(0.0f); };
  auto finish = [&](Value key, Value column, Value score) {
    if (limits != Limits::None)
      score = lanes.min(score, loadLimits(keys, limits, key, column));
    store(score, Place::Scores, key, column);
    return score;
  };
  int64_t steps = kind == ProductKind::BF16Dot ? headSize / 2 : headSize;
  // The product of weights and values reads column by column, which no hardware prefetcher foresees.
  auto prefetch = [&](Value key) { prefetchRows(values, key, registerTile.getRows(), /*write=*/false); };
  Product product{roundedCount(keys), s.constant(steps), kProductUnroll, left, right, init, finish, prefetch};
  forEachPanel([&](Value column) {
    SmallVector<Value> columns = columnsOf(column), maximum;
    for (Value at : columns)
      maximum.push_back(loadState(Place::RowMax, at));
    maximum = registerTile.emit(product, columns, maximum);
    for (auto [at, value] : llvm::zip(columns, maximum))
      storeState(value, Place::NewMax, at);
  });
}

//===----------------------------------------------------------------------===//
// Limits
//===----------------------------------------------------------------------===//

Value TileEmitter::toWord(Value index) { return toInteger(builder, loc, index, 32); }

Value TileEmitter::laneNumbers() {
  SmallVector<int32_t> numbers(width);
  std::iota(numbers.begin(), numbers.end(), 0);
  return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(lanes.i32(), ArrayRef<int32_t>(numbers)));
}

Value TileEmitter::limitsWhere(Value attends) {
  if (!isa<VectorType>(attends.getType()))
    attends = lanes.broadcast(attends);
  return lanes.select(attends, lanes.splat(kInfinity), lanes.splat(-kInfinity));
}

Value TileEmitter::queriesAt(const TileRegion &mask, Value column) {
  Value first = lanes.broadcast(toWord(s.add(mask.firstQuery, column)));
  Value query = arith::AddIOp::create(builder, loc, first, laneNumbers());
  return arith::MinSIOp::create(builder, loc, query, lanes.broadcast(toWord(mask.lastQuery)));
}

Limits TileEmitter::emitLimits(const HeadRows &keys, const TileRegion &mask) {
  if (layout.getType(Place::Diagonals)) {
    emitDiagonalLimits(mask);
    return Limits::Diagonals;
  }
  emitPairLimits(keys, mask);
  return Limits::Pairs;
}

void TileEmitter::emitPairLimits(const HeadRows &keys, const TileRegion &mask) {
  forEachLaneVector([&](Value column) {
    RowPredicate queries(builder, loc, mask.region, queriesAt(mask, column), mask.map, mask.access);
    forEach(s.constant(0), keys.count, 1, [&](Value row) {
      Value attends = queries.attends(builder, toWord(s.add(mask.firstKey, row)));
      store(limitsWhere(attends), Place::Scores, row, column);
    });
    forEach(keys.count, roundedCount(keys), 1,
            [&](Value row) { store(lanes.splat(-kInfinity), Place::Scores, row, column); });
  });
}

/// Asks each diagonal at its first pair, in the first column of the tile or in its first row: column j of the table
/// belongs to query - key = (first query - first key) + j - (tile k - 1).
void TileEmitter::emitDiagonalLimits(const TileRegion &mask) {
  Value none = lanes.broadcast(toWord(s.constant(0)));
  forEachLaneVector([&](Value column) { storeState(lanes.splat(-kInfinity), Place::Diagonals, column); });
  forEach(s.constant(0), s.constant(tileQ + tileK), width, [&](Value column) {
    Value shift = lanes.broadcast(toWord(s.sub(column, tileK - 1)));
    shift = arith::AddIOp::create(builder, loc, shift, laneNumbers());
    auto position = [&](Value first, Value offset) -> Value {
      offset = arith::MaxSIOp::create(builder, loc, offset, none);
      return arith::AddIOp::create(builder, loc, lanes.broadcast(toWord(first)), offset);
    };
    Value query = position(mask.firstQuery, shift);
    Value key = position(mask.firstKey, arith::SubIOp::create(builder, loc, none, shift));
    Value attends = emitScalarRegion(builder, loc, mask.region, {query, key}, mask.map, mask.access);
    storeState(limitsWhere(attends), Place::Diagonals, s.add(column, tileQ));
  });
}

Value TileEmitter::loadLimits(const HeadRows &keys, Limits limits, Value key, Value column) {
  if (limits == Limits::Pairs)
    return load(Place::Scores, key, column);
  Value first = s.select(s.less(key, keys.count), s.sub(s.constant(tileQ + tileK - 1), key), s.constant(0));
  return loadState(Place::Diagonals, s.add(first, column));
}

//===----------------------------------------------------------------------===//
// Score regions
//===----------------------------------------------------------------------===//

Value TileEmitter::attendsWhere(const HeadRows &keys, const TileRegion &mask, const RowPredicate *queries, Value row,
                                Value column) {
  if (!queries)
    return lanes.greater(loadLimits(keys, Limits::Diagonals, row, column), lanes.splat(0.0f));
  Value attends = queries->attends(builder, toWord(s.add(mask.firstKey, row)));
  return isa<VectorType>(attends.getType()) ? attends : lanes.broadcast(attends);
}

Value TileEmitter::emitModifiedScore(const TileRegion &mod, Value query, Value row, Value column) {
  Value product = lanes.mul(load(Place::Scores, row, column), lanes.splat(static_cast<float>(scale)));
  Value key = toWord(s.add(mod.firstKey, row));
  Value score = emitScalarRegion(builder, loc, mod.region, {product, query, key}, mod.map, mod.access);
  return isa<VectorType>(score.getType()) ? score : lanes.broadcast(score);
}

void TileEmitter::emitScoreMod(const HeadRows &keys, const TileRegion &mod, const TileRegion *mask) {
  Value none = lanes.splat(-kInfinity), count = keys.count ? keys.count : s.constant(tileK);
  bool asksPairs = mask && !layout.getType(Place::Diagonals);
  if (mask && !asksPairs)
    emitDiagonalLimits(*mask);
  forEachPanel([&](Value column) {
    SmallVector<Value> columns = columnsOf(column), maximum, queries;
    std::vector<RowPredicate> predicates; // one a vector of queries
    for (Value at : columns) {
      maximum.push_back(loadState(Place::RowMax, at));
      queries.push_back(queriesAt(mod, at));
      if (asksPairs)
        predicates.emplace_back(builder, loc, mask->region, queriesAt(*mask, at), mask->map, mask->access);
    }
    auto loop = scf::ForOp::create(builder, loc, s.constant(0), count, s.constant(1), maximum);
    {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(loop.getBody());
      maximum.assign(loop.getRegionIterArgs().begin(), loop.getRegionIterArgs().end());
      Value row = loop.getInductionVar();
      for (auto [j, at] : llvm::enumerate(columns)) {
        Value score = emitModifiedScore(mod, queries[j], row, at);
        if (mask)
          score = lanes.select(attendsWhere(keys, *mask, asksPairs ? &predicates[j] : nullptr, row, at), score, none);
        store(score, Place::Scores, row, at);
        maximum[j] = lanes.max(score, maximum[j]);
      }
      scf::YieldOp::create(builder, loc, maximum);
    }
    forEach(count, roundedCount(keys), 1, [&](Value row) {
      for (Value at : columns)
        store(none, Place::Scores, row, at);
    });
    for (auto [at, max] : llvm::zip(columns, loop.getResults()))
      storeState(max, Place::NewMax, at);
  });
}

//===----------------------------------------------------------------------===//
// Softmax and output product
//===----------------------------------------------------------------------===//

/// Turns the scores of a panel into weights 2^(score * factor + negated maximum); returns the new row sums.
SmallVector<Value> TileEmitter::emitWeights(const HeadRows &keys, Value column, ArrayRef<Value> negatedMaximum,
                                            ArrayRef<Value> rowSum) {
  SmallVector<Value> columns = columnsOf(column);
  Value factor = lanes.splat(static_cast<float>(softmaxScale * kLog2E));
  auto loop = scf::ForOp::create(builder, loc, s.constant(0), roundedCount(keys), s.constant(2), rowSum);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> sums(loop.getRegionIterArgs());
  for (auto [j, at] : llvm::enumerate(columns)) {
    Value weights[2];
    for (int64_t i = 0; i < 2; ++i) {
      Value row = s.add(loop.getInductionVar(), i);
      Value exponent = lanes.fma(load(Place::Scores, row, at), factor, negatedMaximum[j]);
      weights[i] = lanes.exp2(exponent, /*coarse=*/kind == ProductKind::BF16Dot);
      sums[j] = lanes.add(sums[j], weights[i]);
      if (kind != ProductKind::BF16Dot)
        store(weights[i], Place::Scores, row, at);
    }
    if (kind == ProductKind::BF16Dot)
      vector::StoreOp::create(builder, loc, lanes.packPairs(weights[0], weights[1]),
                              places[static_cast<int>(Place::WeightPairs)],
                              ValueRange{s.divPositive(loop.getInductionVar(), 2), s.mul(at, 2)});
  }
  scf::YieldOp::create(builder, loc, sums);
  return loop.getResults();
}

void TileEmitter::emitOnlineSoftmax(const HeadRows &keys) {
  Value negatedFactor = lanes.splat(static_cast<float>(-softmaxScale * kLog2E));
  forEachPanel([&](Value column) {
    SmallVector<Value> columns = columnsOf(column), negatedMaximum, rowSum;
    for (Value at : columns) {
      Value oldMax = loadState(Place::RowMax, at), newMax = loadState(Place::NewMax, at);
      // No key so far: any finite maximum gives weights exp(-inf) = 0, where -inf - -inf would be NaN.
      Value none = lanes.equals(newMax, lanes.splat(-kInfinity));
      Value newNegated = lanes.mul(lanes.select(none, lanes.splat(0.0f), newMax), negatedFactor);
      // The difference of the rounded products, so that old and new weights have the very same reference point.
      Value correction = lanes.exp2(lanes.sub(newNegated, lanes.mul(oldMax, negatedFactor)));
      storeState(correction, Place::Correction, at);
      storeState(newMax, Place::RowMax, at);
      negatedMaximum.push_back(newNegated);
      rowSum.push_back(lanes.mul(loadState(Place::RowSum, at), correction));
    }
    rowSum = emitWeights(keys, column, negatedMaximum, rowSum);
    for (auto [at, sum] : llvm::zip(columns, rowSum))
      storeState(sum, Place::RowSum, at);
  });
}

void TileEmitter::emitAccumulate(const HeadRows &values, const HeadRows &keys) {
  if (kind == ProductKind::Widened)
    widenRows(values);
  if (kind == ProductKind::BF16Dot)
    packValuePairs(values);
  auto left = [&](Value dimension, Value step) -> Value {
    if (kind == ProductKind::F32)
      return broadcastElement(values, step, dimension);
    if (kind == ProductKind::BF16Dot)
      return broadcastPair(places[static_cast<int>(Place::ValuePairs)], step, s.mul(dimension, 2));
    return broadcastElement({places[static_cast<int>(Place::Widened)], s.constant(0), {}}, step, dimension);
  };
  auto right = [&](Value step, Value column) -> Value {
    if (kind != ProductKind::BF16Dot)
      return load(Place::Scores, step, column);
    return vector::LoadOp::create(builder, loc, VectorType::get({2 * width}, elementType),
                                  places[static_cast<int>(Place::WeightPairs)], ValueRange{step, s.mul(column, 2)});
  };
  auto init = [&](Value dimension, Value column) {
    return lanes.mul(load(Place::Accumulator, dimension, column), loadState(Place::Correction, column));
  };
  auto finish = [&](Value dimension, Value column, Value sum) {
    store(sum, Place::Accumulator, dimension, column);
    return sum;
  };
  // No step past the last key: its weight would be 0, but 0 times infinity is no 0.
  Value steps = values.count ? values.count : s.constant(tileK);
  if (kind == ProductKind::BF16Dot)
    steps = s.ceilDivPositive(steps, 2);
  int64_t unroll = values.count ? 1 : kProductUnroll;
  int64_t rowsABlock = llvm::divideCeil(tileK * registerTile.getRows(), headSize);
  auto prefetch = [&](Value dimension) {
    Value row = s.mul(s.divPositive(dimension, registerTile.getRows()), rowsABlock);
    prefetchRows(keys, s.add(row, tileK), rowsABlock, /*write=*/false);
  };
  Product product{s.constant(headSize), steps, unroll, left, right, init, finish, prefetch};
  forEachPanel([&](Value column) { registerTile.emit(product, columnsOf(column)); });
}

//===----------------------------------------------------------------------===//
// Values that are not finite
//===----------------------------------------------------------------------===//
//
// A weight of 0 keeps out any finite value, but 0 times infinity or NaN is NaN, and
// stays so. An item that ends with one is rare, and done again pair by pair.

/// 0 times a finite number is 0, and 0 times any other is NaN.
Value TileEmitter::hasFiniteOutput() {
  Value zero = lanes.splat(0.0f);
  SmallVector<Value> sums(tileQ / width, zero);
  auto loop = scf::ForOp::create(builder, loc, s.constant(0), s.constant(headSize), s.constant(1), sums);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    sums.assign(loop.getRegionIterArgs().begin(), loop.getRegionIterArgs().end());
    for (auto [i, sum] : llvm::enumerate(sums))
      sum = lanes.fma(load(Place::Accumulator, loop.getInductionVar(), s.constant(i * width)), zero, sum);
    scf::YieldOp::create(builder, loc, sums);
  }
  Value sum = loop.getResult(0);
  for (Value other : loop.getResults().drop_front())
    sum = lanes.add(sum, other);
  Value total = vector::ReductionOp::create(builder, loc, vector::CombiningKind::ADD, sum);
  Value none = arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0.0f));
  return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, total, none);
}

/// The weights of a key as f32.
Value TileEmitter::loadWeights(Value key, Value column) {
  if (kind != ProductKind::BF16Dot)
    return load(Place::Scores, key, column);
  // Pairs of keys are words; a bf16 is the upper half of an f32.
  Value pair = vector::LoadOp::create(builder, loc, VectorType::get({2 * width}, elementType),
                                      places[static_cast<int>(Place::WeightPairs)],
                                      ValueRange{s.divPositive(key, 2), s.mul(column, 2)});
  Value word = vector::BitCastOp::create(builder, loc, lanes.i32(), pair);
  Value half = builder.createOrFold<arith::RemUIOp>(loc, key, s.constant(2));
  Value even = arith::ShLIOp::create(builder, loc, word, lanes.splatInteger(16));
  Value odd = arith::AndIOp::create(builder, loc, word, lanes.splatInteger(static_cast<int32_t>(0xffff0000)));
  return vector::BitCastOp::create(builder, loc, lanes.f32(), s.select(s.equal(half, s.constant(0)), even, odd));
}

void TileEmitter::emitCarefulAccumulate(const HeadRows &values, const TileRegion &mask) {
  forEachLaneVector([&](Value column) {
    RowPredicate queries(builder, loc, mask.region, queriesAt(mask, column), mask.map, mask.access);
    Value correction = loadState(Place::Correction, column);
    forEach(s.constant(0), s.constant(headSize), 1, [&](Value dimension) {
      store(lanes.mul(load(Place::Accumulator, dimension, column), correction), Place::Accumulator, dimension, column);
    });
    forEach(s.constant(0), values.count, 1, [&](Value row) {
      Value attends = queries.attends(builder, toWord(s.add(mask.firstKey, row)));
      if (!isa<VectorType>(attends.getType()))
        attends = lanes.broadcast(attends);
      Value weights = loadWeights(row, column);
      forEach(s.constant(0), s.constant(headSize), 1, [&](Value dimension) {
        Value value =
            memref::LoadOp::create(builder, loc, values.rows, ValueRange{existingRow(values, row), dimension});
        if (!elementType.isF32())
          value = arith::ExtFOp::create(builder, loc, builder.getF32Type(), value);
        Value before = load(Place::Accumulator, dimension, column);
        Value after = lanes.fma(lanes.broadcast(value), weights, before);
        store(lanes.select(attends, after, before), Place::Accumulator, dimension, column);
      });
    });
  });
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

Value TileEmitter::isEmptyRow(Value rowSum) { return lanes.equals(rowSum, lanes.splat(0.0f)); }

void TileEmitter::storeOutputBlock(const HeadRows &output, Value column, Value dimension, bool checked) {
  Value rowSum = loadState(Place::RowSum, column);
  Value empty = isEmptyRow(rowSum), inverse = lanes.div(lanes.splat(1.0f), rowSum);
  auto input = [&](int64_t i) {
    Value sum = load(Place::Accumulator, s.add(dimension, i), column);
    return lanes.select(empty, lanes.splat(0.0f), lanes.mul(sum, inverse));
  };
  transposeBlock(input, [&](int64_t i, Value row) {
    OpBuilder::InsertionGuard guard(builder);
    Value index = s.add(column, i);
    if (checked) {
      auto exists = scf::IfOp::create(builder, loc, s.less(index, output.count), /*withElseRegion=*/false);
      builder.setInsertionPointToStart(exists.thenBlock());
    }
    if (!elementType.isF32())
      row = lanes.narrow(row, elementType, /*native=*/kind == ProductKind::BF16Dot);
    vector::StoreOp::create(builder, loc, row, output.rows, ValueRange{s.add(output.first, index), dimension});
  });
}

void TileEmitter::storeOutput(const HeadRows &output) {
  auto storeAll = [&](bool checked) {
    forEachLaneVector([&](Value column) {
      forEach(s.constant(0), s.constant(headSize), width,
              [&](Value dimension) { storeOutputBlock(output, column, dimension, checked); });
    });
  };
  OpBuilder::InsertionGuard guard(builder);
  auto whole = scf::IfOp::create(builder, loc, s.lessEqual(s.constant(tileQ), output.count), /*withElseRegion=*/true);
  builder.setInsertionPointToStart(whole.thenBlock());
  storeAll(/*checked=*/false);
  builder.setInsertionPointToStart(whole.elseBlock());
  storeAll(/*checked=*/true);
}

void TileEmitter::storeLogSumExp(Value target, Value first, Value count) {
  forEachLaneVector([&](Value column) {
    Value rowSum = loadState(Place::RowSum, column);
    Value logarithm = math::LogOp::create(builder, loc, rowSum);
    Value lse = lanes.fma(loadState(Place::RowMax, column), lanes.splat(static_cast<float>(softmaxScale)), logarithm);
    storeState(lanes.select(isEmptyRow(rowSum), lanes.splat(-kInfinity), lse), Place::NewMax, column);
  });
  storeRows(Place::NewMax, target, first, count);
}

void TileEmitter::storeRowMaximum(Value target, Value first, Value count) {
  forEachLaneVector([&](Value column) {
    Value maximum = lanes.mul(loadState(Place::RowMax, column), lanes.splat(static_cast<float>(softmaxScale)));
    storeState(maximum, Place::NewMax, column);
  });
  storeRows(Place::NewMax, target, first, count);
}

void TileEmitter::storeRows(Place place, Value target, Value first, Value count) {
  forEach(s.constant(0), s.min(s.constant(tileQ), count), 1, [&](Value row) {
    Value number =
        memref::LoadOp::create(builder, loc, places[static_cast<int>(place)], ValueRange{s.constant(0), row});
    memref::StoreOp::create(builder, loc, number, target, ValueRange{s.add(first, row)});
  });
}
