//===- HopperKernel.cpp - Kernels of sm_90a -------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The schedule of FlashAttention-3 (Shah et al., 2024), driven by a list of key
// tiles that nobody but one thread walks.
//
//   producer (one thread)            consumers (warpgroups of 64 query rows)
//   takes an item, posts it    ->    item
//   TMA: K[0], Q               ->    S = Q K[0]; softmax
//   for each key tile x:             for each key tile x = 1...:
//     TMA: K[x + 1], V[x]      ->      S' = Q K[x] and O += P V[x - 1], both in flight
//     place of x beside K[x]           mask S' where x is partial; softmax of S'
//                                    O += P V[last]; O / sum by TMA; log-sum-exp
//
// Keys and values go through rings of stages; a full and an empty mbarrier a
// stage pass them back and forth. Consumers take turns with their products
// (named barriers), so that one computes its softmax while another multiplies.
//
//===----------------------------------------------------------------------===//

#include "passes/nvvm/HopperKernel.h"
#include "dialect/nvvm/Nvvm.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/nvvm/HopperLayout.h"
#include "passes/nvvm/KernelEmitter.h"
#include "passes/nvvm/TileSizes.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::nvvm;

namespace {

/// Threads and warps of a warpgroup.
constexpr int64_t kGroup = 128, kWarpsInGroup = 4;
/// Keys of one step of the second product, and columns of one of the first.
constexpr int64_t kStep = 16;
/// Named barriers; 0 is that of all threads. First the consumers' turns, of which there are at most 3, then one a
/// consumer.
constexpr int64_t kTurns = 1, kGroupBarriers = 4;
/// The leading offset of a matrix that has none: K-major with a swizzle.
constexpr int64_t kIgnored = 16;
/// Nanoseconds that a try_wait may sleep before it looks again.
constexpr int64_t kWaitHint = 10'000'000;

/// Tensor maps, in the order of the first parameter.
enum Map { QueryMap, KeyMap, ValueMap, OutputMap };

class HopperEmitter final : public KernelEmitter {
public:
  HopperEmitter(OpBuilder &builder, KernelParts parts, const Target &target)
      : KernelEmitter(builder, parts, target), fragment(b, kernel.getScale().convertToDouble()),
        groups(tileQ / kGroupRows),
        layout(tileQ, tileK, headSize, getStages(target, headSize, {tileQ, tileK}), getTableBytes()) {}

  void emit();

private:
  // Barriers
  Value at(int64_t offset) { return b.offset(shared, offset); }
  Value barrier(HopperLayout::Barrier which) { return at(layout.getBarrier(which)); }
  Value barrier(HopperLayout::RingBarrier which, Value stage) {
    return b.offset(at(layout.getRingBarrier(which)), b.mul(stage, 8));
  }
  void initBarriers();
  void wait(Value barrier, Value parity);
  void arrive(Value barrier) { NVVM::MBarrierArriveOp::create(builder, loc, Type(), barrier, Value()); }
  void arriveWarp(Value barrier) {
    b.emitIf(b.equal(lane, 0), [&] { arrive(barrier); });
  }
  /// Every warp waits for itself, so every warp releases, after all of its lanes have read what goes with the stage.
  void release(Value barrier, ArrayRef<Value> products) {
    NVVM::SyncWarpOp::create(builder, loc, b.integer(-1));
    b.emitIf(b.equal(lane, 0), [&] { ReleaseOp::create(builder, loc, barrier, products.front()); });
  }
  void expect(Value barrier, int64_t bytes) {
    NVVM::MBarrierArriveExpectTxOp::create(builder, loc, Type(), barrier, b.integer(bytes), NVVM::MemScopeKind::CTA,
                                           /*relaxed=*/false, Value());
  }

  /// The stage and the parity of its use, for the number of a tile among all that the block has seen.
  struct Use {
    Value stage, parity;
  };
  Use getUse(Value number) {
    Value stage = b.rem(number, layout.stages);
    return {stage, b.both(b.div(number, layout.stages), 1)};
  }
  Value opposite(Value parity) { return b.exclusive(parity, 1); }

