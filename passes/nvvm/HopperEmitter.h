//===- HopperEmitter.h - The roles of an sm_90a kernel ----------*- C++ -*-===//
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
// The next item's Q arrives during the last product and the store, where shared
// memory has room for O beside Q.
//
// Keys and values go through rings of stages; a full and an empty mbarrier a
// stage pass them back and forth. Consumers take turns with their products
// (named barriers), so that one computes its softmax while another multiplies.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_NVVM_HOPPEREMITTER_H
#define SPARSE_ATTN_PASSES_NVVM_HOPPEREMITTER_H

#include "dialect/nvvm/Nvvm.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "passes/nvvm/HopperLayout.h"
#include "passes/nvvm/KernelEmitter.h"
#include "passes/nvvm/TileSizes.h"

namespace mlir::sparse_attn::nvvm {

/// Threads and warps of a warpgroup.
inline constexpr int64_t kGroup = 128, kWarpsInGroup = 4;

class HopperEmitter final : public KernelEmitter {
public:
  HopperEmitter(OpBuilder &builder, KernelParts parts, const Target &target)
      : KernelEmitter(builder, parts, target),
        fragment(b, kernel.getScale().convertToDouble(), bool(kernel.getScoreAttr())), groups(tileQ / kGroupRows),
        layout(tileQ, tileK, headSize, getStages(target, headSize, {tileQ, tileK}),
               hasOutputPlace(target, headSize, {tileQ, tileK}), getTableBytes()) {}

  void emit();

private:
  /// Arrays that have tensor maps, in the order of the first parameter.
  enum Map { QueryMap, KeyMap, ValueMap, OutputMap };

  // Barriers
  Value at(int64_t offset) { return b.offset(shared, offset); }
  Value barrier(HopperLayout::Barrier which) { return at(layout.getBarrier(which)); }
  Value barrier(HopperLayout::RingBarrier which, Value stage) {
    return b.offset(at(layout.getRingBarrier(which)), b.mul(stage, 8));
  }
  void initBarriers();
  void wait(Value barrier, Value parity);
  void arrive(Value barrier) { NVVM::MBarrierArriveOp::create(builder, loc, Type(), barrier, Value()); }
  /// Every warp waits for itself, so every warp releases, after all of its lanes have read what goes with the stage.
  void release(Value barrier, ArrayRef<Value> products) {
    NVVM::SyncWarpOp::create(builder, loc, b.integer(-1));
    b.emitIf(b.equal(lane, 0), [&] { ReleaseOp::create(builder, loc, barrier, products.front()); });
  }
  /// The same where no product is named that has read what is released.
  void releaseDirectly(Value barrier) {
    NVVM::SyncWarpOp::create(builder, loc, b.integer(-1));
    b.emitIf(b.equal(lane, 0), [&] { arrive(barrier); });
  }
  /// Once all products of an item that read the queries were waited for. Where the output takes their place, its store
  /// releases it instead.
  void releaseQueries() {
    if (layout.hasOutputPlace)
      releaseDirectly(barrier(HopperLayout::QueriesEmpty));
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

  /// The map that a box of an array is copied by, and its coordinates.
  struct Box {
    Value map;
    SmallVector<Value> coordinates;
  };
  Box getBox(Map which, Value array, int64_t column, Value row, Value head);

  // Producer
  void emitProducer();
  void produceTiles(KeyTileCursor &cursor, Value count, Value itemParity, Value tileNumber);
  void loadTile(Map map, Value array, int64_t slabBytes, Value target, Value row, Value head, Value full);
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
  Registers consumeTiles(Registers registers, Value count, Value tileNumber);
  Registers consumeStep(Value rank, Value tileNumber, Registers registers);
  SmallVector<Value> multiplyKeys(Value stage);
  void multiplyValues(Registers &registers, Value stage);
  void fence() { NVVM::WgmmaFenceAlignedOp::create(builder, loc); }
  void commit() { NVVM::WgmmaGroupSyncAlignedOp::create(builder, loc); }
  SmallVector<Value> await(int64_t pending, ArrayRef<Value> values);
  void mask(SmallVector<Value> &scores, Value place, Value rank);
  void awaitValues(Value place, Use use);
  void clearRows(Value firstRow, Value stage);
  Value readPlace(Value stage);
  void syncThreads(int64_t barrier, int64_t threads);
  void syncTurn(int64_t which);
  void giveTurn(int64_t which);
  void syncGroup();
  void awaitTurn();
  void passTurn();
  void forGroup(int64_t which, function_ref<void()> then) { b.emitIf(b.equal(group, which), then); }
  Value isGroupLeader() { return b.equal(b.both(thread, kGroup - 1), 0); }
  void storeResults(Registers registers);
  void storeRows(ArrayRef<Value> words, const RowPair &lse);
  void stageOutput(ArrayRef<Value> words);
  void storeStagedOutput();
  void awaitStore();
  Value describe(int64_t offset, int64_t leading);

  RowFragment fragment;
  int64_t groups; // consumer warpgroups
  HopperLayout layout;
  Value shared, thread, lane, warp, group; // `group` counts consumers from 0
  Value groupRow, laneRow, laneColumn;     // row of the lane's first in its warpgroup's 64 and in the array; column
  Value queryDescriptor, keyDescriptor, valueDescriptor;
  Value keyHead;
};

} // namespace mlir::sparse_attn::nvvm

#endif // SPARSE_ATTN_PASSES_NVVM_HOPPEREMITTER_H
