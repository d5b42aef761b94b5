//===- KernelLowering.cpp - The entry that computes work items ------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Walks a kernel's tile program once and has every op emitted by TileEmitter.
// The body of the loop over key tiles is emitted twice: for partial tiles with
// the mask, for full ones without.
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/KernelLowering.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "passes/MaskBits.h"
#include "passes/cpu/TileEmitter.h"
#include "passes/host/Entries.h"
#include "passes/host/MemRefAccess.h"
#include "passes/host/TileWalk.h"
#include "llvm/ADT/TypeSwitch.h"
#include <optional>

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::cpu;
using namespace mlir::sparse_attn::host;

namespace {

class ItemLowering {
public:
  ItemLowering(OpBuilder &builder, KernelParts parts, TileEmitter &emitter, const KernelArguments &arguments,
               Value rangeTable)
      : builder(builder), loc(parts.kernel->getLoc()), s(builder, loc), parts(parts), emitter(emitter),
        arguments(arguments), rangeTable(rangeTable), maskBits(parts.kernel),
        access(builder, loc,
               [this](BlockActiveOp active, Value row, Value key) { return testBlock(active, row, key); }) {}

  void lower(const Item &item);

private:
  void lowerProgram();
  void lowerOp(Operation *op);
  void lowerLoop(ForEachKeyTileOp loop);
  void lowerStep(ForEachKeyTileOp loop, Value keyTile, bool partial);
  void lowerStepOp(Operation *op, bool partial);
  /// The region of a mask or of a score_mod, for the tile at hand.
  template <typename OpT> TileRegion regionOf(OpT op);
  Value testBlock(BlockActiveOp active, Value row, Value key);
  void lowerScores(Block &step, bool partial);
  void lowerAccumulate(AccumulateOp accumulate, bool partial);
  void lowerStore(StoreOp store);
  void prefetchItem();
  HeadRows queryRowsOf(Value array);
  Value lseRowOf(Value array);
  /// That of the arrays: not the item's where it has a sequence of them.
  Value arrayBatch();
  Value queryTile();
  LoadOp queryLoad() { return *parts.kernel.getBody().front().getOps<LoadOp>().begin(); }

  /// The rows of tile `tile` of one head; `count` is what exists from there on.
  HeadRows rowsOf(Value array, Value batch, Value head, Value tile, int64_t tileRows);
  HeadRows keysOf(Value tileValue, bool partial);
  Value value(Value original) { return map.lookupOrDefault(original); }

