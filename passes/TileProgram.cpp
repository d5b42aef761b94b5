//===- TileProgram.cpp - What all tile programs have in common ------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/TileProgram.h"
#include "dialect/ScalarRegion.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::sparse_attn;

/// Query head h reads key head h / (Hq / Hkv).
Value TileProgramBuilder::buildKeyHead() {
  Value queryHeads = builder.createOrFold<memref::DimOp>(loc, kernel.getQuery(), 1);
  Value keyHeads = builder.createOrFold<memref::DimOp>(loc, kernel.getKey(), 1);
  Value group = builder.createOrFold<arith::DivUIOp>(loc, queryHeads, keyHeads);
  return builder.createOrFold<arith::DivUIOp>(loc, kernel.getHead(), group);
}

Value TileProgramBuilder::buildPosition(Value position) {
  if (!residue)
    return position;
  ScalarBuilder s(builder, loc);
  return s.add(s.mul(position, kernel.getModulo()), residue->number);
}

Value TileProgramBuilder::buildMask(Value scores, Value partial, Value queryTile, Value keyTile,
                                    const PatternScope &scope) {
  auto mask = MaskOp::create(builder, loc, scores.getType(), scores, partial, queryTile, keyTile, queries, keys);
  OpBuilder::InsertionGuard guard(builder);
  Type index = builder.getIndexType();
  Block *body = builder.createBlock(&mask.getBody(), {}, {index, index}, {loc, loc});
  Value q = buildPosition(body->getArgument(0)), k = buildPosition(body->getArgument(1));
  Value attends = pattern.getRoot().buildPredicate(builder, scope, q, k);
  YieldOp::create(builder, loc, attends);
  return mask.getResult();
}

void TileProgramBuilder::buildUniformPart() {
  if (!score)
    return;
  auto captures = kernel.getCaptures().drop_front(pattern.getCaptures().size());
  for (auto [original, capture] : llvm::zip_equal(score.getCaptures(), captures))
    scoreMap.map(original, clampCaptured(builder, loc, capture));
  scoreMap.map(score.getBatch(), kernel.getBatch());
  scoreMap.map(score.getHead(), kernel.getHead());
  auto isUniform = [&](Value operand) { return scoreMap.contains(operand); };
  for (Operation &op : score.getBody().front().without_terminator())
    if (llvm::all_of(op.getOperands(), isUniform) && isSpeculatable(&op))
      builder.clone(op, scoreMap);
}

Value TileProgramBuilder::buildScoreMod(Value scores, Value queryTile, Value keyTile) {
  if (!score)
    return scores;
  auto mod = ScoreModOp::create(builder, loc, scores.getType(), scores, queryTile, keyTile, queries, keys);
  OpBuilder::InsertionGuard guard(builder);
  Type index = builder.getIndexType();
  Block *body = builder.createBlock(&mod.getBody(), {}, {builder.getF32Type(), index, index}, {loc, loc, loc});
  IRMapping map = scoreMap;
  map.map(score.getOriginal(), body->getArgument(0));
  map.map(score.getQueryPosition(), buildPosition(body->getArgument(1)));
  map.map(score.getKeyPosition(), buildPosition(body->getArgument(2)));
  for (Operation &op : score.getBody().front())
    if (op.getNumResults() == 0 || !map.contains(op.getResult(0)))
      builder.clone(op, map);
  return mod.getResult();
}
