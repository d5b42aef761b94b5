//===- KernelEmitter.cpp - What all GPU kernels have in common ------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/nvvm/KernelEmitter.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/TypeSwitch.h"
#include <limits>

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::nvvm;

/// Bytes of the elements of queries, keys, values and outputs.
static constexpr int64_t kElementBytes = 2;

/// The one loop of the program.
static ForEachKeyTileOp getLoop(KernelOp kernel) {
  return *kernel.getBody().front().getOps<ForEachKeyTileOp>().begin();
}

KernelEmitter::KernelEmitter(OpBuilder &builder, KernelParts parts, const Target &target)
    : builder(builder), loc(parts.kernel.getLoc()), b(builder, loc), parts(parts), kernel(parts.kernel), target(target),
      tileQ(kernel.getTileQ()), tileK(kernel.getTileK()), headSize(kernel.getHeadSize()),
      elementType(kernel.getElementType()), maskBits(kernel) {
  findArrays();
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

void KernelEmitter::createFunction(const BlockNeeds &block, bool persistent, ArrayRef<MapRequest> maps) {
  MLIRContext *context = builder.getContext();
  Type pointer = LLVM::LLVMPointerType::get(context), i64 = builder.getI64Type();
  SmallVector<Type> types(maps.empty() ? 1 : 2, pointer);
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), types);
  function = LLVM::LLVMFuncOp::create(builder, loc, kernel.getSymName(), type);
  auto passByValue = [&](unsigned argument, int64_t words, int64_t alignment) {
    function.setArgAttr(argument, LLVM::LLVMDialect::getByValAttrName(),
                        TypeAttr::get(LLVM::LLVMArrayType::get(i64, words)));
    function.setArgAttr(argument, LLVM::LLVMDialect::getAlignAttrName(), builder.getI64IntegerAttr(alignment));
    function.setArgAttr(argument, NVVM::NVVMDialect::getGridConstantAttrName(), builder.getUnitAttr());
  };
  if (!maps.empty())
    passByValue(0, kTensorMapBytes / 8 * maps.size(), 64);
  passByValue(types.size() - 1, DeviceArguments::countWords(parts), 8);
  function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), builder.getUnitAttr());
  function->setAttr(NVVM::NVVMDialect::getReqntidAttrName(),
                    builder.getDenseI32ArrayAttr({static_cast<int32_t>(block.threads)}));
  // No more than this is wanted: ptxas shall not spill to make room for another.
  function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                    builder.getI32IntegerAttr(static_cast<int32_t>(block.perMultiprocessor)));
  auto number = [&](StringRef name, int64_t value) {
    return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
  };
  SmallVector<Attribute> boxes;
  for (const MapRequest &map : maps) {
    SmallVector<NamedAttribute> box{builder.getNamedAttr("array", builder.getStringAttr(map.array)),
                                    builder.getNamedAttr("rows", builder.getI64IntegerAttr(map.rows)),
                                    builder.getNamedAttr("columns", builder.getI64IntegerAttr(map.columns))};
    if (!map.classes.empty())
      box.push_back(builder.getNamedAttr("classes", builder.getStringAttr(map.classes)));
    boxes.push_back(builder.getDictionaryAttr(box));
  }
  function->setAttr(kLaunchAttr, builder.getDictionaryAttr(
                                     {number("threads", block.threads), number("shared_bytes", block.sharedBytes),
                                      number("blocks_per_multiprocessor", block.perMultiprocessor),
                                      builder.getNamedAttr("persistent", builder.getBoolAttr(persistent)),
                                      builder.getNamedAttr("maps", builder.getArrayAttr(boxes))}));
  Block *entry = function.addEntryBlock(builder);
  builder.setInsertionPointToStart(entry);
  arguments.emplace(b, parts, function.getArguments().back());
}

void KernelEmitter::finishFunction() {
  LLVM::ReturnOp::create(builder, loc, ValueRange());
  builder.setInsertionPointAfter(function);
}

//===----------------------------------------------------------------------===//
// The item
//===----------------------------------------------------------------------===//