  OpBuilder &builder;
  Location loc;
  ScalarBuilder s;
  KernelParts parts;
  TileEmitter &emitter;
  const KernelArguments &arguments;
  Value rangeTable;
  Value isCareful; // i1
  MaskBits maskBits;
  Value tileWords; // address of the words of the partial tile at hand
  MemRefAccess access;
  IRMapping map;
  VisitRanges ranges;
  Item item;
};

HeadRows ItemLowering::rowsOf(Value array, Value batch, Value head, Value tile, int64_t tileRows) {
  auto type = cast<MemRefType>(array.getType());
  int64_t headSize = type.getDimSize(3);
  Value length = memref::DimOp::create(builder, loc, array, 2);
  OpFoldResult one = builder.getIndexAttr(1), zero = builder.getIndexAttr(0);
  SmallVector<OpFoldResult> offsets{batch, head, zero, zero}, strides(4, one);
  SmallVector<OpFoldResult> sizes{one, one, length, builder.getIndexAttr(headSize)};
  auto layout = StridedLayoutAttr::get(builder.getContext(), ShapedType::kDynamic, {ShapedType::kDynamic, 1});
  auto rowsType = MemRefType::get({ShapedType::kDynamic, headSize}, type.getElementType(), layout);
  Value rows = memref::SubViewOp::create(builder, loc, rowsType, array, offsets, sizes, strides);
  Value first = s.mul(tile, tileRows);
  return {rows, first, s.sub(length, first)};
}

/// The memory behind a loaded tile of keys or values.
HeadRows ItemLowering::keysOf(Value tileValue, bool partial) {
  auto load = tileValue.getDefiningOp<LoadOp>();
  int64_t tileK = parts.kernel.getTileK();
  HeadRows rows =
      rowsOf(value(load.getSource()), value(load.getBatch()), value(load.getHead()), value(load.getTile()), tileK);
  rows.count = partial ? s.min(rows.count, s.constant(tileK)) : Value();
  return rows;
}

/// The values that the weights of these scores meet, and the other way round: both stand in one loop body.
static Value findValues(ScoresOp scores) { return (*scores->getBlock()->getOps<AccumulateOp>().begin()).getValue(); }
static Value findKeys(AccumulateOp accumulate) {
  return (*accumulate->getBlock()->getOps<ScoresOp>().begin()).getKey();
}

/// The mask of the scores that these weights come from.
static MaskOp findMask(AccumulateOp accumulate) { return *accumulate->getBlock()->getOps<MaskOp>().begin(); }

/// Is there a pair of existing positions that does not attend?
static bool excludesPairs(MaskOp mask) {
  return !matchPattern(mask.getBody().front().getTerminator()->getOperand(0), m_One());
}

template <typename OpT> TileRegion ItemLowering::regionOf(OpT op) {
  Value firstKey = s.mul(value(op.getKeyTile()), parts.kernel.getTileK());
  Value shift = s.sub(value(op.getKeyLength()), value(op.getQueryLength()));
  Value firstQuery = s.add(s.mul(value(op.getQueryTile()), parts.kernel.getTileQ()), shift);
  Value lastQuery = s.sub(value(op.getKeyLength()), 1);
  return {op.getBody(), access, map, firstQuery, lastQuery, firstKey};
}

Value ItemLowering::testBlock(BlockActiveOp active, Value row, Value key) {
  unsigned capture = parts.kernel.getCaptureNumber(active.getMask());
  return maskBits.emitTest(builder, loc, capture, row, key, [&](Value index) {
    return loadWord(builder, loc, tileWords, toIndex(builder, loc, index), builder.getI32Type());
  });
}

/// Scores, score_mod and mask of a step. The mask of a partial tile goes first, as limits that its scores meet while
/// they are in registers; or else it goes with the score_mod.
void ItemLowering::lowerScores(Block &step, bool partial) {
  ScoresOp scores = *step.getOps<ScoresOp>().begin();
  std::optional<TileRegion> mask;
  if (partial)
    mask.emplace(regionOf(*step.getOps<MaskOp>().begin()));
  HeadRows keys = keysOf(scores.getKey(), partial), values = keysOf(findValues(scores), partial);
  auto mods = step.getOps<ScoreModOp>();
  if (mods.empty())
    return emitter.emitScores(keys, values, mask ? emitter.emitLimits(keys, *mask) : Limits::None);
  emitter.emitScores(keys, values, Limits::None);
  emitter.emitScoreMod(keys, regionOf(*mods.begin()), mask ? &*mask : nullptr);
}

void ItemLowering::lowerAccumulate(AccumulateOp accumulate, bool partial) {
  HeadRows values = keysOf(accumulate.getValue(), partial), keys = keysOf(findKeys(accumulate), partial);
  MaskOp mask = findMask(accumulate);
  if (!partial || !excludesPairs(mask))
    return emitter.emitAccumulate(values, keys);
  OpBuilder::InsertionGuard guard(builder);
  auto careful = scf::IfOp::create(builder, loc, isCareful, /*withElseRegion=*/true);
  builder.setInsertionPointToStart(careful.thenBlock());
  emitter.emitCarefulAccumulate(values, regionOf(mask));
  builder.setInsertionPointToStart(careful.elseBlock());
  emitter.emitAccumulate(values, keys);
}

void ItemLowering::lowerStepOp(Operation *op, bool partial) {
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](ScoresOp scores) { lowerScores(*scores->getBlock(), partial); })
      .Case([&](OnlineSoftmaxOp softmax) {
        auto scores = *softmax->getBlock()->getOps<ScoresOp>().begin();
        emitter.emitOnlineSoftmax(keysOf(scores.getKey(), partial));
      })
      .Case([&](AccumulateOp accumulate) { lowerAccumulate(accumulate, partial); })
      // Loads are taken where they are used, what is done to scores follows their product, and rescaling is part of the
      // accumulation.
      .Case<LoadOp, ScoreModOp, MaskOp, RescaleOp, YieldOp>([](Operation *) {})
      .Default([&](Operation *other) { builder.clone(*other, map); });
}

