//===- LaneMath.cpp - Arithmetic on vectors of query lanes ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/LaneMath.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::sparse_attn::cpu;

LaneMath::LaneMath(OpBuilder &builder, Location loc, int64_t lanes)
    : builder(builder), loc(loc), floats(VectorType::get({lanes}, builder.getF32Type())),
      integers(VectorType::get({lanes}, builder.getI32Type())) {}

Value LaneMath::splat(float value) {
  return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(floats, value));
}

Value LaneMath::splatInteger(int32_t value) {
  return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(integers, value));
}

Value LaneMath::broadcast(Value scalar) {
  auto type = VectorType::get(floats.getShape(), scalar.getType());
  return vector::BroadcastOp::create(builder, loc, type, scalar);
}

Value LaneMath::add(Value a, Value b) { return arith::AddFOp::create(builder, loc, a, b); }
Value LaneMath::sub(Value a, Value b) { return arith::SubFOp::create(builder, loc, a, b); }
Value LaneMath::mul(Value a, Value b) { return arith::MulFOp::create(builder, loc, a, b); }
Value LaneMath::div(Value a, Value b) { return arith::DivFOp::create(builder, loc, a, b); }
Value LaneMath::fma(Value a, Value b, Value c) { return vector::FMAOp::create(builder, loc, a, b, c); }

Value LaneMath::max(Value a, Value b) {
  Value greater = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT, a, b);
  return select(greater, a, b);
}

Value LaneMath::min(Value a, Value b) {
  Value less = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT, a, b);
  return select(less, a, b);
}

Value LaneMath::select(Value condition, Value a, Value b) {
  return arith::SelectOp::create(builder, loc, condition, a, b);
}

Value LaneMath::equals(Value a, Value b) {
  return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, a, b);
}

/// Minimax polynomial of 2^f on [-0.5, 0.5]; relative error 1.0e-7.
static constexpr float kExp2Coefficients[] = {1.0000000754548972f,   0.6931471880262287f,  0.24022107485308267f,
                                              0.05550357114219194f,  0.009676031918324871f, 0.0013390863364616103f};

/// Adding 1.5 * 2^23 + 127 rounds x to an integer i and leaves i + 127, the biased exponent of 2^i, in the low bits.
static constexpr float kRoundAndBias = 12582912.0f + 127.0f;

Value LaneMath::exp2(Value x) {
  // At -127 the biased exponent is 0, so the factor 2^i is exactly 0.
  x = max(splat(-127.0f), x);
  Value shifted = add(x, splat(kRoundAndBias));
  Value fraction = sub(x, sub(shifted, splat(kRoundAndBias)));
  Value polynomial = splat(kExp2Coefficients[5]);
  for (int degree = 4; degree >= 0; --degree)
    polynomial = fma(polynomial, fraction, splat(kExp2Coefficients[degree]));
  Value bits = vector::BitCastOp::create(builder, loc, integers, shifted);
  Value power = arith::ShLIOp::create(builder, loc, bits, splatInteger(23));
  // A product rather than an integer addition to the exponent: a NaN of any payload stays one.
  return mul(polynomial, vector::BitCastOp::create(builder, loc, floats, power));
}

Value LaneMath::narrow(Value x, Type elementType, bool native) {
  auto type = VectorType::get(floats.getShape(), elementType);
  if (!elementType.isBF16() || native)
    return arith::TruncFOp::create(builder, loc, type, x);
  // Without an instruction LLVM calls a function for every lane.
  Value bits = vector::BitCastOp::create(builder, loc, integers, x);
  Value odd = arith::AndIOp::create(
      builder, loc, arith::ShRUIOp::create(builder, loc, bits, splatInteger(16)), splatInteger(1));
  Value rounded = arith::AddIOp::create(builder, loc, arith::AddIOp::create(builder, loc, bits, splatInteger(0x7fff)), odd);
  Value isNaN = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNO, x, x);
  Value high = select(isNaN, splatInteger(0x7fc00000), rounded);
  Value word = arith::ShRUIOp::create(builder, loc, high, splatInteger(16));
  auto half = VectorType::get(floats.getShape(), builder.getI16Type());
  return vector::BitCastOp::create(builder, loc, type, arith::TruncIOp::create(builder, loc, half, word));
}

Value LaneMath::packPairs(Value x, Value y) {
  auto toInteger = [&](Value value) -> Value {
    Value bits = vector::BitCastOp::create(builder, loc, integers, value);
    return arith::AddIOp::create(builder, loc, bits, splatInteger(0x8000));
  };
  Value low = arith::ShRUIOp::create(builder, loc, toInteger(x), splatInteger(16));
  Value high = arith::AndIOp::create(builder, loc, toInteger(y), splatInteger(static_cast<int32_t>(0xffff0000)));
  Value pairs = arith::OrIOp::create(builder, loc, low, high);
  auto halves = VectorType::get({2 * floats.getDimSize(0)}, builder.getBF16Type());
  return vector::BitCastOp::create(builder, loc, halves, pairs);
}
