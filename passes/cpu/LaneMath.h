//===- LaneMath.h - Arithmetic on vectors of query lanes --------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_CPU_LANEMATH_H
#define SPARSE_ATTN_PASSES_CPU_LANEMATH_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace mlir::sparse_attn::cpu {

/// Emits f32 arithmetic on vectors of `lanes` queries. No operation here carries a fast-math flag: NaN and infinity
/// behave as written.
class LaneMath {
public:
  LaneMath(OpBuilder &builder, Location loc, int64_t lanes);

  VectorType f32() const { return floats; }
  VectorType i32() const { return integers; }

  Value splat(float value);
  Value splatInteger(int32_t value);
  Value broadcast(Value scalar);

  Value add(Value a, Value b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value div(Value a, Value b);
  Value fma(Value a, Value b, Value c);
  /// `a > b ? a : b`: the second operand where one is NaN, which is what the instruction does.
  Value max(Value a, Value b);
  /// `a < b ? a : b`: likewise.
  Value min(Value a, Value b);
  Value select(Value condition, Value a, Value b);
  Value equals(Value a, Value b);
  Value greater(Value a, Value b);

  /// 2^x for x <= 0: exactly 1 at 0 and exactly 0 at -inf; NaN stays NaN. `coarse`: to 1e-4, for results that are
  /// rounded to bf16, else to 1e-7.
  Value exp2(Value x, bool coarse = false);

  /// Rounds to f16 or bf16, to nearest even; NaN stays NaN. `native`: the CPU converts to bf16 itself.
  Value narrow(Value x, Type elementType, bool native);

  /// Pairs of bf16, element by element (x in the low half), rounded half up. For x, y >= 0 or NaN.
  Value packPairs(Value x, Value y);

private:
  Value exp2Polynomial(Value fraction, bool coarse);
  Value exp2WithScale(Value x, bool coarse);

  OpBuilder &builder;
  Location loc;
  VectorType floats, integers;
};

} // namespace mlir::sparse_attn::cpu

#endif // SPARSE_ATTN_PASSES_CPU_LANEMATH_H