void ItemLowering::lowerStep(ForEachKeyTileOp loop, Value keyTile, bool partial) {
  Block &body = loop.getBody().front();
  map.map(body.getArgument(1), keyTile);
  for (Operation &op : body)
    lowerStepOp(&op, partial);
}

void ItemLowering::lowerLoop(ForEachKeyTileOp loop) {
  auto partial = [&](Value keyTile) { lowerStep(loop, keyTile, /*partial=*/true); };
  auto full = [&](Value keyTile) { lowerStep(loop, keyTile, /*partial=*/false); };
  if (!parts.plan)
    return emitWalk(builder, loc, ranges, rangeTable, partial, full);
  const ListArguments &lists = arguments.lists;
  auto listed = [&](Value keyTile, Value entry) {
    if (entry)
      tileWords =
          getWordAddress(builder, loc, lists.partialWords, s.mul(entry, maskBits.getWords()), builder.getI32Type());
    partial(keyTile);
  };
  emitListWalk(builder, loc, lists, getListRow(s, lists, item), listed, full);
}

/// The rows of the item's queries in an array of the tile program.
HeadRows ItemLowering::queryRowsOf(Value array) {
  return rowsOf(value(array), arrayBatch(), item.head, queryTile(), parts.kernel.getTileQ());
}

Value ItemLowering::arrayBatch() { return value(queryLoad().getBatch()); }

/// The tile of the item's queries in the arrays that the program loads from: not the item's where there are classes.
Value ItemLowering::queryTile() { return value(queryLoad().getTile()); }

/// One head of an array of log-sum-exps.
Value ItemLowering::lseRowOf(Value array) {
  Value sums = value(array);
  Value length = memref::DimOp::create(builder, loc, sums, 2);
  OpFoldResult one = builder.getIndexAttr(1);
  SmallVector<OpFoldResult> offsets{arrayBatch(), item.head, builder.getIndexAttr(0)}, sizes{one, one, length},
      strides(3, one);
  auto layout = StridedLayoutAttr::get(builder.getContext(), ShapedType::kDynamic, {ShapedType::kDynamic});
  auto rowType = MemRefType::get({ShapedType::kDynamic}, builder.getF32Type(), layout);
  return memref::SubViewOp::create(builder, loc, rowType, sums, offsets, sizes, strides);
}

void ItemLowering::prefetchItem() {
  StoreOp store = *parts.kernel.getBody().front().getOps<StoreOp>().begin();
  emitter.prefetchItem(queryRowsOf(queryLoad().getSource()), queryRowsOf(store.getTarget()));
}

/// What a program is to be run again for, with care, must not be lost: where the result takes the place of a partial
/// one, it is stored once it is final.
void ItemLowering::lowerStore(StoreOp store) {
  OpBuilder::InsertionGuard guard(builder);
  if (parts.kernel.getResumes() && isCareful) {
    Value isFinal = s.either(isCareful, emitter.hasFiniteOutput());
    auto branch = scf::IfOp::create(builder, loc, isFinal, /*withElseRegion=*/false);
    builder.setInsertionPointToStart(branch.thenBlock());
  }
  if (cast<MemRefType>(store.getTarget().getType()).getRank() == 4)
    return emitter.storeOutput(queryRowsOf(store.getTarget()));
  Value sums = lseRowOf(store.getTarget()), first = s.mul(queryTile(), parts.kernel.getTileQ());
  Value length = memref::DimOp::create(builder, loc, sums, 0);
  emitter.storeLogSumExp(sums, first, s.sub(length, first));
}

void ItemLowering::lowerOp(Operation *op) {
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](VisitOp visit) {
        if (parts.plan)
          return;
        SmallVector<Value> operands =
            llvm::map_to_vector(visit.getOperands(), [&](Value operand) { return value(operand); });
        ranges = expandSchedule(builder, parts.schedule, operands, &access);
      })
      .Case([&](LoadOp load) {
        if (!isa<SoftmaxResumeOp>(*load->getUsers().begin()))
          emitter.packQueries(queryRowsOf(load.getSource()));
      })
      .Case([&](RowsOp rows) {
        map.map(rows.getResult(), buildRows(builder, loc, value(rows.getSource()), value(rows.getFirst()),
                                            rows.getCount() ? value(rows.getCount()) : Value(), rows.getStep()));
      })
      .Case([&](ReadOp read) { map.map(read.getResult(), emitRead(builder, loc, read, map, access)); })
      .Case([&](SoftmaxInitOp) {
        emitter.initState();
        prefetchItem();
      })
      .Case([&](SoftmaxResumeOp resume) {
        HeadRows output = queryRowsOf(resume.getOutput().getDefiningOp<LoadOp>().getSource());
        emitter.resumeState(output, lseRowOf(resume.getLse().getDefiningOp<LoadOp>().getSource()));
        prefetchItem();
      })
      .Case([&](ForEachKeyTileOp loop) { lowerLoop(loop); })
      .Case([&](StoreOp store) { lowerStore(store); })
      .Case<FinalizeOp, ReturnOp>([](Operation *) {})
      .Default([&](Operation *other) { builder.clone(*other, map); });
}

