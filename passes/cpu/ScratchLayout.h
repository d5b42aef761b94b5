//===- ScratchLayout.h - Where tiles live in scratch memory -----*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_CPU_SCRATCHLAYOUT_H
#define SPARSE_ATTN_PASSES_CPU_SCRATCHLAYOUT_H

#include "dialect/SparseAttn.h"
#include "passes/cpu/Target.h"

namespace mlir::sparse_attn::cpu {

/// The places of a kernel's tiles; each is a matrix, queries along its columns.
enum class Place {
  Queries,     // Q^T: [head size][tile q] f32, or [head size / 2][2 tile q] pairs of bf16
  Scores,      // S^T, then P^T: [tile k][tile q] f32
  WeightPairs, // P^T as pairs of bf16: [tile k / 2][2 tile q]
  Accumulator, // O^T: [head size][tile q] f32
  RowMax,      // [1][tile q] f32
  NewMax,      // [1][tile q] f32
  RowSum,      // [1][tile q] f32
  Correction,  // [1][tile q] f32
  Widened,     // keys or values of the tile in f32: [tile k][head size]
  ValuePairs,  // values of the tile as pairs of keys: [tile k / 2][2 head size] bf16
  Diagonals,   // limits by distance: [1][tile q + (tile q + tile k)] f32, the first tile q for keys that do not exist
  ColumnSums,  // sums of the weights of each key, apart by lanes: [tile k][lanes] f32
  Ranges,      // the ranges of the schedule: [1][n] index
};
inline constexpr int kPlaces = static_cast<int>(Place::Ranges) + 1;

/// How a kernel computes its products.
enum class ProductKind {
  F32,     // operands are f32 in memory
  Widened, // 16-bit operands, widened to f32 a tile at a time
  BF16Dot, // pairs of bf16 with accumulation in f32
};

ProductKind getProductKind(KernelOp kernel, const Target &target);

/// Offsets of the places in one block of scratch memory, each on a cache line.
class ScratchLayout {
public:
  ScratchLayout(KernelOp kernel, const Target &target, int64_t rangeTableSize);

  int64_t getBytes() const { return bytes; }
  /// Null when the kernel does without this place.
  MemRefType getType(Place place) const { return types[static_cast<int>(place)]; }

  /// Emits views of all places; `scratch` is memref<?xi8>. Places without a type stay null.
  SmallVector<Value> buildViews(OpBuilder &builder, Location loc, Value scratch) const;

private:
  void add(Place place, int64_t rows, int64_t columns, Type elementType);

  int64_t bytes = 0;
  MemRefType types[kPlaces];
  int64_t offsets[kPlaces] = {};
};

} // namespace mlir::sparse_attn::cpu

#endif // SPARSE_ATTN_PASSES_CPU_SCRATCHLAYOUT_H
