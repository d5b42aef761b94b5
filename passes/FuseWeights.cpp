//===- FuseWeights.cpp - Kernels over the visited blocks ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Once the log-sum-exp of a row is known, the weights of each block follow from
// its scores alone. Which blocks there are is listed before the first launch, by
// rows where weights are stored, and by columns where they are summed, so that
// no two items write to one place.
//
//===----------------------------------------------------------------------===//

#include "passes/FuseWeights.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/TileProgram.h"

using namespace mlir;
using namespace mlir::sparse_attn;

namespace {

class BlockProgramBuilder : TileProgramBuilder {
public:
  BlockProgramBuilder(PatternOp pattern, ScoreOp score, ScheduleOp schedule, KernelOp kernel)
      : TileProgramBuilder(pattern, score, kernel), schedule(schedule) {}

  void build();

private:
  struct QueryTile {
    Value tile, rows, lse;
  };
  QueryTile loadQueries(Value tile);
  Value loadKeys(Value tile);
  Value buildWeights(const QueryTile &queryTile, Value keyTile, Value keyRows, Value partial,
                     const PatternScope &scope);
  ForEachBlockOp beginLoop(ValueRange init);
  void buildRow(const PatternScope &scope);
  void buildColumn(const PatternScope &scope);

  ScheduleOp schedule;
  Value keyHead;
};

BlockProgramBuilder::QueryTile BlockProgramBuilder::loadQueries(Value number) {
  int64_t tileQ = kernel.getTileQ();
  Value rows = LoadOp::create(builder, loc, tile({tileQ, kernel.getHeadSize()}, kernel.getElementType()),
                              kernel.getQuery(), kernel.getBatch(), kernel.getHead(), number);
  Value lse = LoadOp::create(builder, loc, tile({tileQ}, builder.getF32Type()), kernel.getLogSumExp(),
                             kernel.getBatch(), kernel.getHead(), number);
  return {number, rows, lse};
}

Value BlockProgramBuilder::loadKeys(Value number) {
  int64_t tileK = kernel.getTileK();
  return LoadOp::create(builder, loc, tile({tileK, kernel.getHeadSize()}, kernel.getElementType()), kernel.getKey(),
                        kernel.getBatch(), keyHead, number);
}

Value BlockProgramBuilder::buildWeights(const QueryTile &queryTile, Value keyTile, Value keyRows, Value partial,
                                        const PatternScope &scope) {
  int64_t tileQ = kernel.getTileQ(), tileK = kernel.getTileK();
  Value scores = ScoresOp::create(builder, loc, tile({tileQ, tileK}, builder.getF32Type()), queryTile.rows, keyRows,
                                  kernel.getScaleAttr());
  scores = buildScoreMod(scores, queryTile.tile, keyTile);
  Value masked = buildMask(scores, partial, queryTile.tile, keyTile, scope);
  return WeightsOfOp::create(builder, loc, masked.getType(), masked, queryTile.lse);
}

/// Continues in the body of the loop.
ForEachBlockOp BlockProgramBuilder::beginLoop(ValueRange init) {
  auto loop = ForEachBlockOp::create(builder, loc, init.getTypes(), schedule.getSymName(), init);
  Type index = builder.getIndexType();
  SmallVector<Type> types{index, index, builder.getI1Type()};
  llvm::append_range(types, init.getTypes());
  builder.createBlock(&loop.getBody(), {}, types, SmallVector<Location>(types.size(), loc));
  return loop;
}

/// The blocks of a row of them, each to its place.
void BlockProgramBuilder::buildRow(const PatternScope &scope) {
  QueryTile queryTile = loadQueries(kernel.getTile());
  ForEachBlockOp loop = beginLoop({});
  auto arguments = loop.getBody().front().getArguments();
  Value weights = buildWeights(queryTile, arguments[1], loadKeys(arguments[1]), arguments[2], scope);
  StoreBlockOp::create(builder, loc, weights, kernel.getOutput(), arguments[0], queryTile.tile);
  YieldOp::create(builder, loc, ValueRange());
  builder.setInsertionPointAfter(loop);
}

/// The sum over the blocks of a column of them.
void BlockProgramBuilder::buildColumn(const PatternScope &scope) {
  Value keyTile = kernel.getTile(), keyRows = loadKeys(keyTile);
  int64_t tileK = kernel.getTileK();
  Value none = NoSumsOp::create(builder, loc, tile({tileK}, builder.getF32Type()));
  ForEachBlockOp loop = beginLoop(none);
  auto arguments = loop.getBody().front().getArguments();
  QueryTile queryTile = loadQueries(arguments[1]);
  Value weights = buildWeights(queryTile, keyTile, keyRows, arguments[2], scope);
  Value sums = AddColumnsOp::create(builder, loc, none.getType(), weights, arguments[3], queryTile.tile);
  YieldOp::create(builder, loc, sums);
  builder.setInsertionPointAfter(loop);
  StoreOp::create(builder, loc, loop.getResult(0), kernel.getOutput(), kernel.getBatch(), kernel.getHead(), keyTile);
}

void BlockProgramBuilder::build() {
  queries = queryLength = memref::DimOp::create(builder, loc, kernel.getQuery(), 2);
  keys = keyLength = memref::DimOp::create(builder, loc, kernel.getKey(), 2);
  PatternScope scope(builder, loc, pattern, getPatternCaptures(), kernel.getBatch(), kernel.getHead(), queryLength,
                     keyLength);
  keyHead = buildKeyHead();
  buildUniformPart();
  if (kernel.getWeights())
    buildRow(scope);
  else
    buildColumn(scope);
  ReturnOp::create(builder, loc);
}

} // namespace

void mlir::sparse_attn::buildBlockProgram(PatternOp pattern, ScoreOp score, ScheduleOp schedule, KernelOp kernel) {
  BlockProgramBuilder(pattern, score, schedule, kernel).build();
}
