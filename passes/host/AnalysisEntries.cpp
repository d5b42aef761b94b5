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
#include "dialect/ScalarRegion.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/host/ArgumentBlock.h"
#include "passes/host/Entries.h"
#include "passes/host/MemRefAccess.h"
#include "passes/host/TileWalk.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::host;

/// The values that stand for the captures of the pattern.
static ValueRange capturesOf(KernelParts parts, const KernelArguments &arguments) {
  return ValueRange(arguments.arrays).drop_front(3).take_front(parts.getPatternCaptures().size());
}

namespace {

/// An entry under construction: its function, its arguments read back from the block.
struct Entry {
  Entry(KernelParts parts, StringRef suffix, ArrayRef<Type> types)
      : kernel(parts.kernel), loc(parts.kernel.getLoc()), function(createEntry(parts.kernel, suffix, types)),
        builder(OpBuilder::atBlockBegin(&function.getBody().front())), s(builder, loc),
        arguments(readArguments(builder, loc, function.getArgument(0), parts)) {}

  /// The work item that argument `index` numbers.
  Item splitItem(unsigned index) { return host::splitItem(builder, loc, position(index), arguments, kernel); }
  Value position(unsigned index) { return toIndex(builder, loc, function.getArgument(index)); }
  void storeCount(Value count, unsigned pointer, int64_t at) {
    storeWord(builder, loc, toInteger(builder, loc, count, 64), function.getArgument(pointer), s.constant(at));
  }
  void finish() { finishEntry(builder, loc); }

  KernelOp kernel;
  Location loc;
  func::FuncOp function;
  OpBuilder builder;
  ScalarBuilder s;
  KernelArguments arguments;
};

/// Types of the arguments of entries.
struct EntryTypes {
  explicit EntryTypes(KernelParts parts)
      : pointer(LLVM::LLVMPointerType::get(parts.kernel.getContext())),
        i64(IntegerType::get(parts.kernel.getContext(), 64)) {}
  Type pointer, i64;
};

} // namespace

/// The ranges of an item, where the schedule is in closed form.
static VisitRanges rangesOf(OpBuilder &builder, Location loc, KernelParts parts, const KernelArguments &arguments,
                            const Item &item) {
  Lengths lengths = readLengths(builder, loc, arguments, parts.kernel, item.batch);
  SmallVector<Value> operands{item.batch, item.head, item.tile, lengths.queries, lengths.keys};
  llvm::append_range(operands, capturesOf(parts, arguments));
  // Schedules ask nothing of masks.
  MemRefAccess access(builder, loc, [](BlockActiveOp, Value, Value) { return Value(); });
  return expandSchedule(builder, parts.schedule, operands, &access);
}

/// Sum of the interval lengths of row `row` of one list.
static Value countList(OpBuilder &builder, Location loc, Value offsets, Value intervals, Value row) {
  ScalarBuilder s(builder, loc);
  auto offset = [&](Value index) {
    return toIndex(builder, loc, loadWord(builder, loc, offsets, index, builder.getI64Type()));
  };
  auto loop =
      scf::ForOp::create(builder, loc, offset(row), offset(s.add(row, 1)), s.constant(1), s.constant(0),
                         [&](OpBuilder &nested, Location, Value interval, ValueRange sum) {
                           ScalarBuilder n(nested, loc);
                           Value count =
                               loadWord(nested, loc, intervals, n.add(n.mul(interval, 2), 1), nested.getI32Type());
                           Value tiles = arith::IndexCastUIOp::create(nested, loc, nested.getIndexType(), count);
                           scf::YieldOp::create(nested, loc, n.add(sum[0], tiles));
                         });
  return loop.getResult(0);
}

void host::emitWork(KernelParts parts) {
  EntryTypes types(parts);
  Entry entry(parts, "work", {types.pointer, types.i64, types.pointer});
  OpBuilder &builder = entry.builder;
  Location loc = entry.loc;
  Item item = entry.splitItem(1);
  Value partial, full;
  if (parts.plan) {
    const ListArguments &lists = entry.arguments.lists;
    Value row = getListRow(entry.s, lists, item);
    partial = countList(builder, loc, lists.partialOffsets, lists.partialIntervals, row);
    full = countList(builder, loc, lists.fullOffsets, lists.fullIntervals, row);
  } else {
    std::tie(partial, full) = countTiles(builder, loc, rangesOf(builder, loc, parts, entry.arguments, item));
  }
  entry.storeCount(partial, 2, 0);
  entry.storeCount(full, 2, 1);
  entry.finish();
}

void host::emitTiles(KernelParts parts) {
  EntryTypes types(parts);
  Type pointer = types.pointer, i64 = types.i64;
  Entry entry(parts, "tiles", {pointer, i64, pointer, pointer, pointer});
  OpBuilder &builder = entry.builder;
  Location loc = entry.loc;
  ScalarBuilder &s = entry.s;
  const KernelArguments &arguments = entry.arguments;
  func::FuncOp function = entry.function;
  Item item = entry.splitItem(1);
  Value counts = function.getArgument(4);
  entry.storeCount(s.constant(0), 4, 0);
  entry.storeCount(s.constant(0), 4, 1);
  auto append = [&](int64_t list, Value keyTile) {
    Value at = s.constant(list);
    Value count = toIndex(builder, loc, loadWord(builder, loc, counts, at, i64));
    storeWord(builder, loc, toInteger(builder, loc, keyTile, 32), function.getArgument(2 + list), count);
    storeWord(builder, loc, toInteger(builder, loc, s.add(count, 1), 64), counts, at);
  };
  auto partial = [&](Value keyTile) { append(0, keyTile); };
  auto full = [&](Value keyTile) { append(1, keyTile); };
  if (parts.plan) {
    auto listed = [&](Value keyTile, Value) { partial(keyTile); };
    emitListWalk(builder, loc, arguments.lists, getListRow(s, arguments.lists, item), listed, full);
  } else {
    int64_t size = rangeTableSize(cast<RangesOp>(parts.schedule.getTerminator()));
    Value table = memref::AllocaOp::create(builder, loc, MemRefType::get({size}, builder.getIndexType()));
    emitWalk(builder, loc, rangesOf(builder, loc, parts, arguments, item), table, partial, full);
  }
  entry.finish();
}

