//===- HopperConsumer.cpp - The warpgroups that multiply ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/nvvm/HopperEmitter.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::nvvm;

/// Keys of one step of the second product, and columns of one of the first.
static constexpr int64_t kStep = 16;
/// Named barriers; 0 is that of all threads. First the consumers' turns, of which there are at most 3, then one a
/// consumer.
static constexpr int64_t kTurns = 1, kGroupBarriers = 4;
/// The leading offset of a matrix that has none: K-major with a swizzle.
static constexpr int64_t kIgnored = 16;

/// A matrix descriptor (PTX ISA, "Matrix descriptor"): address, leading and stride offsets in units of 16 bytes, and
/// the swizzle: 1 over 128 bytes, 2 over 64. The stride offset is that of 8 rows.
Value HopperEmitter::describe(int64_t offset, int64_t leading) {
  Value address = LLVM::PtrToIntOp::create(builder, loc, builder.getI32Type(), at(offset));
  address = b.shiftRight(b.both(address, 0x3FFFF), 4);
  int64_t stride = 8 * layout.rowBytes, swizzle = layout.rowBytes == 128 ? 1 : 2;
  int64_t bits = static_cast<int64_t>(uint64_t(swizzle) << 62) | ((stride >> 4) << 32) | ((leading >> 4) << 16);
  Value constant = arith::ConstantIntOp::create(builder, loc, bits, 64);
  Value wide = arith::ExtUIOp::create(builder, loc, builder.getI64Type(), address);
  return arith::OrIOp::create(builder, loc, wide, constant);
}

SmallVector<Value> HopperEmitter::await(int64_t pending, ArrayRef<Value> values) {
  auto types = llvm::map_to_vector(values, [](Value value) { return value.getType(); });
  auto wait = WgmmaWaitOp::create(builder, loc, types, builder.getI64IntegerAttr(pending), values);
  return wait.getResults();
}

/// S = Q K^T, in steps of 16 columns: 32 bytes further in a slab, then the next slab. Padding is left out.
SmallVector<Value> HopperEmitter::multiplyKeys(Value stage) {
  SmallVector<Type> types(tileK / 2, builder.getF32Type());
  SmallVector<Value> scores;
  Value keys = b.add(keyDescriptor, b.toWide(b.mul(stage, layout.getStageBytes() >> 4)));
  for (int64_t step = 0; step < headSize / kStep; ++step) {
    int64_t stepsInSlab = layout.slabColumns / kStep, slab = step / stepsInSlab,
            within = step % stepsInSlab * 2 * kStep;
    auto advance = [&](Value descriptor, int64_t slabBytes) {
      return b.add(descriptor, arith::ConstantIntOp::create(builder, loc, (slab * slabBytes + within) >> 4, 64));
    };
    auto product =
        WgmmaOp::create(builder, loc, types, scores, ValueRange(), advance(queryDescriptor, layout.querySlab),
                        advance(keys, layout.keySlab), TypeAttr::get(elementType), /*transposed=*/UnitAttr());
    scores.assign(product.getResults().begin(), product.getResults().end());
  }
  return scores;
}

/// O += P V, in steps of 16 keys. Values lie N-major: a step is 16 rows further.
void HopperEmitter::multiplyValues(Registers &registers, Value stage) {
  SmallVector<Type> types(layout.columns / 2, builder.getF32Type());
  Value values = b.add(valueDescriptor, b.toWide(b.mul(stage, layout.getStageBytes() >> 4)));
  for (int64_t step = 0; step < tileK / kStep; ++step) {
    Value offset = arith::ConstantIntOp::create(builder, loc, step * kStep * layout.rowBytes >> 4, 64);
    auto product = WgmmaOp::create(
        builder, loc, types, registers.accumulator, ArrayRef<Value>(registers.weights).slice(4 * step, 4), Value(),
        b.add(values, offset), TypeAttr::get(elementType), /*transposed=*/builder.getUnitAttr());
    registers.accumulator.assign(product.getResults().begin(), product.getResults().end());
  }
}

void HopperEmitter::syncThreads(int64_t barrier, int64_t threads) {
  NVVM::BarrierOp::create(builder, loc, Type(), b.integer(barrier), b.integer(threads), NVVM::BarrierReductionAttr(),
                          Value());
}

/// The number of a barrier in a register would make ptxas reserve all of them; hence a branch for each consumer, here
/// and where turns are taken.
void HopperEmitter::syncGroup() {
  for (int64_t which = 0; which < groups; ++which)
    forGroup(which, [&] { syncThreads(kGroupBarriers + which, kGroup); });
}

