//===- HopperProducer.cpp - The thread that loads tiles -------------------===//
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

/// A box a slab: its columns, all rows of the tile. Rows and columns past the end arrive as zeros.
void HopperEmitter::loadTile(Map map, Value array, int64_t slabBytes, Value target, Value row, Value head, Value full) {
  for (int64_t slab = 0; slab < layout.slabs; ++slab) {
    Box box = getBox(map, array, slab * layout.slabColumns, row, head);
    NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
        builder, loc, b.offset(target, slab * slabBytes), box.map, box.coordinates, full, ValueRange(), Value(),
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
  loadTile(KeyMap, keys, layout.keySlab, target, b.mul(tile, tileK), keyHead, full);
}

void HopperEmitter::produceValues(Value keyTile, Value number) {
  Use use = getUse(number);
  wait(barrier(HopperLayout::ValuesEmpty, use.stage), opposite(use.parity));
  Value full = barrier(HopperLayout::ValuesFull, use.stage);
  expect(full, layout.getStageBytes());
  Value target = b.offset(at(layout.values), b.mul(use.stage, layout.getStageBytes()));
  loadTile(ValueMap, values, layout.keySlab, target, b.mul(keyTile, tileK), keyHead, full);
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
void HopperEmitter::produceTiles(KeyTileCursor &cursor, Value count, Value itemParity, Value tileNumber) {
  KeyTileCursor::State first = cursor.emitFirst();
  b.emitIf(b.less(b.integer(0), count), [&] { produceKeys(cursor, first, tileNumber); });
  wait(barrier(HopperLayout::QueriesEmpty), opposite(itemParity));
  expect(barrier(HopperLayout::QueriesFull), layout.getQueryBytes());
  loadTile(QueryMap, queries, layout.querySlab, shared, b.mul(queryTile, tileQ), item.head,
           barrier(HopperLayout::QueriesFull));
  scf::ForOp::create(builder, loc, b.integer(0), count, b.integer(1), first,
                     [&](OpBuilder &, Location, Value rank, ValueRange carried) {
                       KeyTileCursor::State place(carried), next = cursor.emitNext(place);
                       Value number = b.add(tileNumber, rank);
                       b.emitIf(b.less(b.add(rank, 1), count), [&] { produceKeys(cursor, next, b.add(number, 1)); });
                       produceValues(cursor.getTile(place), number);
                       scf::YieldOp::create(builder, loc, next);
                     });
}

void HopperEmitter::emitProducer() {
  Value items = arguments->getItems();
  Type i32 = builder.getI32Type();
  SmallVector<Value> init{b.blockId(), b.integer(0), b.integer(0)};
  // Carries the position in the order, the number of the item among the block's, and that of its first key tile. The
  // last positions asked for may pass 2^31, so they are compared without sign.
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
