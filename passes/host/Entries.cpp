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

/// The numbers of queries and keys in a row of the table of sequences.
static Lengths readLengths(OpBuilder &builder, Location loc, Value table, Value row) {
  auto read = [&](int64_t column) {
    Value at = arith::ConstantIndexOp::create(builder, loc, column);
    return toIndex(builder, loc, memref::LoadOp::create(builder, loc, table, ValueRange{row, at}));
  };
  return {read(KernelOp::Queries), read(KernelOp::Keys)};
}

static Value getSequenceTable(const KernelArguments &arguments, KernelOp kernel) {
  return arguments.arrays[kernel.getSequenceTable().getArgNumber()];
}

Lengths host::readLengths(OpBuilder &builder, Location loc, const KernelArguments &arguments, KernelOp kernel,
                          Value batch) {
  if (kernel.getSequences())
    return ::readLengths(builder, loc, getSequenceTable(arguments, kernel), batch);
  return {memref::DimOp::create(builder, loc, arguments.arrays[0], 2),
          memref::DimOp::create(builder, loc, arguments.arrays[1], 2)};
}

/// The number of queries of the longest batch.
static Value readLongest(OpBuilder &builder, Location loc, const KernelArguments &arguments, KernelOp kernel) {
  if (!kernel.getSequences())
    return memref::DimOp::create(builder, loc, arguments.arrays[0], 2);
  Value table = getSequenceTable(arguments, kernel);
  Value last = ScalarBuilder(builder, loc).sub(memref::DimOp::create(builder, loc, table, 0), 1);
  return ::readLengths(builder, loc, table, last).queries;
}

Item host::splitItem(OpBuilder &builder, Location loc, Value item, const KernelArguments &arguments, KernelOp kernel) {
  ScalarBuilder s(builder, loc);
  auto quotient = [&](Value a, Value b) { return builder.createOrFold<arith::DivUIOp>(loc, a, b); };
  auto remainder = [&](Value a, Value b) { return builder.createOrFold<arith::RemUIOp>(loc, a, b); };
  Value heads = builder.createOrFold<memref::DimOp>(loc, arguments.arrays[0], 1);
  Value length = readLongest(builder, loc, arguments, kernel);
  Value tiles = buildTileCount(s, length, kernel.getModulo(), kernel.getTileQ());
  Value headItem = quotient(item, tiles);
  return {quotient(headItem, heads), remainder(headItem, heads), remainder(item, tiles)};
}