/// Consumers multiply one after the other. Each waits at a barrier of its own, at which the one before it arrives.
void HopperEmitter::syncTurn(int64_t which) { syncThreads(kTurns + which, 2 * kGroup); }

void HopperEmitter::giveTurn(int64_t which) {
  NVVM::BarrierArriveOp::create(builder, loc, b.integer(kTurns + which), b.integer(2 * kGroup));
}

void HopperEmitter::awaitTurn() {
  for (int64_t which = 0; which < groups && groups > 1; ++which)
    forGroup(which, [&] { syncTurn(which); });
}

void HopperEmitter::passTurn() {
  for (int64_t which = 0; which < groups && groups > 1; ++which)
    forGroup(which, [&] { giveTurn((which + 1) % groups); });
}

/// What the producer has put beside the keys of a stage that is full.
Value HopperEmitter::readPlace(Value stage) {
  return b.load(b.offset(at(layout.places), b.mul(stage, 4)), builder.getI32Type());
}

void HopperEmitter::mask(SmallVector<Value> &scores, Value place, Value rank) {
  Value isPartial = b.equal(b.both(place, 1), 1), keyTile = b.shiftRight(place, 1);
  modifyScores(fragment, scores, laneRow, keyTile, laneColumn);
  maskIfPartial(fragment, scores, isPartial, laneRow, keyTile, laneColumn, rank);
}

/// Behind the keys of a sequence, boxes bring what the array holds there; weights of 0 would not undo a NaN.
void HopperEmitter::awaitValues(Value place, Use use) {
  wait(barrier(HopperLayout::ValuesFull, use.stage), use.parity);
  if (!kernel.getSequences())
    return;
  Value rows = b.sub(keyLength, b.mul(b.shiftRight(place, 1), tileK));
  b.emitIf(b.less(rows, b.integer(tileK)), [&] { clearRows(rows, use.stage); });
}

/// Sets the rows from `firstRow` of the values of a stage to 0. Consumers that share them write the same.
void HopperEmitter::clearRows(Value firstRow, Value stage) {
  constexpr int64_t wordBytes = 4;
  int64_t words = layout.rowBytes / wordBytes;
  Value base = b.offset(at(layout.values), b.mul(stage, layout.getStageBytes()));
  Value first = b.add(b.mul(firstRow, words), b.both(thread, kGroup - 1));
  scf::ForOp::create(builder, loc, first, b.integer(tileK * words), b.integer(kGroup), ValueRange(),
                     [&](OpBuilder &, Location, Value word, ValueRange) {
                       for (int64_t slab = 0; slab < layout.slabs; ++slab)
                         b.store(b.integer(0), b.offset(b.offset(base, b.mul(word, wordBytes)), slab * layout.keySlab));
                       scf::YieldOp::create(builder, loc);
                     });
  NVVM::FenceProxyOp::create(builder, loc, NVVM::ProxyKind::async_shared,
                             NVVM::SharedSpaceAttr::get(builder.getContext(), NVVM::SharedSpace::shared_cta));
  syncGroup();
}

SmallVector<Value> HopperEmitter::flatten(const Registers &registers) {
  SmallVector<Value> values = registers.accumulator;
  llvm::append_range(values, registers.state.rowMax);
  llvm::append_range(values, registers.state.rowSum);
  llvm::append_range(values, registers.weights);
  return values;
}

HopperEmitter::Registers HopperEmitter::unflatten(ValueRange values) {
  Registers registers;
  int64_t numbers = layout.columns / 2;
  registers.accumulator.append(values.begin(), values.begin() + numbers);
  registers.state = {{values[numbers], values[numbers + 1]}, {values[numbers + 2], values[numbers + 3]}};
  registers.weights.append(values.begin() + numbers + 4, values.end());
  return registers;
}

/// The products of this tile and of the last one's values are in flight together. The softmax of this tile runs while
/// the second one is; the wait for the next values, which has to be somewhere, keeps ptxas from moving its end before
/// the exponentials.
HopperEmitter::Registers HopperEmitter::consumeStep(Value rank, Value tileNumber, Registers registers) {
  Use use = getUse(b.add(tileNumber, rank)), last = getUse(b.sub(b.add(tileNumber, rank), 1));
  wait(barrier(HopperLayout::KeysFull, use.stage), use.parity);
  Value place = readPlace(use.stage);
  awaitTurn();
  fence();
  SmallVector<Value> scores = multiplyKeys(use.stage);
  commit();
  fence();
  multiplyValues(registers, last.stage);
  commit();
  passTurn();
  scores = await(1, scores);
  release(barrier(HopperLayout::KeysEmpty, use.stage), scores);
  mask(scores, place, rank);
  RowPair correction = fragment.softmax(scores, registers.state);
  awaitValues(place, use);
  registers.accumulator = await(0, registers.accumulator);
  release(barrier(HopperLayout::ValuesEmpty, last.stage), registers.accumulator);
  registers.weights = fragment.pack(scores, elementType);
  fragment.scaleRows(registers.accumulator, correction);
  return registers;
}

