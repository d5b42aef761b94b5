//===- HopperKernel.cpp - Kernels of sm_90a -------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/nvvm/HopperKernel.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/nvvm/HopperEmitter.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::nvvm;

/// Nanoseconds that a try_wait may sleep before it looks again.
static constexpr int64_t kWaitHint = 10'000'000;

/// One producer fills; every consumer warp empties. Only where the output takes the queries' place, a warpgroup's store
/// of it frees them.
void HopperEmitter::initBarriers() {
  auto init = [&](Value barrier, int64_t count) {
    NVVM::MBarrierInitOp::create(builder, loc, barrier, b.integer(count), Value());
  };
  b.emitIf(b.equal(thread, 0), [&] {
    int64_t warps = groups * kWarpsInGroup;
    init(barrier(HopperLayout::QueriesFull), 1);
    init(barrier(HopperLayout::QueriesEmpty), layout.hasOutputPlace ? warps : groups);
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

/// The rows of a sequence begin somewhere in the array. Arrays that rows of classes are taken from have two maps, one
/// behind the other: of long classes, and of short ones. Where short classes have no rows, there is no such map, and
/// they lie behind the end of the other.
HopperEmitter::Box HopperEmitter::getBox(Map which, Value array, int64_t column, Value row, Value head) {
  Value maps = function.getArgument(0);
  const ClassRows *rows = findClassRows(array);
  int64_t modulo = kernel.getModulo();
  if (modulo == 1) {
    Value position = rows ? b.add(rows->first, row) : row;
    return {b.offset(maps, which * kTensorMapBytes), {b.integer(column), position, head, arrayBatch}};
  }
  // The class of the array that a class of a sequence is part of.
  Value first = rows->first;
  if (kernel.getSequences()) {
    row = b.add(row, b.div(first, modulo));
    first = b.rem(first, modulo);
  }
  Value longClasses = b.rem(rows->length, modulo);
  Value isLong = b.either(b.less(first, longClasses), b.less(rows->length, b.integer(modulo)));
  Value map =
      b.select(isLong, b.offset(maps, 2 * which * kTensorMapBytes), b.offset(maps, (2 * which + 1) * kTensorMapBytes));
  Value number = b.select(isLong, first, b.sub(first, longClasses));
  return {map, {b.integer(column), number, row, head, arrayBatch}};
}

void HopperEmitter::wait(Value barrier, Value parity) {
  NVVM::MBarrierTryWaitParityOp::create(builder, loc, barrier, parity, b.integer(kWaitHint));
}

void HopperEmitter::emit() {
  TileSizes tiles{tileQ, tileK};
  int64_t threads = kGroup * (groups + 1), blocks = getBlocksPerMultiprocessor(target, headSize, tiles);
  SmallVector<MapRequest> maps;
  SmallVector<StringRef, 2> kinds;
  if (kernel.getModulo() > 1)
    kinds = {"long", "short"};
  else
    kinds = {""};
  for (auto [array, rows] : {std::pair("query", tileQ), {"key", tileK}, {"value", tileK}, {"output", kGroupRows}})
    for (StringRef classes : kinds)
      maps.push_back({array, rows, layout.slabColumns, classes});
  createFunction({threads, layout.bytes, blocks}, /*persistent=*/true, maps);
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
    if (groups * blocks > 1) // One consumer alone has all the registers a thread can have.
      NVVM::SetMaxRegisterOp::create(builder, loc, static_cast<uint32_t>(count), action);
  };
  RegisterShares registers = shareRegisters(tiles, blocks);
  auto branch = scf::IfOp::create(builder, loc, b.equal(role, 0), /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    setRegisters(registers.producer, NVVM::SetMaxRegisterAction::decrease);
    b.emitIf(b.equal(thread, 0), [&] { emitProducer(); });
    builder.setInsertionPointToStart(branch.elseBlock());
    setRegisters(registers.consumer, NVVM::SetMaxRegisterAction::increase);
    emitConsumer();
  }
  finishFunction();
}

void nvvm::emitHopperKernel(OpBuilder &builder, KernelParts parts, const Target &target) {
  HopperEmitter(builder, parts, target).emit();
}