Value KernelEmitter::getItemNumber(Value position) {
  Value order = arguments->getOrder();
  Value none = LLVM::ZeroOp::create(builder, loc, order.getType());
  Value isOrdered = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ne, order, none);
  auto branch = scf::IfOp::create(builder, loc, TypeRange{builder.getI32Type()}, isOrdered, true);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    Value entry = b.offset(order, b.toWide(position), builder.getI32Type());
    scf::YieldOp::create(builder, loc, b.load(entry, builder.getI32Type()));
    builder.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(builder, loc, position);
  }
  return branch.getResult(0);
}

Value KernelEmitter::getLongest() {
  if (!kernel.getSequences())
    return arguments->getSize(kernel.getQuery(), 2);
  Value table = kernel.getSequenceTable();
  return read(table, {b.sub(arguments->getSize(table, 0), 1), b.integer(KernelOp::Queries)}, /*lanes=*/0);
}

DeviceItem KernelEmitter::splitItem(Value number) {
  Value length = getLongest(), heads = arguments->getSize(kernel.getQuery(), 1);
  int64_t modulo = kernel.getModulo();
  Value ofClass = b.div(b.add(length, modulo - 1), modulo);
  Value tiles = b.div(b.add(ofClass, tileQ - 1), tileQ);
  if (modulo > 1)
    tiles = b.mul(tiles, b.min(length, b.integer(modulo)));
  Value headItem = b.div(number, tiles);
  return {b.div(headItem, heads), b.rem(headItem, heads), b.rem(number, tiles)};
}

/// Tiles and arrays are the family's business; everything else of the program is scalar, and cloned.
void KernelEmitter::emitScalars(const DeviceItem &newItem) {
  item = newItem;
  map.clear();
  rowsOfArrays.clear();
  map.map(kernel.getBatch(), b.toIndex(item.batch));
  map.map(kernel.getHead(), b.toIndex(item.head));
  map.map(kernel.getTile(), b.toIndex(item.tile));
  for (BlockArgument capture : kernel.getCaptures())
    if (capture.getType().isIndex())
      map.map(capture, b.toIndex(arguments->getNumber(capture)));
  for (Operation &op : kernel.getBody().front()) {
    llvm::TypeSwitch<Operation *>(&op)
        .Case<VisitOp, LoadOp, SoftmaxInitOp, SoftmaxResumeOp, ForEachKeyTileOp, FinalizeOp, StoreOp, ReturnOp>(
            [](Operation *) {})
        .Case([&](memref::DimOp dim) {
          map.map(dim.getResult(), b.toIndex(arguments->getSize(dim.getSource(), *dim.getConstantIndex())));
        })
        .Case([&](RowsOp rows) { emitRows(rows); })
        .Case([&](ReadOp read) { map.map(read.getResult(), emitRead(builder, loc, read, map, *this)); })
        .Default([&](Operation *other) { builder.clone(*other, map); });
  }
  MaskOp mask = getMask();
  queryLength = integerOf(mask.getQueryLength());
  keyLength = integerOf(mask.getKeyLength());
  queryTile = integerOf(mask.getQueryTile());
  arrayBatch = integerOf(getKeyLoad().getBatch());
}

void KernelEmitter::emitRows(RowsOp rows) {
  constexpr int64_t kLength = 2; // of [batch, heads, length, ...]
  DeviceArray array = getArray(rows.getSource());
  auto type = cast<MemRefType>(rows.getType());
  Value first = integerOf(rows.getFirst());
  const ClassRows *outer = findClassRows(rows.getSource());
  Value firstOfAll = outer ? b.add(outer->first, first) : first, length = outer ? outer->length : array.sizes[kLength];
  array.address = b.offset(array.address, b.mul(b.toWide(first), array.strides[kLength]), type.getElementType());
  int64_t step = rows.getStep();
  // Before the first row, where there is none, the quotient is 0.
  Value behind = b.max(b.sub(array.sizes[kLength], first), b.integer(0));
  array.sizes[kLength] = rows.getCount() ? integerOf(rows.getCount()) : b.div(b.add(behind, step - 1), step);
  array.strides[kLength] = b.mul(array.strides[kLength], arith::ConstantIntOp::create(builder, loc, step, 64));
  rowsOfArrays[rows.getResult()] = {array, firstOfAll, length};
}

DeviceArray KernelEmitter::getArray(Value array) {
  const ClassRows *found = findClassRows(array);
  return found ? found->rows : arguments->getArray(array);
}

