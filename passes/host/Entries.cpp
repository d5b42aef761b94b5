//===- Entries.cpp - The entries that the runtime calls on the host -------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/host/Entries.h"
#include "dialect/ResidueClass.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::host;

func::FuncOp host::createEntry(KernelOp kernel, StringRef suffix, ArrayRef<Type> types) {
  OpBuilder builder(kernel);
  auto type = builder.getFunctionType(types, builder.getI32Type());
  auto function = func::FuncOp::create(builder, kernel.getLoc(), (kernel.getSymName() + "_" + suffix).str(), type);
  function.addEntryBlock();
  return function;
}

void host::finishEntry(OpBuilder &builder, Location loc) {
  Value ok = arith::ConstantIntOp::create(builder, loc, 0, 32);
  func::ReturnOp::create(builder, loc, ok);
}

Value host::getListRow(ScalarBuilder &s, const ListArguments &lists, const Item &item) {
  return s.add(s.add(s.mul(item.batch, lists.batchStride), s.mul(item.head, lists.headStride)), item.tile);
}

Item host::splitItem(OpBuilder &builder, Location loc, Value item, Value query, KernelOp kernel) {
  ScalarBuilder s(builder, loc);
  auto quotient = [&](Value a, Value b) { return builder.createOrFold<arith::DivUIOp>(loc, a, b); };
  auto remainder = [&](Value a, Value b) { return builder.createOrFold<arith::RemUIOp>(loc, a, b); };
  Value heads = builder.createOrFold<memref::DimOp>(loc, query, 1);
  Value length = memref::DimOp::create(builder, loc, query, 2);
  Value tiles = buildTileCount(s, length, kernel.getModulo(), kernel.getTileQ());
  Value headItem = quotient(item, tiles);
  return {quotient(headItem, heads), remainder(headItem, heads), remainder(item, tiles)};
}