  // Producer
  void emitProducer();
  void produceItem(Value position, Value items, Value itemNumber, Value tileNumber);
  SmallVector<Value> produceTiles(KeyTileCursor &cursor, Value count, Value itemParity, Value tileNumber);
  void loadBox(Map map, int64_t slabs, int64_t slabBytes, Value target, Value row, Value head, Value full);
  void produceKeys(KeyTileCursor &cursor, const KeyTileCursor::State &place, Value number);
  void produceValues(Value keyTile, Value number);
  void postItem(Value item, Value count, Value itemParity);
  Value takePosition(Value items);

  // Consumers
  void emitConsumer();
  Value consumeItem(Value count, Value itemParity, Value tileNumber);
  struct Registers {
    SmallVector<Value> accumulator, weights; // weights: words of operand A
    SoftmaxState state;
  };
  SmallVector<Value> flatten(const Registers &registers);
  Registers unflatten(ValueRange values);
  Registers consumeTiles(Value count, Value tileNumber);
  Registers consumeStep(Value rank, Value tileNumber, Registers registers);
  SmallVector<Value> multiplyKeys(Value stage);
  void multiplyValues(Registers &registers, Value stage);
  void fence() { NVVM::WgmmaFenceAlignedOp::create(builder, loc); }
  void commit() { NVVM::WgmmaGroupSyncAlignedOp::create(builder, loc); }
  SmallVector<Value> await(int64_t pending, ArrayRef<Value> values);
  void mask(SmallVector<Value> &scores, Value place, Value rank);
  void syncTurn(int64_t which);
  void giveTurn(int64_t which);
  void syncGroup();
  void awaitTurn();
  void passTurn();
  void forGroup(int64_t which, function_ref<void()> then) { b.emitIf(b.equal(group, which), then); }
  void storeResults(Registers registers);
  Value describe(int64_t offset, int64_t leading);

  RowFragment fragment;
  int64_t groups; // consumer warpgroups
  HopperLayout layout;
  Value shared, thread, lane, warp, group; // `group` counts consumers from 0
  Value laneRow, laneColumn;               // row of the item's first, and column
  Value queryDescriptor, keyDescriptor, valueDescriptor;
  Value keyHead;
};

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

/// One producer fills; every consumer warp empties, but a warpgroup's store of the output frees the queries.
void HopperEmitter::initBarriers() {
  auto init = [&](Value barrier, int64_t count) {
    NVVM::MBarrierInitOp::create(builder, loc, barrier, b.integer(count), Value());
  };
  b.emitIf(b.equal(thread, 0), [&] {
    int64_t warps = groups * kWarpsInGroup;
    init(barrier(HopperLayout::QueriesFull), 1);
    init(barrier(HopperLayout::QueriesEmpty), groups);
    init(barrier(HopperLayout::ItemFull), 1);
    init(barrier(HopperLayout::ItemEmpty), warps);
    for (int64_t stage = 0; stage < layout.stages; ++stage) {
      init(barrier(HopperLayout::KeysFull, b.integer(stage)), 1);
      init(barrier(HopperLayout::KeysEmpty, b.integer(stage)), warps);
      init(barrier(HopperLayout::ValuesFull, b.integer(stage)), 1);
      init(barrier(HopperLayout::ValuesEmpty, b.integer(stage)), warps);
    }
    NVVM::FenceMbarrierInitOp::create(builder, loc);
  });
  b.syncThreads();
}

void HopperEmitter::wait(Value barrier, Value parity) {
  NVVM::MBarrierTryWaitParityOp::create(builder, loc, barrier, parity, b.integer(kWaitHint));
}

//===----------------------------------------------------------------------===//
// Producer
//===----------------------------------------------------------------------===//

/// A box a slab: its columns, all rows of the tile. Rows and columns past the end arrive as zeros.
void HopperEmitter::loadBox(Map map, int64_t slabs, int64_t slabBytes, Value target, Value row, Value head,
                            Value full) {
  Value maps = b.offset(function.getArgument(0), map * int64_t(sizeof(uint64_t)) * 16);
  for (int64_t slab = 0; slab < slabs; ++slab) {
    Value coordinates[] = {b.integer(slab * layout.slabColumns), row, head, item.batch};
    NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
        builder, loc, b.offset(target, slab * slabBytes), maps, ValueRange(coordinates), full, ValueRange(), Value(),
        Value(), NVVM::TMALoadMode::TILE, /*isCTAOnly=*/true, NVVM::CTAGroupKindAttr(), Value());
  }
}

