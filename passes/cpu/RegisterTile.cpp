//===- RegisterTile.cpp - Products blocked for registers ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/RegisterTile.h"
#include "dialect/ScalarBuilder.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::cpu;

/// The most vectors a row of the register tile can have so that they divide the columns evenly.
static int64_t chooseVectors(int64_t wanted, int64_t columnVectors) {
  while (columnVectors % wanted != 0)
    --wanted;
  return wanted;
}

RegisterTile::RegisterTile(OpBuilder &builder, Location loc, const Target &target, ProductKind kind, int64_t columns)
    : builder(builder), loc(loc), lanes(builder, loc, target.lanes), kind(kind), rows(target.tileRows),
      vectors(chooseVectors(target.tileVectors, columns / target.lanes)) {}

Value RegisterTile::multiplyAdd(Value left, Value right, Value accumulator) {
  if (kind == ProductKind::BF16Dot)
    return x86vector::DotBF16Op::create(builder, loc, lanes.f32(), accumulator, left, right);
  return lanes.fma(left, right, accumulator);
}

SmallVector<Value> RegisterTile::emitRows(const Product &product, ArrayRef<Value> rowIndices, ArrayRef<Value> columns) {
  ScalarBuilder s(builder, loc);
  SmallVector<Value> accumulators;
  for (Value row : rowIndices)
    for (Value column : columns)
      accumulators.push_back(product.init(row, column));
  auto loop = scf::ForOp::create(builder, loc, s.constant(0), product.steps, s.constant(product.unroll), accumulators);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> sums(loop.getRegionIterArgs());
  for (int64_t unrolled = 0; unrolled < product.unroll; ++unrolled) {
    Value step = s.add(loop.getInductionVar(), unrolled);
    SmallVector<Value> right = llvm::map_to_vector(columns, [&](Value column) { return product.right(step, column); });
    for (auto [i, row] : llvm::enumerate(rowIndices)) {
      Value left = product.left(row, step);
      for (size_t j = 0; j < columns.size(); ++j)
        sums[i * columns.size() + j] = multiplyAdd(left, right[j], sums[i * columns.size() + j]);
    }
  }
  scf::YieldOp::create(builder, loc, sums);
  return loop.getResults();
}

SmallVector<Value> RegisterTile::emit(const Product &product, ArrayRef<Value> columns, ArrayRef<Value> maximum) {
  ScalarBuilder s(builder, loc);
  auto loop = scf::ForOp::create(builder, loc, s.constant(0), product.rows, s.constant(rows), maximum);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  if (product.prefetch)
    product.prefetch(loop.getInductionVar());
  SmallVector<Value> rowIndices;
  for (int64_t i = 0; i < rows; ++i)
    rowIndices.push_back(s.add(loop.getInductionVar(), i));
  SmallVector<Value> results = emitRows(product, rowIndices, columns);
  SmallVector<Value> running(loop.getRegionIterArgs());
  for (auto [i, row] : llvm::enumerate(rowIndices))
    for (auto [j, column] : llvm::enumerate(columns)) {
      Value result = product.finish(row, column, results[i * columns.size() + j]);
      if (!maximum.empty())
        running[j] = lanes.max(result, running[j]);
    }
  if (!maximum.empty())
    scf::YieldOp::create(builder, loc, running);
  return loop.getResults();
}