/// Does the mask hold the block of `key` (i32), for the one row of the mask that the runtime has set the states for?
static Value emitStateTest(OpBuilder &builder, Location loc, KernelParts parts, const KernelArguments &arguments,
                           BlockActiveOp active, Value key) {
  auto captures = capturesOf(parts, arguments);
  size_t capture = llvm::find(captures, active.getMask()) - captures.begin();
  Value block =
      ScalarBuilder(builder, loc).divPositive(toIndex(builder, loc, key), active.getMask().getType().getKeyBlock());
  Value state = loadWord(builder, loc, arguments.pyramids[capture].maxima, block, builder.getI32Type());
  Value none = arith::ConstantIntOp::create(builder, loc, 0, 32);
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, state, none);
}

namespace {

/// An entry about one row of queries: `(block, batch, head, row, one word a key)`.
struct RowEntry : Entry {
  RowEntry(KernelParts parts, StringRef suffix)
      : Entry(parts, suffix, argumentTypes(EntryTypes(parts))), batch(position(1)), head(position(2)),
        lengths(readLengths(builder, loc, arguments, kernel, batch)),
        query(s.add(position(3), s.sub(lengths.keys, lengths.queries))), words(function.getArgument(4)) {}

  static SmallVector<Type> argumentTypes(const EntryTypes &types) {
    return {types.pointer, types.i64, types.i64, types.i64, types.pointer};
  }
  Value toWord(Value index) { return toInteger(builder, loc, index, 32); }
  void forEachKey(function_ref<void(Value key)> body) {
    OpBuilder::InsertionGuard guard(builder);
    auto loop = scf::ForOp::create(builder, loc, s.constant(0), lengths.keys, s.constant(1));
    builder.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar());
  }

  Value batch, head;
  Lengths lengths;
  Value query; // aligned
  Value words;
};

} // namespace

void host::emitPredicateRow(KernelParts parts) {
  RowEntry entry(parts, "predicate");
  OpBuilder &builder = entry.builder;
  Location loc = entry.loc;
  PatternOp pattern = parts.pattern;
  PatternScope scope(builder, loc, pattern, capturesOf(parts, entry.arguments), entry.batch, entry.head,
                     entry.lengths.queries, entry.lengths.keys);
  // The predicate is emitted as a region of its own, so that reads and ranks expand as they do in kernels.
  Region region;
  Block &body = region.emplaceBlock();
  Type index = builder.getIndexType();
  body.addArguments({index, index}, {loc, loc});
  OpBuilder scalar(builder.getContext());
  scalar.setInsertionPointToEnd(&body);
  Value holds = pattern.getRoot().buildPredicate(scalar, scope, body.getArgument(0), body.getArgument(1));
  YieldOp::create(scalar, loc, holds);
  MemRefAccess access(builder, loc, [&](BlockActiveOp active, Value, Value key) {
    return emitStateTest(builder, loc, parts, entry.arguments, active, key);
  });
  RowPredicate row(builder, loc, region, entry.toWord(entry.query), IRMapping(), access);
  entry.forEachKey([&](Value key) {
    Value attends = row.attends(builder, entry.toWord(key));
    Value byte = arith::ExtUIOp::create(builder, loc, builder.getI8Type(), attends);
    storeWord(builder, loc, byte, entry.words, key);
  });
  entry.finish();
}

void host::emitScoreRow(KernelParts parts) {
  RowEntry entry(parts, "score");
  OpBuilder &builder = entry.builder;
  Location loc = entry.loc;
  SmallVector<Value> operands;
  auto captures = ValueRange(entry.arguments.arrays)
                      .drop_front(3)
                      .slice(parts.getPatternCaptures().size(), parts.score.getCaptures().size());
  for (Value capture : captures)
    operands.push_back(clampCaptured(builder, loc, capture));
  MemRefAccess access(builder, loc, [](BlockActiveOp, Value, Value) { return Value(); });
  entry.forEachKey([&](Value key) {
    SmallVector<Value> all = operands;
    all.push_back(loadWord(builder, loc, entry.words, key, builder.getF32Type()));
    for (Value position : {entry.batch, entry.head, entry.query, key})
      all.push_back(entry.toWord(position));
    Value score = emitScalarRegion(builder, loc, parts.score.getBody(), all, IRMapping(), access);
    storeWord(builder, loc, score, entry.words, key);
  });
  entry.finish();
}

void host::emitAnalysisEntries(KernelParts parts) {
  emitWork(parts);
  emitPredicateRow(parts);
  if (parts.score)
    emitScoreRow(parts);
  emitTiles(parts);
  if (parts.plan)
    emitPlan(parts);
}