/// The consumers learn with the keys which tile they are of.
void HopperEmitter::produceKeys(KeyTileCursor &cursor, const KeyTileCursor::State &place, Value number) {
  Use use = getUse(number);
  wait(barrier(HopperLayout::KeysEmpty, use.stage), opposite(use.parity));
  Value tile = cursor.getTile(place);
  Value word = b.either(b.shiftLeft(tile, 1), b.extendUnsigned(cursor.isPartial(place)));
  b.store(word, b.offset(at(layout.places), b.mul(use.stage, 4)));
  Value full = barrier(HopperLayout::KeysFull, use.stage);
  expect(full, layout.getStageBytes());
  Value target = b.offset(at(layout.keys), b.mul(use.stage, layout.getStageBytes()));
  loadBox(KeyMap, layout.slabs, layout.keySlab, target, b.mul(tile, tileK), keyHead, full);
}

void HopperEmitter::produceValues(Value keyTile, Value number) {
  Use use = getUse(number);
  wait(barrier(HopperLayout::ValuesEmpty, use.stage), opposite(use.parity));
  Value full = barrier(HopperLayout::ValuesFull, use.stage);
  expect(full, layout.getStageBytes());
  Value target = b.offset(at(layout.values), b.mul(use.stage, layout.getStageBytes()));
  loadBox(ValueMap, layout.slabs, layout.keySlab, target, b.mul(keyTile, tileK), keyHead, full);
}

void HopperEmitter::postItem(Value number, Value count, Value itemParity) {
  wait(barrier(HopperLayout::ItemEmpty), opposite(itemParity));
  b.store(number, at(layout.item));
  b.store(count, at(layout.item + 4));
  arrive(barrier(HopperLayout::ItemFull));
}

/// The first items go to the blocks by their numbers, the others to whoever asks first. Every block asks once in vain,
/// so that the counter is asked as often as there are items, and who comes last sets it back to 0 for the next launch.
Value HopperEmitter::takePosition(Value items) {
  Value asked = LLVM::AtomicRMWOp::create(builder, loc, LLVM::AtomicBinOp::add, arguments->getCounter(), b.integer(1),
                                          LLVM::AtomicOrdering::monotonic);
  b.emitIf(b.equal(asked, b.sub(items, 1)), [&] { b.store(b.integer(0), arguments->getCounter()); });
  return b.add(asked, b.gridSize());
}

/// K[0] and Q come first, as the consumers want them first; then K[x + 1] before V[x].
SmallVector<Value> HopperEmitter::produceTiles(KeyTileCursor &cursor, Value count, Value itemParity, Value tileNumber) {
  KeyTileCursor::State first = cursor.emitFirst();
  b.emitIf(b.less(b.integer(0), count), [&] { produceKeys(cursor, first, tileNumber); });
  wait(barrier(HopperLayout::QueriesEmpty), opposite(itemParity));
  expect(barrier(HopperLayout::QueriesFull), layout.getQueryBytes());
  loadBox(QueryMap, layout.slabs, layout.querySlab, shared, b.mul(item.tile, tileQ), item.head,
          barrier(HopperLayout::QueriesFull));
  auto loop = scf::ForOp::create(builder, loc, b.integer(0), count, b.integer(1), first,
                                 [&](OpBuilder &, Location, Value rank, ValueRange carried) {
                                   KeyTileCursor::State place(carried), next = cursor.emitNext(place);
                                   Value number = b.add(tileNumber, rank);
                                   b.emitIf(b.less(b.add(rank, 1), count),
                                            [&] { produceKeys(cursor, next, b.add(number, 1)); });
                                   produceValues(cursor.getTile(place), number);
                                   scf::YieldOp::create(builder, loc, next);
                                 });
  return loop.getResults();
}

