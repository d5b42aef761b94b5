//===- DeviceBuilder.cpp - Scalar code of a GPU thread --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/nvvm/DeviceBuilder.h"
#include "dialect/nvvm/Nvvm.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::sparse_attn::nvvm;

Value DeviceBuilder::fma(Value a, Value b, Value c) { return LLVM::FMAOp::create(builder, loc, a, b, c); }
Value DeviceBuilder::exp2(Value a) { return Exp2Op::create(builder, loc, a.getType(), a); }
Value DeviceBuilder::reciprocal(Value a) { return ReciprocalOp::create(builder, loc, a.getType(), a); }
Value DeviceBuilder::log2(Value a) { return Log2Op::create(builder, loc, a.getType(), a); }

std::pair<Value, Value> DeviceBuilder::unpackHalves(Value word, Type elementType) {
  auto unpack = [&](Value bits) -> Value {
    Value half = arith::TruncIOp::create(builder, loc, builder.getI16Type(), bits);
    Value number = arith::BitcastOp::create(builder, loc, elementType, half);
    return arith::ExtFOp::create(builder, loc, builder.getF32Type(), number);
  };
  return {unpack(word), unpack(shiftRight(word, 16))};
}

Value DeviceBuilder::packHalves(Value hi, Value lo, Type elementType) {
  return PackHalvesOp::create(builder, loc, builder.getI32Type(), hi, lo, TypeAttr::get(elementType));
}

Value DeviceBuilder::toIndex(Value integer) {
  return builder.createOrFold<arith::IndexCastOp>(loc, builder.getIndexType(), integer);
}

Value DeviceBuilder::toInteger(Value index) {
  return builder.createOrFold<arith::IndexCastOp>(loc, builder.getI32Type(), index);
}

Value DeviceBuilder::extendUnsigned(Value integer) {
  return builder.createOrFold<arith::ExtUIOp>(loc, builder.getI32Type(), integer);
}

Value DeviceBuilder::toWide(Value integer) {
  return builder.createOrFold<arith::ExtSIOp>(loc, builder.getI64Type(), integer);
}

Value DeviceBuilder::offset(Value pointer, Value elements, Type elementType) {
  return LLVM::GEPOp::create(builder, loc, pointer.getType(), elementType, pointer, ArrayRef<LLVM::GEPArg>{elements});
}

Value DeviceBuilder::offset(Value pointer, int64_t bytes) {
  if (bytes == 0)
    return pointer;
  return LLVM::GEPOp::create(builder, loc, pointer.getType(), builder.getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(bytes)});
}

Value DeviceBuilder::load(Value pointer, Type type) { return LLVM::LoadOp::create(builder, loc, type, pointer); }
void DeviceBuilder::store(Value value, Value pointer) { LLVM::StoreOp::create(builder, loc, value, pointer); }

Value DeviceBuilder::threadId() { return NVVM::ThreadIdXOp::create(builder, loc, builder.getI32Type()); }
Value DeviceBuilder::blockId() { return NVVM::BlockIdXOp::create(builder, loc, builder.getI32Type()); }
Value DeviceBuilder::gridSize() { return NVVM::GridDimXOp::create(builder, loc, builder.getI32Type()); }
void DeviceBuilder::syncThreads() { NVVM::BarrierOp::create(builder, loc); }

Value DeviceBuilder::shuffleXor(Value number, int64_t mask) {
  return NVVM::ShflOp::create(builder, loc, number.getType(), integer(-1), number, integer(mask), integer(31),
                              NVVM::ShflKind::bfly, UnitAttr());
}

void DeviceBuilder::emitIf(Value condition, function_ref<void()> then) {
  auto branch = scf::IfOp::create(builder, loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  then();
}
