//===- TileBlocks.cpp - Weights of single blocks as vector code -----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/cpu/TileEmitter.h"
#include <limits>

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::cpu;

static constexpr float kInfinity = std::numeric_limits<float>::infinity();
static constexpr double kLog2E = 1.4426950408889634;

/// Kept in the place of row sums, times -log2(e): -infinity for rows that do not exist and for those that see no key,
/// whose weights are 0.
void TileEmitter::loadLogSumExps(Value logSumExps, Value first, Value count) {
  Value none = arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(-kInfinity));
  forEach(s.constant(0), s.constant(tileQ), 1, [&](Value row) {
    Value existing = s.min(row, s.sub(count, 1));
    Value lse = memref::LoadOp::create(builder, loc, logSumExps, s.add(first, existing));
    lse = s.select(s.less(row, count), lse, none);
    memref::StoreOp::create(builder, loc, lse, places[static_cast<int>(Place::RowSum)], ValueRange{s.constant(0), row});
  });
  forEachLaneVector([&](Value column) {
    Value lse = loadState(Place::RowSum, column), isEmpty = lanes.equals(lse, lanes.splat(-kInfinity));
    Value negated = lanes.mul(lse, lanes.splat(static_cast<float>(-kLog2E)));
    storeState(lanes.select(isEmpty, lanes.splat(-kInfinity), negated), Place::RowSum, column);
    storeState(lanes.splat(-kInfinity), Place::RowMax, column);
  });
}

void TileEmitter::emitWeightsOf(const HeadRows &keys) {
  Value factor = lanes.splat(static_cast<float>(softmaxScale * kLog2E)), zero = lanes.splat(0.0f);
  Value count = keys.count ? keys.count : s.constant(tileK);
  forEachLaneVector([&](Value column) {
    Value negated = loadState(Place::RowSum, column), isEmpty = lanes.equals(negated, lanes.splat(-kInfinity));
    forEach(s.constant(0), count, 1, [&](Value row) {
      Value weight = lanes.exp2(lanes.fma(load(Place::Scores, row, column), factor, negated));
      store(lanes.select(isEmpty, zero, weight), Place::Scores, row, column);
    });
    forEach(count, s.constant(tileK), 1, [&](Value row) { store(zero, Place::Scores, row, column); });
  });
}

void TileEmitter::storeBlock(Value target, Value number) {
  auto storeColumns = [&](Value column, Value key, int64_t keys) {
    auto input = [&](int64_t i) { return i < keys ? load(Place::Scores, s.add(key, i), column) : lanes.splat(0.0f); };
    transposeBlock(input, [&](int64_t i, Value row) {
      if (keys < width)
        row = vector::ExtractStridedSliceOp::create(builder, loc, row, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{keys},
                                                    ArrayRef<int64_t>{1});
      vector::StoreOp::create(builder, loc, row, target, ValueRange{number, s.add(column, i), key});
    });
  };
  int64_t whole = tileK / width * width;
  forEachLaneVector([&](Value column) {
    forEach(s.constant(0), s.constant(whole), width, [&](Value key) { storeColumns(column, key, width); });
    if (whole < tileK)
      storeColumns(column, s.constant(whole), tileK - whole);
  });
}

void TileEmitter::initColumns() {
  forEach(s.constant(0), s.constant(tileK), 1,
          [&](Value row) { store(lanes.splat(0.0f), Place::ColumnSums, row, s.constant(0)); });
}

void TileEmitter::addColumns() {
  forEach(s.constant(0), s.constant(tileK), 1, [&](Value row) {
    Value sum = load(Place::ColumnSums, row, s.constant(0));
    for (int64_t column = 0; column < tileQ; column += width)
      sum = lanes.add(sum, load(Place::Scores, row, s.constant(column)));
    store(sum, Place::ColumnSums, row, s.constant(0));
  });
}

void TileEmitter::storeColumns(Value target, Value first, Value count) {
  forEach(s.constant(0), s.min(s.constant(tileK), count), 1, [&](Value row) {
    Value sums = load(Place::ColumnSums, row, s.constant(0));
    Value sum = vector::ReductionOp::create(builder, loc, vector::CombiningKind::ADD, sums);
    memref::StoreOp::create(builder, loc, sum, target, s.add(first, row));
  });
}
