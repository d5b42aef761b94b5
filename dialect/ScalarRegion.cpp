//===- ScalarRegion.cpp - What users write for one pair -------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/ScalarRegion.h"
#include "dialect/ScalarBuilder.h"
#include "dialect/SparseAttn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::sparse_attn;

/// Types that kernels compute with: positions, integers of up to 64 bits, f32.
static bool isScalarType(Type type) {
  return type.isIndex() || type.isF32() || (type.isSignlessInteger() && type.getIntOrFloatBitWidth() <= 64);
}

static bool isScalarOp(Operation &op) {
  if (isa<ReadOp, UpperBoundOp>(op))
    return true;
  Dialect *dialect = op.getDialect();
  return dialect && isa<arith::ArithDialect, math::MathDialect>(dialect) && isPure(&op) &&
         !isa<math::IPowIOp, math::FPowIOp, arith::IndexCastUIOp, arith::ShLIOp, arith::ShRSIOp, arith::ShRUIOp>(op) &&
         llvm::all_of(op.getOperandTypes(), isScalarType) && llvm::all_of(op.getResultTypes(), isScalarType);
}

LogicalResult mlir::sparse_attn::verifyScalarRegion(Region &region, StringRef what) {
  Block &body = region.front();
  for (Operation &op : body.without_terminator())
    if (!isScalarOp(op))
      return op.emitError("expects pure arith and math ops on index, integers of up to 64 bits and f32, "
                          "sparse_attn.read or sparse_attn.upper_bound in ")
             << what << ", but got '" << op.getName() << "'";
  for (auto constant : body.getOps<arith::ConstantIndexOp>())
    if (!llvm::isInt<32>(constant.value()))
      return constant.emitError("expects index constants of 32 bits in ") << what << ", but got " << constant.value();
  return success();
}

Value mlir::sparse_attn::clampCaptured(OpBuilder &builder, Location loc, Value captured) {
  if (!captured.getType().isIndex())
    return captured;
  ScalarBuilder s(builder, loc);
  return s.clamp(captured, s.constant(-kMaxPosition), s.constant(kMaxPosition));
}