const KernelEmitter::ClassRows *KernelEmitter::findClassRows(Value array) {
  auto found = rowsOfArrays.find(array);
  return found != rowsOfArrays.end() ? &found->second : nullptr;
}

MaskOp KernelEmitter::getMask() { return *getLoop(kernel).getBody().front().getOps<MaskOp>().begin(); }

LoadOp KernelEmitter::getKeyLoad() {
  auto scores = *getLoop(kernel).getBody().front().getOps<ScoresOp>().begin();
  return scores.getKey().getDefiningOp<LoadOp>();
}

/// The arrays that the program loads tiles from and stores them to.
void KernelEmitter::findArrays() {
  Block &program = kernel.getBody().front(), &step = getLoop(kernel).getBody().front();
  queries = LoadOp(*program.getOps<LoadOp>().begin()).getSource();
  keys = getKeyLoad().getSource();
  auto accumulate = *step.getOps<AccumulateOp>().begin();
  values = accumulate.getValue().getDefiningOp<LoadOp>().getSource();
  for (SoftmaxResumeOp resume : program.getOps<SoftmaxResumeOp>()) {
    partialOutput = resume.getOutput().getDefiningOp<LoadOp>().getSource();
    partialLse = resume.getLse().getDefiningOp<LoadOp>().getSource();
  }
  for (StoreOp store : program.getOps<StoreOp>())
    (cast<MemRefType>(store.getTarget().getType()).getRank() == 4 ? output : lse) = store.getTarget();
}

Value KernelEmitter::getKeyHead() { return integerOf(getKeyLoad().getHead()); }

KernelEmitter::HeadRows KernelEmitter::getHeadRows(Value array, Value head) {
  DeviceArray rows = getArray(array);
  Value offset = b.add(b.mul(b.toWide(arrayBatch), rows.strides[0]), b.mul(b.toWide(head), rows.strides[1]));
  Value bytes = arith::ConstantIntOp::create(builder, loc, kElementBytes, 64);
  return {b.offset(rows.address, b.mul(offset, bytes)), b.mul(rows.strides[2], bytes)};
}

//===----------------------------------------------------------------------===//
// The schedule
//===----------------------------------------------------------------------===//

int64_t KernelEmitter::getTableBytes() {
  return parts.plan ? 0 : RangeCursor::getTableBytes(cast<RangesOp>(parts.schedule.getTerminator()));
}

VisitRanges KernelEmitter::getRanges() {
  auto visit = *kernel.getBody().front().getOps<VisitOp>().begin();
  SmallVector<Value> operands =
      llvm::map_to_vector(visit.getOperands(), [&](Value value) { return map.lookupOrDefault(value); });
  return expandSchedule(builder, parts.schedule, operands, this);
}

Value KernelEmitter::getListRow() {
  Value batch = b.mul(item.batch, arguments->getListBatchStride());
  return b.add(b.add(batch, b.mul(item.head, arguments->getListHeadStride())), item.tile);
}

std::unique_ptr<KeyTileCursor> KernelEmitter::createCursor(Value table) {
  if (parts.plan)
    return std::make_unique<ListCursor>(b, *arguments, getListRow());
  return std::make_unique<RangeCursor>(b, getRanges(), table);
}

//===----------------------------------------------------------------------===//
// The mask
//===----------------------------------------------------------------------===//

Value KernelEmitter::getSize(Value array, int64_t dimension) { return arguments->getSize(array, dimension); }

Value KernelEmitter::read(Value array, ArrayRef<Value> indices, int64_t) {
  DeviceArray elements = arguments->getArray(array);
  Type type = cast<MemRefType>(array.getType()).getElementType();
  Value offset = b.toWide(indices.back());
  for (auto [index, stride] : llvm::zip(indices.drop_back(), elements.strides))
    offset = b.add(offset, b.mul(b.toWide(index), stride));
  return b.load(b.offset(elements.address, offset, type), type);
}

Value KernelEmitter::testBlock(BlockActiveOp active, Value row, Value key) {
  unsigned capture = kernel.getCaptureNumber(active.getMask());
  return maskBits.emitTest(builder, loc, capture, row, key, [&](Value index) {
    Type i32 = builder.getI32Type();
    return b.load(b.offset(tileWords, b.toWide(index), i32), i32);
  });
}