/// At least one tile.
HopperEmitter::Registers HopperEmitter::consumeTiles(Registers registers, Value count, Value tileNumber) {
  Use first = getUse(tileNumber);
  wait(barrier(HopperLayout::KeysFull, first.stage), first.parity);
  Value place = readPlace(first.stage);
  fence();
  SmallVector<Value> scores = multiplyKeys(first.stage);
  commit();
  scores = await(0, scores);
  release(barrier(HopperLayout::KeysEmpty, first.stage), scores);
  mask(scores, place, b.integer(0));
  RowPair correction = fragment.softmax(scores, registers.state);
  if (kernel.getResumes())
    fragment.scaleRows(registers.accumulator, correction);
  registers.weights = fragment.pack(scores, elementType);
  awaitValues(place, first);

  // The first consumer begins, and takes the turn that is left over at the end.
  if (groups > 1)
    forGroup(groups - 1, [&] { giveTurn(0); });
  auto loop = scf::ForOp::create(builder, loc, b.integer(1), count, b.integer(1), flatten(registers),
                                 [&](OpBuilder &, Location, Value rank, ValueRange carried) {
                                   Registers next = consumeStep(rank, tileNumber, unflatten(carried));
                                   scf::YieldOp::create(builder, loc, flatten(next));
                                 });
  // In the loop, every tile would pay for the question whether it is the last.
  releaseQueries();
  if (groups > 1)
    forGroup(0, [&] { syncTurn(0); });
  registers = unflatten(loop.getResults());
  Use last = getUse(b.sub(b.add(tileNumber, count), 1));
  fence();
  multiplyValues(registers, last.stage);
  commit();
  registers.accumulator = await(0, registers.accumulator);
  release(barrier(HopperLayout::ValuesEmpty, last.stage), registers.accumulator);
  return registers;
}

/// Writes a warpgroup's 64 rows to their place in shared memory.
void HopperEmitter::stageOutput(ArrayRef<Value> words) {
  Value base = b.add(b.mul(group, kGroupRows * layout.rowBytes), b.mul(groupRow, layout.rowBytes));
  base = b.offset(b.offset(at(layout.output), base), b.mul(b.both(lane, 3), 4));
  for (auto [index, word] : llvm::enumerate(words)) {
    int64_t column = getFragmentColumn(2 * index), chunk = column % layout.slabColumns / 8;
    // Rows are 8 apart, so that both have the swizzle of the lane's first: chunk ^ row % 8 where a row has 8 chunks,
    // and chunk ^ row / 2 % 4 where it has 4.
    Value turn = layout.rowBytes == 128 ? b.both(groupRow, 7) : b.both(b.shiftRight(groupRow, 1), 3);
    Value place = b.mul(b.exclusive(turn, chunk), 16);
    b.store(word, b.offset(b.offset(base, place), column / layout.slabColumns * layout.querySlab +
                                                      getFragmentRow(2 * index) * 8 * layout.rowBytes));
  }
}

/// Of one thread: from shared memory to the array.
void HopperEmitter::storeStagedOutput() {
  Value firstRow = b.add(b.mul(queryTile, tileQ), b.mul(group, kGroupRows));
  Value base = b.offset(at(layout.output), b.mul(group, kGroupRows * layout.rowBytes));
  for (int64_t slab = 0; slab < layout.slabs; ++slab) {
    Value source = b.offset(base, slab * layout.querySlab);
    Box box = getBox(OutputMap, output, slab * layout.slabColumns, firstRow, item.head);
    NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp::create(builder, loc, box.map, source, box.coordinates, Value(),
                                                       NVVM::TMAStoreMode::TILE, Value());
  }
  NVVM::CpAsyncBulkCommitGroupOp::create(builder, loc);
}

/// Of the thread that stores: until its stores have read shared memory.
void HopperEmitter::awaitStore() {
  NVVM::CpAsyncBulkWaitGroupOp::create(builder, loc, uint32_t(0), builder.getUnitAttr());
}

