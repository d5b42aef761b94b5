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

/// Lanes differ in the last index only, or else in a number that may be as large as the array.
Value MemRefAccess::gather(Value array, ArrayRef<Value> indices, int64_t lanes) {
  auto isVector = [](Value index) { return isa<VectorType>(index.getType()); };
  auto type = cast<MemRefType>(array.getType());
  auto elements = VectorType::get({lanes}, type.getElementType());
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  SmallVector<Value> base(indices.size(), zero);
  Value position;
  if (!llvm::any_of(indices.drop_back(), isVector)) {
    for (auto [scalar, index] : llvm::zip(base, indices.drop_back()))
      scalar = toIndex(builder, loc, index);
    position = indices.back();
  } else {
    auto offsets = VectorType::get({lanes}, builder.getI64Type());
    auto wide = [&](Value value) -> Value {
      if (isVector(value))
        return arith::ExtSIOp::create(builder, loc, offsets, value);
      return vector::BroadcastOp::create(builder, loc, offsets, toInteger(builder, loc, value, 64));
    };
    auto metadata = memref::ExtractStridedMetadataOp::create(builder, loc, array);
    for (auto [index, stride] : llvm::zip_equal(indices, metadata.getStrides())) {
      Value part = arith::MulIOp::create(builder, loc, wide(isVector(index) ? index : toIndex(builder, loc, index)),
                                         wide(stride));
      position = position ? arith::AddIOp::create(builder, loc, position, part) : part;
    }
  }
  auto maskType = VectorType::get({lanes}, builder.getI1Type());
  Value all = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(maskType, true));
  Value pass = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(elements));
  return vector::GatherOp::create(builder, loc, elements, array, base, position, all, pass, IntegerAttr());
}

Value MemRefAccess::read(Value array, ArrayRef<Value> indices, int64_t lanes) {
  if (llvm::any_of(indices, [](Value index) { return isa<VectorType>(index.getType()); }))
    return gather(array, indices, lanes);
  auto wide = [&](Value index) { return toIndex(builder, loc, index); };
  return memref::LoadOp::create(builder, loc, array, llvm::map_to_vector(indices, wide));
}
