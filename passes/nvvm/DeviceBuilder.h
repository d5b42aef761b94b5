//===- DeviceBuilder.h - Scalar code of a GPU thread ------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A GPU thread computes with 32-bit integers: positions and offsets in shared
// memory fit them. Only addresses in global memory have 64 bits.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_NVVM_DEVICEBUILDER_H
#define SPARSE_ATTN_PASSES_NVVM_DEVICEBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace mlir::sparse_attn::nvvm {

/// Address spaces of NVPTX.
enum AddressSpace : unsigned { Generic = 0, Global = 1, Shared = 3 };

class DeviceBuilder {
public:
  DeviceBuilder(OpBuilder &builder, Location loc) : builder(builder), loc(loc) {}

  // i32
  Value integer(int64_t value) { return arith::ConstantIntOp::create(builder, loc, value, 32); }
  Value add(Value a, Value b) { return make<arith::AddIOp>(a, b); }
  Value add(Value a, int64_t b) { return b == 0 ? a : add(a, integer(b)); }
  Value sub(Value a, Value b) { return make<arith::SubIOp>(a, b); }
  Value sub(Value a, int64_t b) { return sub(a, integer(b)); }
  Value mul(Value a, Value b) { return make<arith::MulIOp>(a, b); }
  Value mul(Value a, int64_t b) { return mul(a, integer(b)); }
  Value div(Value a, Value b) { return make<arith::DivUIOp>(a, b); }
  Value div(Value a, int64_t b) { return div(a, integer(b)); }
  Value rem(Value a, Value b) { return make<arith::RemUIOp>(a, b); }
  Value rem(Value a, int64_t b) { return rem(a, integer(b)); }
  Value both(Value a, int64_t b) { return make<arith::AndIOp>(a, integer(b)); }
  Value both(Value a, Value b) { return make<arith::AndIOp>(a, b); }
  Value either(Value a, Value b) { return make<arith::OrIOp>(a, b); }
  Value exclusive(Value a, Value b) { return make<arith::XOrIOp>(a, b); }
  Value exclusive(Value a, int64_t b) { return exclusive(a, integer(b)); }
  Value shiftRight(Value a, int64_t b) { return make<arith::ShRUIOp>(a, integer(b)); }
  Value shiftLeft(Value a, Value b) { return make<arith::ShLIOp>(a, b); }
  Value shiftLeft(Value a, int64_t b) { return make<arith::ShLIOp>(a, integer(b)); }
  Value min(Value a, Value b) { return make<arith::MinSIOp>(a, b); }
  Value max(Value a, Value b) { return make<arith::MaxSIOp>(a, b); }

  // i1
  Value boolean(bool value) { return arith::ConstantIntOp::create(builder, loc, value, 1); }
  Value compare(arith::CmpIPredicate predicate, Value a, Value b) {
    return builder.createOrFold<arith::CmpIOp>(loc, predicate, a, b);
  }
  Value less(Value a, Value b) { return compare(arith::CmpIPredicate::slt, a, b); }
  Value equal(Value a, Value b) { return compare(arith::CmpIPredicate::eq, a, b); }
  Value equal(Value a, int64_t b) { return equal(a, integer(b)); }
  Value select(Value condition, Value a, Value b) {
    return builder.createOrFold<arith::SelectOp>(loc, condition, a, b);
  }

  // f32
  Value number(float value) {
    return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(value)).getResult();
  }
  Value addFloat(Value a, Value b) { return make<arith::AddFOp>(a, b); }
  Value mulFloat(Value a, Value b) { return make<arith::MulFOp>(a, b); }
  Value divFloat(Value a, Value b) { return make<arith::DivFOp>(a, b); }
  Value equalFloat(Value a, Value b) {
    return builder.createOrFold<arith::CmpFOp>(loc, arith::CmpFPredicate::OEQ, a, b);
  }
  /// The other number where one is not a number.
  Value maxFloat(Value a, Value b) { return make<arith::MaxNumFOp>(a, b); }
  /// a * b + c, rounded once.
  Value fma(Value a, Value b, Value c);
  Value exp2(Value a);
  Value log2(Value a);
  Value reciprocal(Value a);
  /// hi << 16 | lo, rounded to `elementType`.
  Value packHalves(Value hi, Value lo, Type elementType);

  /// The low and the high half of a word as numbers of `elementType`, in f32.
  std::pair<Value, Value> unpackHalves(Value word, Type elementType);

  // Types
  Value toIndex(Value integer);
  Value toInteger(Value index);
  Value extendUnsigned(Value integer);
  Value toWide(Value integer);

  // Memory. Offsets are i32 in shared memory and i64 elsewhere.
  Value offset(Value pointer, Value bytes) { return offset(pointer, bytes, builder.getI8Type()); }
  Value offset(Value pointer, Value elements, Type elementType);
  Value offset(Value pointer, int64_t bytes);
  Value load(Value pointer, Type type);
  void store(Value value, Value pointer);

  // Threads
  Value threadId();
  Value blockId();
  Value gridSize();
  void syncThreads();
  Value shuffleXor(Value number, int64_t mask);

  /// A conditional without results.
  void emitIf(Value condition, function_ref<void()> then);

  OpBuilder &builder;
  Location loc;

private:
  template <typename OpT> Value make(Value a, Value b) { return builder.createOrFold<OpT>(loc, a, b); }
};

} // namespace mlir::sparse_attn::nvvm

#endif // SPARSE_ATTN_PASSES_NVVM_DEVICEBUILDER_H
