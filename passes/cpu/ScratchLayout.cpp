//===- ScratchLayout.cpp - Where tiles live in scratch memory -------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/ScratchLayout.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/DistancePredicate.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::cpu;

ProductKind cpu::getProductKind(KernelOp kernel, const Target &target) {
  if (kernel.getElementType().isF32())
    return ProductKind::F32;
  return kernel.getElementType().isBF16() && target.bf16Dot ? ProductKind::BF16Dot : ProductKind::Widened;
}

/// Does one limit a diagonal say all that the mask says?
static bool hasDistancePredicate(KernelOp kernel) {
  bool found = false;
  kernel.walk([&](MaskOp mask) { found = isDistancePredicate(mask.getBody(), kernel.getModulo()); });
  return found;
}

ScratchLayout::ScratchLayout(KernelOp kernel, const Target &target, int64_t rangeTableSize) {
  int64_t tileQ = kernel.getTileQ(), tileK = kernel.getTileK(), headSize = kernel.getHeadSize();
  Builder builder(kernel.getContext());
  Type f32 = builder.getF32Type(), bf16 = builder.getBF16Type();
  ProductKind kind = getProductKind(kernel, target);
  if (kind == ProductKind::BF16Dot)
    add(Place::Queries, headSize / 2, 2 * tileQ, bf16);
  else
    add(Place::Queries, headSize, tileQ, f32);
  add(Place::Scores, tileK, tileQ, f32);
  add(Place::Accumulator, headSize, tileQ, f32);
  for (Place place : {Place::RowMax, Place::NewMax, Place::RowSum, Place::Correction})
    add(place, 1, tileQ, f32);
  if (kind == ProductKind::Widened)
    add(Place::Widened, tileK, headSize, f32);
  if (kind == ProductKind::BF16Dot) {
    add(Place::WeightPairs, tileK / 2, 2 * tileQ, bf16);
    add(Place::ValuePairs, tileK / 2, 2 * headSize, bf16);
  }
  if (hasDistancePredicate(kernel))
    add(Place::Diagonals, 1, 2 * tileQ + tileK, f32);
  if (kernel.getColumnSums())
    add(Place::ColumnSums, tileK, target.lanes, f32);
  if (rangeTableSize > 0)
    add(Place::Ranges, 1, rangeTableSize, builder.getIndexType());
}

void ScratchLayout::add(Place place, int64_t rows, int64_t columns, Type elementType) {
  int index = static_cast<int>(place);
  int64_t elementBytes = elementType.isIndex() ? 8 : elementType.getIntOrFloatBitWidth() / 8;
  types[index] = MemRefType::get({rows, columns}, elementType);
  offsets[index] = bytes;
  bytes += llvm::alignTo(rows * columns * elementBytes, kCacheLine);
}

SmallVector<Value> ScratchLayout::buildViews(OpBuilder &builder, Location loc, Value scratch) const {
  SmallVector<Value> views(kPlaces);
  for (int index = 0; index < kPlaces; ++index)
    if (types[index]) {
      Value offset = arith::ConstantIndexOp::create(builder, loc, offsets[index]);
      views[index] = memref::ViewOp::create(builder, loc, types[index], scratch, offset, ValueRange());
    }
  return views;
}