/// Is what a predicate asks of each key, as `attends` writes it at the builder's place, to be evaluated in a loop over
/// the scores? One that loops itself, as the search for a random rank does, and one that would be most of the kernel if
/// it were written out for every score. `row` writes what it asks of a query. Nothing of what is emitted here stays.
static bool wantsLoop(OpBuilder &builder, function_ref<RowPredicate()> row, Value key) {
  constexpr int64_t kLongest = 100;
  OpBuilder::InsertionGuard guard(builder);
  Block ofRow, ofPair;
  builder.setInsertionPointToStart(&ofRow);
  RowPredicate predicate = row();
  builder.setInsertionPointToStart(&ofPair);
  predicate.attends(builder, key);
  int64_t length = 0;
  bool loops = false;
  ofPair.walk([&](Operation *op) {
    ++length;
    loops |= op->getNumRegions() > 0;
  });
  return loops || length > kLongest;
}

void KernelEmitter::modifyScores(RowFragment &fragment, MutableArrayRef<Value> products, Value queryRow, Value keyTile,
                                 Value laneColumn) {
  for (ScoreModOp mod : getLoop(kernel).getBody().front().getOps<ScoreModOp>()) {
    Value firstQuery = b.add(queryRow, b.sub(keyLength, queryLength));
    RowPair queries{firstQuery, b.add(firstQuery, 8)};
    Value firstKey = b.add(b.mul(keyTile, tileK), laneColumn);
    fragment.modify(products, [&](Value score, int64_t row, int64_t column) {
      Value key = b.add(firstKey, b.integer(column));
      return emitScalarRegion(builder, loc, mod.getBody(), {score, queries[row], key}, map, *this);
    });
  }
}

void KernelEmitter::maskScores(RowFragment &fragment, MutableArrayRef<Value> scores, Value queryRow, Value keyTile,
                               Value laneColumn, Value rank) {
  MaskOp mask = getMask();
  if (arguments->hasMasks()) {
    Type i32 = builder.getI32Type(), i64 = builder.getI64Type();
    Value row = b.toWide(getListRow());
    Value entry = b.load(b.offset(arguments->getList(DeviceArguments::PartialEntries), row, i64), i64);
    Value words = arith::ConstantIntOp::create(builder, loc, maskBits.getWords(), 64);
    entry = b.mul(b.add(entry, b.toWide(rank)), words);
    tileWords = b.offset(arguments->getList(DeviceArguments::PartialWords), entry, i32);
  }
  Value firstQuery = b.add(queryRow, b.sub(keyLength, queryLength));
  RowPair queries{firstQuery, b.add(firstQuery, 8)};
  Value firstKey = b.add(b.mul(keyTile, tileK), laneColumn);
  auto ofRow = [&](Value query) { return RowPredicate(builder, loc, mask.getBody(), query, map, *this); };
  auto keyOf = [&](Value column) { return b.add(firstKey, column); };
  if (!wantsLoop(builder, [&] { return ofRow(queries[0]); }, firstKey)) {
    RowPredicate rows[] = {ofRow(queries[0]), ofRow(queries[1])};
    return fragment.mask(scores, [&](int64_t row, int64_t column) {
      Value key = keyOf(b.integer(column));
      return b.both(b.less(key, keyLength), rows[row].attends(builder, key));
    });
  }
  // A predicate that loops may search for what only positions that exist have.
  Value last = b.sub(keyLength, 1);
  RowPredicate first = ofRow(b.min(queries[0], last)), second = ofRow(b.min(queries[1], last));
  fragment.maskInLoop(scores, [&](Value isSecondRow, Value column) {
    Value key = keyOf(column);
    RowPredicate row = second.selectedBy(builder, isSecondRow, first);
    return b.both(b.less(key, keyLength), row.attends(builder, b.min(key, last)));
  });
}

