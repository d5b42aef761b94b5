//===- MemRefAccess.cpp - Predicates over memrefs -------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/host/MemRefAccess.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/host/ArgumentBlock.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::host;

Value MemRefAccess::getSize(Value array, int64_t dimension) {
  return toInteger(builder, loc, memref::DimOp::create(builder, loc, array, dimension), 32);
}

Value MemRefAccess::read(Value array, ArrayRef<Value> indices, int64_t lanes) {
  auto wide = [&](Value index) { return toIndex(builder, loc, index); };
  if (!llvm::any_of(indices, [](Value index) { return isa<VectorType>(index.getType()); }))
    return memref::LoadOp::create(builder, loc, array, llvm::map_to_vector(indices, wide));
  SmallVector<Value> base = llvm::map_to_vector(indices.drop_back(), wide);
  base.push_back(arith::ConstantIndexOp::create(builder, loc, 0));
  auto type = VectorType::get({lanes}, builder.getI32Type());
  auto maskType = VectorType::get({lanes}, builder.getI1Type());
  Value all = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(maskType, true));
  Value pass = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, int32_t(0)));
  Value position = indices.back();
  if (!isa<VectorType>(position.getType()))
    position = vector::BroadcastOp::create(builder, loc, type, position);
  return vector::GatherOp::create(builder, loc, type, array, base, position, all, pass, IntegerAttr());
}