void HopperEmitter::emitProducer() {
  Value items = arguments->getItems();
  Type i32 = builder.getI32Type();
  SmallVector<Value> init{b.blockId(), b.integer(0), b.integer(0)};
  // Compared without sign, as positions may go beyond 2^31 at the end. Carries the position in the order, the number of
  // the item among the block's, and that of its first key tile.
  auto loop = scf::WhileOp::create(
      builder, loc, TypeRange{i32, i32, i32}, init,
      [&](OpBuilder &, Location, ValueRange state) {
        scf::ConditionOp::create(builder, loc, b.compare(arith::CmpIPredicate::ult, state[0], items), state);
      },
      [&](OpBuilder &, Location, ValueRange state) {
        Value number = getItemNumber(state[0]), itemParity = b.both(state[1], 1);
        emitScalars(splitItem(number));
        keyHead = getKeyHead();
        std::unique_ptr<KeyTileCursor> cursor = createCursor(at(layout.table));
        cursor->emitSetup(b.boolean(true));
        Value count = cursor->getCount();
        postItem(number, count, itemParity);
        produceTiles(*cursor, count, itemParity, state[2]);
        Value next = takePosition(items);
        scf::YieldOp::create(builder, loc, ValueRange{next, b.add(state[1], 1), b.add(state[2], count)});
      });
  postItem(b.integer(-1), b.integer(0), b.both(loop.getResult(1), 1));
}

//===----------------------------------------------------------------------===//
// Consumers
//===----------------------------------------------------------------------===//

/// A matrix descriptor (PTX ISA, "Matrix descriptor"): address, leading and stride offsets in units of 16 bytes,
/// swizzle over 128 bytes. The stride offset is that of 8 rows.
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

/// Consumers multiply one after the other. Each waits at a barrier of its own, at which the one before it arrives.
void HopperEmitter::syncTurn(int64_t which) {
  NVVM::BarrierOp::create(builder, loc, Type(), b.integer(kTurns + which), b.integer(2 * kGroup),
                          NVVM::BarrierReductionAttr(), Value());
}

void HopperEmitter::giveTurn(int64_t which) {
  NVVM::BarrierArriveOp::create(builder, loc, b.integer(kTurns + which), b.integer(2 * kGroup));
}

/// The number of a barrier in a register would make ptxas reserve all of them; hence a branch for each consumer.
void HopperEmitter::syncGroup() {
  for (int64_t which = 0; which < groups; ++which)
    forGroup(which, [&] {
      NVVM::BarrierOp::create(builder, loc, Type(), b.integer(kGroupBarriers + which), b.integer(kGroup),
                              NVVM::BarrierReductionAttr(), Value());
    });
}

void HopperEmitter::awaitTurn() {
  for (int64_t which = 0; which < groups && groups > 1; ++which)
    forGroup(which, [&] { syncTurn(which); });
}

void HopperEmitter::passTurn() {
  for (int64_t which = 0; which < groups && groups > 1; ++which)
    forGroup(which, [&] { giveTurn((which + 1) % groups); });
}

void HopperEmitter::mask(SmallVector<Value> &scores, Value place, Value rank) {
  fragment.scaleProducts(scores);
  Value isPartial = b.equal(b.both(place, 1), 1);
  maskIfPartial(fragment, scores, isPartial, laneRow, b.shiftRight(place, 1), laneColumn, rank);
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
  Value place = b.load(b.offset(at(layout.places), b.mul(use.stage, 4)), builder.getI32Type());
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
  wait(barrier(HopperLayout::ValuesFull, use.stage), use.parity);
  registers.accumulator = await(0, registers.accumulator);
  release(barrier(HopperLayout::ValuesEmpty, last.stage), registers.accumulator);
  registers.weights = fragment.pack(scores, elementType);
  fragment.scaleRows(registers.accumulator, correction);
  return registers;
}

