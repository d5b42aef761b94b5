//===- LaneMath.cpp - Arithmetic on vectors of query lanes ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/LaneMath.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
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

Value LaneMath::max(Value a, Value b) { return select(greater(a, b), a, b); }

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

Value LaneMath::greater(Value a, Value b) {
  return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT, a, b);
}

/// Minimax polynomials of 2^f on [-0.5, 0.5] among those that are 1 at 0: rescaling by 2^0 must change nothing, or row
/// sum and accumulator drift apart with the number of tiles. Relative error 9.1e-8, and 1.1e-4 where weights round to
/// bf16.
static constexpr float kExp2Coefficients[] = {1.0f,
                                              0.6931469775991635f,
                                              0.2402224208537506f,
                                              0.05550733743251826f,
                                              0.009671512639648088f,
                                              0.0013264727197245495f};

static constexpr float kCoarseExp2Coefficients[] = {1.0f, 0.6932829270984532f, 0.2422109592762323f,
                                                    0.05500893111899266f};

Value LaneMath::exp2Polynomial(Value fraction, bool coarse) {
  ArrayRef<float> coefficients = coarse ? ArrayRef<float>(kCoarseExp2Coefficients) : kExp2Coefficients;
  Value polynomial = splat(coefficients.back());
  for (float coefficient : llvm::reverse(coefficients.drop_back()))
    polynomial = fma(polynomial, fraction, splat(coefficient));
  return polynomial;
}

/// AVX-512 has both halves of the job as instructions: x - round(x), which is 0 for -inf, and y * 2^n, which is 0 for
/// n = -inf.
Value LaneMath::exp2WithScale(Value x, bool coarse) {
  auto integer = [&](int64_t value, unsigned bits) -> Value {
    return arith::ConstantIntOp::create(builder, loc, value, bits);
  };
  constexpr int64_t roundToNearest = 8, currentDirection = 4;
  Value all = integer(-1, 16), current = integer(currentDirection, 32);
  auto call = [&](StringRef name, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(builder, loc, floats, builder.getStringAttr(name), operands).getResult(0);
  };
  Value fraction =
      call("llvm.x86.avx512.mask.reduce.ps.512", {x, integer(roundToNearest, 32), splat(0.0f), all, current});
  Value whole = sub(x, fraction);
  return call("llvm.x86.avx512.mask.scalef.ps.512",
              {exp2Polynomial(fraction, coarse), whole, splat(0.0f), all, current});
}

/// Adding 1.5 * 2^23 + 127 rounds x to an integer i and leaves i + 127, the biased exponent of 2^i, in the low bits.
static constexpr float kRoundAndBias = 12582912.0f + 127.0f;

Value LaneMath::exp2(Value x, bool coarse) {
  if (floats.getDimSize(0) == 16)
    return exp2WithScale(x, coarse);
  // At -127 the biased exponent is 0, so the factor 2^i is exactly 0.
  x = max(splat(-127.0f), x);
  Value shifted = add(x, splat(kRoundAndBias));
  Value fraction = sub(x, sub(shifted, splat(kRoundAndBias)));
  Value bits = vector::BitCastOp::create(builder, loc, integers, shifted);
  Value power = arith::ShLIOp::create(builder, loc, bits, splatInteger(23));
  // A product rather than an integer addition to the exponent: a NaN of any payload stays one.
  return mul(exp2Polynomial(fraction, coarse), vector::BitCastOp::create(builder, loc, floats, power));
}

Value LaneMath::narrow(Value x, Type elementType, bool native) {
  auto type = VectorType::get(floats.getShape(), elementType);
  if (!elementType.isBF16() || native)
    return arith::TruncFOp::create(builder, loc, type, x);
  // Without an instruction LLVM calls a function for every lane.
  Value bits = vector::BitCastOp::create(builder, loc, integers, x);
  Value odd = arith::AndIOp::create(builder, loc, arith::ShRUIOp::create(builder, loc, bits, splatInteger(16)),
                                    splatInteger(1));
  Value rounded =
      arith::AddIOp::create(builder, loc, arith::AddIOp::create(builder, loc, bits, splatInteger(0x7fff)), odd);
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