/// A warpgroup's 64 rows of the output's place are its own. They may be written once the last item's store has read
/// them, or, in the place of the queries, once all warps have waited for their products.
void HopperEmitter::storeResults(Registers registers) {
  auto [inverse, lse] = fragment.finish(registers.state);
  fragment.scaleRows(registers.accumulator, inverse);
  SmallVector<Value> words = fragment.pack(registers.accumulator, elementType);
  if (kernel.getSequences()) {
    storeRows(words, lse);
    return;
  }
  if (layout.hasOutputPlace)
    b.emitIf(isGroupLeader(), [&] { awaitStore(); });
  syncGroup();
  stageOutput(words);
  NVVM::FenceProxyOp::create(builder, loc, NVVM::ProxyKind::async_shared,
                             NVVM::SharedSpaceAttr::get(builder.getContext(), NVVM::SharedSpace::shared_cta));
  syncGroup();
  storeLogSumExp(lse, laneRow, lane);
  b.emitIf(isGroupLeader(), [&] {
    storeStagedOutput();
    if (layout.hasOutputPlace)
      return;
    awaitStore();
    arrive(barrier(HopperLayout::QueriesEmpty));
  });
}

/// A box would write behind the end of a sequence.
void HopperEmitter::storeRows(ArrayRef<Value> words, const RowPair &lse) {
  storeOutput(words, laneRow, lane);
  storeLogSumExp(lse, laneRow, lane);
  if (layout.hasOutputPlace)
    return;
  syncGroup();
  b.emitIf(isGroupLeader(), [&] { arrive(barrier(HopperLayout::QueriesEmpty)); });
}

Value HopperEmitter::consumeItem(Value count, Value itemParity, Value tileNumber) {
  groupRow = b.add(b.mul(b.both(warp, kWarpsInGroup - 1), 16), b.shiftRight(lane, 2));
  laneRow = b.add(b.add(b.mul(queryTile, tileQ), b.mul(group, kGroupRows)), groupRow);
  wait(barrier(HopperLayout::QueriesFull), itemParity);
  Registers start{SmallVector<Value>(layout.columns / 2), {}, {}};
  start.state = startSoftmax(fragment, start.accumulator, laneRow, lane);
  SmallVector<Value> empty = flatten(start);
  auto types = llvm::map_to_vector(empty, [](Value value) { return value.getType(); });
  auto branch = scf::IfOp::create(builder, loc, types, b.less(b.integer(0), count), /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    Registers registers = consumeTiles(start, count, tileNumber);
    registers.weights.clear();
    scf::YieldOp::create(builder, loc, flatten(registers));
    builder.setInsertionPointToStart(branch.elseBlock());
    releaseQueries();
    scf::YieldOp::create(builder, loc, empty);
  }
  storeResults(unflatten(branch.getResults()));
  return b.add(tileNumber, count);
}

void HopperEmitter::emitConsumer() {
  queryDescriptor = b.add(describe(0, kIgnored), b.toWide(b.mul(group, kGroupRows * layout.rowBytes >> 4)));
  keyDescriptor = describe(layout.keys, kIgnored);
  valueDescriptor = describe(layout.values, layout.keySlab);
  laneColumn = b.mul(b.both(lane, 3), 2);
  Type i32 = builder.getI32Type();
  scf::WhileOp::create(
      builder, loc, TypeRange{i32, i32, i32, i32}, ValueRange{b.integer(0), b.integer(0)},
      [&](OpBuilder &, Location, ValueRange state) {
        wait(barrier(HopperLayout::ItemFull), b.both(state[0], 1));
        Value number = b.load(at(layout.item), i32), count = b.load(at(layout.item + 4), i32);
        releaseDirectly(barrier(HopperLayout::ItemEmpty));
        Value exists = b.compare(arith::CmpIPredicate::sge, number, b.integer(0));
        scf::ConditionOp::create(builder, loc, exists, ValueRange{state[0], state[1], number, count});
      },
      [&](OpBuilder &, Location, ValueRange state) {
        emitScalars(splitItem(state[2]));
        Value tiles = consumeItem(state[3], b.both(state[0], 1), state[1]);
        scf::YieldOp::create(builder, loc, ValueRange{b.add(state[0], 1), tiles});
      });
  // Shared memory lasts as long as its block.
  if (layout.hasOutputPlace && !kernel.getSequences())
    b.emitIf(isGroupLeader(), [&] { awaitStore(); });
}