/// At least one tile.
HopperEmitter::Registers HopperEmitter::consumeTiles(Value count, Value tileNumber) {
  Registers registers{SmallVector<Value>(layout.columns / 2, b.number(0)), {}, fragment.initState()};
  Use first = getUse(tileNumber);
  wait(barrier(HopperLayout::KeysFull, first.stage), first.parity);
  Value place = b.load(b.offset(at(layout.places), b.mul(first.stage, 4)), builder.getI32Type());
  fence();
  SmallVector<Value> scores = multiplyKeys(first.stage);
  commit();
  scores = await(0, scores);
  release(barrier(HopperLayout::KeysEmpty, first.stage), scores);
  mask(scores, place, b.integer(0));
  fragment.softmax(scores, registers.state);
  registers.weights = fragment.pack(scores, elementType);
  wait(barrier(HopperLayout::ValuesFull, first.stage), first.parity);

  // The first consumer begins, and takes the turn that is left over at the end.
  if (groups > 1)
    forGroup(groups - 1, [&] { giveTurn(0); });
  auto loop = scf::ForOp::create(builder, loc, b.integer(1), count, b.integer(1), flatten(registers),
                                 [&](OpBuilder &, Location, Value rank, ValueRange carried) {
                                   Registers next = consumeStep(rank, tileNumber, unflatten(carried));
                                   scf::YieldOp::create(builder, loc, flatten(next));
                                 });
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

/// The output takes the place of the queries: a warpgroup's 64 rows are read by nobody else, and no more by itself once
/// all of its warps have waited for their products.
void HopperEmitter::storeResults(Registers registers) {
  auto [inverse, lse] = fragment.finish(registers.state);
  fragment.scaleRows(registers.accumulator, inverse);
  SmallVector<Value> words = fragment.pack(registers.accumulator, elementType);
  syncGroup();
  Value row = b.add(b.mul(b.both(warp, kWarpsInGroup - 1), 16), b.shiftRight(lane, 2));
  Value base = b.offset(shared, b.add(b.mul(group, kGroupRows * layout.rowBytes), b.mul(row, layout.rowBytes)));
  base = b.offset(base, b.mul(b.both(lane, 3), 4));
  for (auto [index, word] : llvm::enumerate(words)) {
    int64_t column = getFragmentColumn(2 * index), chunk = column % layout.slabColumns / 8;
    // Rows are 8 apart, so that both have the swizzle of the lane's first: chunk ^ row % 8 where a row has 8 chunks,
    // and chunk ^ row / 2 % 4 where it has 4.
    Value turn = layout.rowBytes == 128 ? b.both(row, 7) : b.both(b.shiftRight(row, 1), 3);
    Value place = b.mul(b.exclusive(turn, chunk), 16);
    b.store(word, b.offset(b.offset(base, place), column / layout.slabColumns * layout.querySlab +
                                                      getFragmentRow(2 * index) * 8 * layout.rowBytes));
  }
  NVVM::FenceProxyOp::create(builder, loc, NVVM::ProxyKind::async_shared,
                             NVVM::SharedSpaceAttr::get(builder.getContext(), NVVM::SharedSpace::shared_cta));
  syncGroup();
  storeLogSumExp(lse, laneRow, lane);
  b.emitIf(b.equal(b.both(thread, kGroup - 1), 0), [&] {
    Value map = b.offset(function.getArgument(0), OutputMap * 128);
    Value firstRow = b.add(b.mul(item.tile, tileQ), b.mul(group, kGroupRows));
    for (int64_t slab = 0; slab < layout.slabs; ++slab) {
      Value source = b.offset(b.offset(shared, b.mul(group, kGroupRows * layout.rowBytes)), slab * layout.querySlab);
      Value coordinates[] = {b.integer(slab * layout.slabColumns), firstRow, item.head, item.batch};
      NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp::create(builder, loc, map, source, ValueRange(coordinates), Value(),
                                                         NVVM::TMAStoreMode::TILE, Value());
    }
    NVVM::CpAsyncBulkCommitGroupOp::create(builder, loc);
    NVVM::CpAsyncBulkWaitGroupOp::create(builder, loc, uint32_t(0), builder.getUnitAttr());
    arrive(barrier(HopperLayout::QueriesEmpty));
  });
}

Value HopperEmitter::consumeItem(Value count, Value itemParity, Value tileNumber) {
  Value rowOfGroup = b.add(b.mul(b.both(warp, kWarpsInGroup - 1), 16), b.shiftRight(lane, 2));
  laneRow = b.add(b.add(b.mul(item.tile, tileQ), b.mul(group, kGroupRows)), rowOfGroup);
  wait(barrier(HopperLayout::QueriesFull), itemParity);
  Registers none{SmallVector<Value>(layout.columns / 2, b.number(0)), {}, fragment.initState()};
  SmallVector<Value> empty = flatten(none);
  auto types = llvm::map_to_vector(empty, [](Value value) { return value.getType(); });
  auto branch = scf::IfOp::create(builder, loc, types, b.less(b.integer(0), count), /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    Registers registers = consumeTiles(count, tileNumber);
    registers.weights.clear();
    scf::YieldOp::create(builder, loc, flatten(registers));
    builder.setInsertionPointToStart(branch.elseBlock());
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
  auto loop = scf::WhileOp::create(
      builder, loc, TypeRange{i32, i32, i32, i32}, ValueRange{b.integer(0), b.integer(0)},
      [&](OpBuilder &, Location, ValueRange state) {
        wait(barrier(HopperLayout::ItemFull), b.both(state[0], 1));
        Value number = b.load(at(layout.item), i32), count = b.load(at(layout.item + 4), i32);
        NVVM::SyncWarpOp::create(builder, loc, b.integer(-1));
        arriveWarp(barrier(HopperLayout::ItemEmpty));
        Value exists = b.compare(arith::CmpIPredicate::sge, number, b.integer(0));
        scf::ConditionOp::create(builder, loc, exists, ValueRange{state[0], state[1], number, count});
      },
      [&](OpBuilder &, Location, ValueRange state) {
        emitScalars(splitItem(state[2]));
        Value tiles = consumeItem(state[3], b.both(state[0], 1), state[1]);
        scf::YieldOp::create(builder, loc, ValueRange{b.add(state[0], 1), tiles});
      });
  (void)loop;
}

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

void HopperEmitter::emit() {
  int64_t threads = kGroup * (groups + 1);
  createFunction(threads, layout.bytes, /*persistent=*/true,
                 {{"query", tileQ, layout.slabColumns},
                  {"key", tileK, layout.slabColumns},
                  {"value", tileK, layout.slabColumns},
                  {"output", kGroupRows, layout.slabColumns}});
  shared = SharedMemoryOp::create(builder, loc, LLVM::LLVMPointerType::get(builder.getContext(), Shared));
  thread = b.threadId();
  lane = b.both(thread, kWarp - 1);
  // Equal in all lanes, which only a shuffle tells the compiler.
  warp = NVVM::ShflOp::create(builder, loc, builder.getI32Type(), b.integer(-1), b.div(thread, kWarp), b.integer(0),
                              b.integer(31), NVVM::ShflKind::idx, UnitAttr());
  initBarriers();
  Value role = b.div(warp, kWarpsInGroup);
  group = b.sub(role, 1);
  auto setRegisters = [&](int64_t count, NVVM::SetMaxRegisterAction action) {
    if (groups > 1) // One consumer has all the registers a thread can have.
      NVVM::SetMaxRegisterOp::create(builder, loc, static_cast<uint32_t>(count), action);
  };
  // What the consumers leave of 512 registers for one thread of each warpgroup, or as much as a schedule needs.
  int64_t consumerRegisters = getRegisters({tileQ, tileK}), producerRegisters = groups == 2 ? 40 : 32;
  auto branch = scf::IfOp::create(builder, loc, b.equal(role, 0), /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    setRegisters(producerRegisters, NVVM::SetMaxRegisterAction::decrease);
    b.emitIf(b.equal(thread, 0), [&] { emitProducer(); });
    builder.setInsertionPointToStart(branch.elseBlock());
    setRegisters(consumerRegisters, NVVM::SetMaxRegisterAction::increase);
    emitConsumer();
  }
  finishFunction();
}

} // namespace

void nvvm::emitHopperKernel(OpBuilder &builder, KernelParts parts, const Target &target) {
  HopperEmitter(builder, parts, target).emit();
}