void ItemLowering::lowerProgram() {
  KernelOp kernel = parts.kernel;
  map.map(kernel.getArrays(), arguments.arrays);
  map.map(kernel.getBatch(), item.batch);
  map.map(kernel.getHead(), item.head);
  map.map(kernel.getTile(), item.tile);
  for (Operation &op : kernel.getBody().front())
    lowerOp(&op);
}

/// Runs the program once, and again with care if the output is not finite: a value of a key that does not attend may
/// have spoilt it, which to rule out in every tile would cost more than all masks do.
void ItemLowering::lower(const Item &itemToLower) {
  item = itemToLower;
  bool excludes = false;
  parts.kernel.walk([&](MaskOp mask) { excludes = excludesPairs(mask); });
  if (!excludes)
    return lowerProgram();
  auto loop = scf::WhileOp::create(builder, loc, TypeRange(builder.getI1Type()), ValueRange(s.boolean(false)));
  OpBuilder::InsertionGuard guard(builder);
  Block *before = builder.createBlock(&loop.getBefore(), {}, builder.getI1Type(), loc);
  isCareful = before->getArgument(0);
  lowerProgram();
  Value again = s.negate(s.either(isCareful, emitter.hasFiniteOutput()));
  scf::ConditionOp::create(builder, loc, again, ValueRange(s.boolean(true)));
  Block *after = builder.createBlock(&loop.getAfter(), {}, builder.getI1Type(), loc);
  scf::YieldOp::create(builder, loc, after->getArguments());
}

} // namespace

void cpu::emitItems(KernelParts parts, const Target &target) {
  KernelOp kernel = parts.kernel;
  Location loc = kernel.getLoc();
  MLIRContext *context = kernel.getContext();
  Type pointer = LLVM::LLVMPointerType::get(context), i64 = IntegerType::get(context, 64);
  func::FuncOp function = createEntry(kernel, "items", {pointer, i64, i64, pointer});
  OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
  ScalarBuilder s(builder, loc);

  ScheduleOp schedule = parts.schedule;
  int64_t tableSize = parts.plan ? 0 : rangeTableSize(cast<RangesOp>(schedule.getTerminator()));
  ScratchLayout layout(kernel, target, tableSize);
  function->setAttr(kScratchBytesAttr, builder.getI64IntegerAttr(layout.getBytes()));

  KernelArguments arguments = readArguments(builder, loc, function.getArgument(0), parts);
  auto scratchType = MemRefType::get({layout.getBytes()}, builder.getI8Type());
  Value scratch =
      buildMemRef(builder, loc, scratchType, function.getArgument(3), s.constant(layout.getBytes()), s.constant(1));
  Value begin = toIndex(builder, loc, function.getArgument(1)), end = toIndex(builder, loc, function.getArgument(2));
  auto loop = scf::ForOp::create(builder, loc, begin, end, s.constant(1));
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    TileEmitter emitter(builder, loc, kernel, target, layout, scratch);
    Value table;
    if (tableSize > 0) {
      SmallVector<Value> views = layout.buildViews(builder, loc, scratch);
      auto flat = MemRefType::get({tableSize}, builder.getIndexType());
      table = memref::CollapseShapeOp::create(builder, loc, flat, views[static_cast<int>(Place::Ranges)],
                                              ArrayRef<ReassociationIndices>{{0, 1}});
    }
    Item item = splitItem(builder, loc, loop.getInductionVar(), arguments, kernel);
    ItemLowering(builder, parts, emitter, arguments, table).lower(item);
  }
  finishEntry(builder, loc);
}
