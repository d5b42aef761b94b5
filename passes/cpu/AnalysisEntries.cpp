//===- AnalysisEntries.cpp - The entries that the runtime asks ------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Beside the kernel itself: how much work an item is, and which keys a row
// attends to. Both come from the same schedule and predicate as the kernel.
//
//===----------------------------------------------------------------------===//

#include "dialect/ScalarBuilder.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/cpu/ArgumentBlock.h"
#include "passes/cpu/KernelLowering.h"
#include "passes/cpu/PredicateEmitter.h"
#include "passes/cpu/TileWalk.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::cpu;

/// The values that stand for the captures of a kernel.
static ValueRange capturesOf(KernelOp kernel, const KernelArguments &arguments) {
  return ValueRange(arguments.arrays).drop_front(3).take_front(kernel.getCaptures().size());
}

/// The row of the lists that an item reads.
static Value listRow(ScalarBuilder &s, const ListArguments &lists, const Item &item) {
  return s.add(s.add(s.mul(item.batch, lists.batchStride), s.mul(item.head, lists.headStride)), item.tile);
}

/// The ranges of an item, where the schedule is in closed form.
static VisitRanges rangesOf(OpBuilder &builder, Location loc, KernelParts parts, const KernelArguments &arguments,
                            const Item &item) {
  SmallVector<Value> operands{item.batch, item.head, item.tile,
                              memref::DimOp::create(builder, loc, arguments.arrays[0], 2),
                              memref::DimOp::create(builder, loc, arguments.arrays[1], 2)};
  llvm::append_range(operands, capturesOf(parts.kernel, arguments));
  return expandSchedule(builder, parts.schedule, operands);
}

/// Sum of the interval lengths of row `row` of one list.
static Value countList(OpBuilder &builder, Location loc, Value offsets, Value intervals, Value row) {
  ScalarBuilder s(builder, loc);
  auto offset = [&](Value index) {
    return toIndex(builder, loc, loadWord(builder, loc, offsets, index, builder.getI64Type()));
  };
  auto loop = scf::ForOp::create(
      builder, loc, offset(row), offset(s.add(row, 1)), s.constant(1), s.constant(0),
      [&](OpBuilder &nested, Location, Value interval, ValueRange sum) {
        ScalarBuilder n(nested, loc);
        Value count = loadWord(nested, loc, intervals, n.add(n.mul(interval, 2), 1), nested.getI32Type());
        Value tiles = arith::IndexCastUIOp::create(nested, loc, nested.getIndexType(), count);
        scf::YieldOp::create(nested, loc, n.add(sum[0], tiles));
      });
  return loop.getResult(0);
}

void cpu::emitWork(KernelParts parts) {
  KernelOp kernel = parts.kernel;
  Location loc = kernel.getLoc();
  MLIRContext *context = kernel.getContext();
  Type pointer = LLVM::LLVMPointerType::get(context), i64 = IntegerType::get(context, 64);
  func::FuncOp function = createEntry(kernel, "work", {pointer, i64, pointer});
  OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
  ScalarBuilder s(builder, loc);
  KernelArguments arguments =
      readArguments(builder, loc, function.getArgument(0), kernel, bool(parts.plan), parts.getPyramids());
  Item item = splitItem(builder, loc, toIndex(builder, loc, function.getArgument(1)), arguments.arrays[0],
                        kernel.getTileQ());
  Value partial, full;
  if (parts.plan) {
    const ListArguments &lists = arguments.lists;
    Value row = listRow(s, lists, item);
    partial = countList(builder, loc, lists.partialOffsets, lists.partialIntervals, row);
    full = countList(builder, loc, lists.fullOffsets, lists.fullIntervals, row);
  } else {
    std::tie(partial, full) = countTiles(builder, loc, rangesOf(builder, loc, parts, arguments, item));
  }
  storeWord(builder, loc, toInteger(builder, loc, partial, 64), function.getArgument(2), s.constant(0));
  storeWord(builder, loc, toInteger(builder, loc, full, 64), function.getArgument(2), s.constant(1));
  finishEntry(builder, loc);
}