void KernelEmitter::maskIfPartial(RowFragment &fragment, SmallVector<Value> &scores, Value isPartial, Value queryRow,
                                  Value keyTile, Value laneColumn, Value rank) {
  SmallVector<Type> types(scores.size(), builder.getF32Type());
  auto branch = scf::IfOp::create(builder, loc, types, isPartial, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(builder, loc, scores);
  builder.setInsertionPointToStart(branch.thenBlock());
  maskScores(fragment, scores, queryRow, keyTile, laneColumn, rank);
  scf::YieldOp::create(builder, loc, scores);
  scores.assign(branch.getResults().begin(), branch.getResults().end());
}

//===----------------------------------------------------------------------===//
// Partial results
//===----------------------------------------------------------------------===//

SoftmaxState KernelEmitter::startSoftmax(RowFragment &fragment, MutableArrayRef<Value> accumulator, Value laneRow,
                                         Value lane) {
  SoftmaxState state = fragment.initState();
  std::fill(accumulator.begin(), accumulator.end(), b.number(0));
  if (!kernel.getResumes())
    return state;
  HeadRows rows = getHeadRows(partialOutput, item.head);
  Value column = b.toWide(b.mul(b.both(lane, 3), 2 * kElementBytes)), last = b.sub(queryLength, 1);
  for (int64_t row = 0; row < 2; ++row) {
    // Rows past the end are that of the last, and nobody stores them.
    Value position = b.min(b.add(laneRow, 8 * row), last);
    Value lse = b.load(getRowSum(partialLse, position), builder.getF32Type());
    Value isEmpty = b.equalFloat(lse, b.number(-std::numeric_limits<float>::infinity()));
    state.rowMax[row] = fragment.getMax(lse);
    // The four lanes of a row share its sum.
    Value isFirst = b.equal(b.both(lane, 3), 0);
    Value sum = b.select(isEmpty, b.number(0), b.number(1));
    state.rowSum[row] = b.select(isFirst, sum, b.number(0));
    Value address = b.offset(b.offset(rows.address, b.mul(b.toWide(position), rows.stride)), column);
    for (size_t index = 0; index + 1 < accumulator.size(); index += 2) {
      if (getFragmentRow(index) != row || getFragmentColumn(index) >= headSize)
        continue;
      Value word = b.load(b.offset(address, kElementBytes * getFragmentColumn(index)), builder.getI32Type());
      auto [low, high] = b.unpackHalves(word, elementType);
      accumulator[index] = b.select(isEmpty, b.number(0), low);
      accumulator[index + 1] = b.select(isEmpty, b.number(0), high);
    }
  }
  return state;
}

//===----------------------------------------------------------------------===//
// The results
//===----------------------------------------------------------------------===//

/// The address of the sum of a row, in an array of log-sum-exps.
Value KernelEmitter::getRowSum(Value array, Value position) {
  DeviceArray sums = getArray(array);
  Value offset = b.add(b.mul(b.toWide(arrayBatch), sums.strides[0]), b.mul(b.toWide(item.head), sums.strides[1]));
  offset = b.add(offset, b.mul(b.toWide(position), sums.strides[2]));
  return b.offset(sums.address, offset, builder.getF32Type());
}

void KernelEmitter::storeOutput(ArrayRef<Value> words, Value laneRow, Value lane) {
  HeadRows rows = getHeadRows(output, item.head);
  Value column = b.toWide(b.mul(b.both(lane, 3), 2 * kElementBytes));
  for (int64_t row = 0; row < 2; ++row) {
    Value position = b.add(laneRow, 8 * row);
    b.emitIf(b.less(position, queryLength), [&] {
      Value address = b.offset(rows.address, b.mul(b.toWide(position), rows.stride));
      address = b.offset(address, column);
      for (auto [index, word] : llvm::enumerate(words))
        if (getFragmentRow(2 * index) == row)
          b.store(word, b.offset(address, kElementBytes * getFragmentColumn(2 * index)));
    });
  }
}

/// One lane of the four that share a row stores.
void KernelEmitter::storeLogSumExp(const RowPair &sumsOfRows, Value laneRow, Value lane) {
  if (!kernel.getLse())
    return;
  Value isFirst = b.equal(b.both(lane, 3), 0);
  for (int64_t row = 0; row < 2; ++row) {
    Value position = b.add(laneRow, 8 * row);
    b.emitIf(b.both(isFirst, b.less(position, queryLength)),
             [&] { b.store(sumsOfRows[row], getRowSum(lse, position)); });
  }
}
