//===- RegisterTile.h - Products blocked for registers ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_CPU_REGISTERTILE_H
#define SPARSE_ATTN_PASSES_CPU_REGISTERTILE_H

#include "mlir/IR/Builders.h"
#include "passes/cpu/LaneMath.h"
#include "passes/cpu/ScratchLayout.h"
#include "passes/cpu/Target.h"

namespace mlir::sparse_attn::cpu {

/// result[row][column] = init + sum over steps of left[row][step] * right[step][column], where a column is a vector of
/// lanes. The callbacks emit the operands and take the results.
struct Product {
  Value rows;     // index: number of rows, a multiple of RegisterTile::rows
  Value steps;    // index: number of steps, a multiple of `unroll`
  int64_t unroll; // steps that one iteration of the innermost loop takes
  function_ref<Value(Value row, Value step)> left;
  function_ref<Value(Value step, Value column)> right;
  function_ref<Value(Value row, Value column)> init;
  function_ref<Value(Value row, Value column, Value result)> finish; // gives what the maximum is taken of
  /// Emitted once for each block of rows, in front of it: fetches what comes after this product.
  function_ref<void(Value row)> prefetch = nullptr;
};

/// Unrolling of products with a constant number of steps: head sizes and key tiles are multiples of twice this.
inline constexpr int64_t kProductUnroll = 4;

/// Emits products with `rows` x `vectors` accumulators in registers.
class RegisterTile {
public:
  RegisterTile(OpBuilder &builder, Location loc, const Target &target, ProductKind kind, int64_t columns);

  /// Emits the product for the columns (lanes of `columns`); returns, for each, the maximum over all rows and
  /// `maximum`, where that is not empty.
  SmallVector<Value> emit(const Product &product, ArrayRef<Value> columns, ArrayRef<Value> maximum = {});

  int64_t getRows() const { return rows; }
  int64_t getVectors() const { return vectors; }

private:
  SmallVector<Value> emitRows(const Product &product, ArrayRef<Value> rowIndices, ArrayRef<Value> columns);
  Value multiplyAdd(Value left, Value right, Value accumulator);

  OpBuilder &builder;
  Location loc;
  LaneMath lanes;
  ProductKind kind;
  int64_t rows, vectors;
};

} // namespace mlir::sparse_attn::cpu

#endif // SPARSE_ATTN_PASSES_CPU_REGISTERTILE_H
