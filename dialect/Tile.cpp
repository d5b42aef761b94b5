//===- Tile.cpp - Constraints of the tile program -------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SparseAttn.h"

using namespace mlir;
using namespace mlir::sparse_attn;

LogicalResult KernelOp::verifyRegions() {
  Block &body = getBody().front();
  // kernel_c1
  if (!isa<ReturnOp>(body.getTerminator()))
    return emitOpError("expects to end in sparse_attn.return, but got '") << body.getTerminator()->getName() << "'";
  // kernel_c2
  unsigned arrays = getLse() ? 5 : 4;
  if (body.getNumArguments() < arrays + 3 ||
      !llvm::all_of(body.getArguments().take_back(3), [](Value v) { return v.getType().isIndex(); }))
    return emitOpError("expects ") << arrays << " arrays or more and an item of three index values, but got "
                                   << body.getArgumentTypes();
  return success();
}

LogicalResult ForEachKeyTileOp::verifyRegions() {
  Block &body = getBody().front();
  Builder builder(getContext());
  SmallVector<Type> expected{builder.getIndexType(), builder.getIndexType(), builder.getI1Type()};
  llvm::append_range(expected, getInit().getTypes());
  // for_each_key_tile_c1
  if (!llvm::equal(body.getArgumentTypes(), expected))
    return emitOpError("expects region arguments ") << expected << ", but got " << body.getArgumentTypes();
  // for_each_key_tile_c2
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || !llvm::equal(yield.getOperandTypes(), getInit().getTypes()) ||
      !llvm::equal(getResultTypes(), getInit().getTypes()))
    return emitOpError("expects to yield the types of the state ") << getInit().getTypes();
  return success();
}