void cpu::emitTiles(KernelParts parts) {
  KernelOp kernel = parts.kernel;
  Location loc = kernel.getLoc();
  MLIRContext *context = kernel.getContext();
  Type pointer = LLVM::LLVMPointerType::get(context), i64 = IntegerType::get(context, 64);
  func::FuncOp function = createEntry(kernel, "tiles", {pointer, i64, pointer, pointer, pointer});
  OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
  ScalarBuilder s(builder, loc);
  KernelArguments arguments =
      readArguments(builder, loc, function.getArgument(0), kernel, bool(parts.plan), parts.getPyramids());
  Item item = splitItem(builder, loc, toIndex(builder, loc, function.getArgument(1)), arguments.arrays[0],
                        kernel.getTileQ());
  Value counts = function.getArgument(4);
  Value zero = arith::ConstantIntOp::create(builder, loc, 0, 64);
  storeWord(builder, loc, zero, counts, s.constant(0));
  storeWord(builder, loc, zero, counts, s.constant(1));
  auto append = [&](int64_t list, Value keyTile) {
    Value at = s.constant(list);
    Value count = toIndex(builder, loc, loadWord(builder, loc, counts, at, i64));
    storeWord(builder, loc, toInteger(builder, loc, keyTile, 32), function.getArgument(2 + list), count);
    storeWord(builder, loc, toInteger(builder, loc, s.add(count, 1), 64), counts, at);
  };
  auto partial = [&](Value keyTile) { append(0, keyTile); };
  auto full = [&](Value keyTile) { append(1, keyTile); };
  if (parts.plan) {
    emitListWalk(builder, loc, arguments.lists, listRow(s, arguments.lists, item), partial, full);
  } else {
    int64_t size = rangeTableSize(cast<RangesOp>(parts.schedule.getTerminator()));
    Value table = memref::AllocaOp::create(builder, loc, MemRefType::get({size}, builder.getIndexType()));
    emitWalk(builder, loc, rangesOf(builder, loc, parts, arguments, item), table, partial, full);
  }
  finishEntry(builder, loc);
}

void cpu::emitPredicateRow(KernelParts parts) {
  KernelOp kernel = parts.kernel;
  Location loc = kernel.getLoc();
  MLIRContext *context = kernel.getContext();
  Type pointer = LLVM::LLVMPointerType::get(context), i64 = IntegerType::get(context, 64);
  func::FuncOp function = createEntry(kernel, "predicate", {pointer, i64, i64, i64, pointer});
  OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
  ScalarBuilder s(builder, loc);
  KernelArguments arguments =
      readArguments(builder, loc, function.getArgument(0), kernel, bool(parts.plan), parts.getPyramids());
  auto position = [&](unsigned index) { return toIndex(builder, loc, function.getArgument(index)); };
  Value queryLength = memref::DimOp::create(builder, loc, arguments.arrays[0], 2);
  Value keyLength = memref::DimOp::create(builder, loc, arguments.arrays[1], 2);
  PatternOp pattern = parts.pattern;
  PatternScope scope(builder, loc, pattern, capturesOf(kernel, arguments), position(1), position(2), queryLength,
                     keyLength);
  Value query = s.add(position(3), s.sub(keyLength, queryLength));
  auto loop = scf::ForOp::create(builder, loc, s.constant(0), keyLength, s.constant(1));
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    // The predicate is emitted as a region of its own, so that reads and ranks expand as they do in kernels.
    Region region;
    Block &body = region.emplaceBlock();
    Type index = builder.getIndexType();
    body.addArguments({index, index}, {loc, loc});
    OpBuilder scalar(context);
    scalar.setInsertionPointToEnd(&body);
    Value attends = pattern.getRoot().buildPredicate(scalar, scope, body.getArgument(0), body.getArgument(1));
    YieldOp::create(scalar, loc, attends);
    auto word = [&](Value value) { return toInteger(builder, loc, value, 32); };
    attends = emitPredicate(builder, loc, region, {word(query), word(loop.getInductionVar())}, IRMapping());
    Value byte = arith::ExtUIOp::create(builder, loc, builder.getI8Type(), attends);
    storeWord(builder, loc, byte, function.getArgument(4), loop.getInductionVar());
  }
  finishEntry(builder, loc);
}
