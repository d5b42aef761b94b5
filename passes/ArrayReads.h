//===- ArrayReads.h - What captured arrays are asked ------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_ARRAYREADS_H
#define SPARSE_ATTN_PASSES_ARRAYREADS_H

#include "dialect/SparseAttn.h"

namespace mlir::sparse_attn {

/// How a target answers what a predicate asks beyond arithmetic. Positions, indices and sizes are i32.
class PredicateAccess {
public:
  virtual ~PredicateAccess();
  /// Size of a dimension of a captured array.
  virtual Value getSize(Value array, int64_t dimension) = 0;
  /// The element at indices that exist; where one of them is a vector of `lanes`, a vector of elements.
  virtual Value read(Value array, ArrayRef<Value> indices, int64_t lanes) = 0;
  /// What a sparse_attn.block_active asks (i1), for a query row and a key position.
  virtual Value testBlock(BlockActiveOp active, Value row, Value key) = 0;
};

/// `value` in every lane, unless it is a vector.
Value splatToLanes(OpBuilder &builder, Location loc, Value value, int64_t lanes);

/// The nearest index of a dimension that exists (0 where none does), of an index or a vector of them.
Value clampIndex(OpBuilder &builder, Location loc, PredicateAccess &access, Value array, int64_t dimension,
                 Value index);

/// Emits a sparse_attn.read: indices are i32, or a vector of `lanes` of them. The last is clamped to those that exist;
/// those in front of it do.
Value emitRead(OpBuilder &builder, Location loc, PredicateAccess &access, Value array, ArrayRef<Value> indices,
               int64_t lanes);

/// Emits a sparse_attn.upper_bound, i32: a binary search in the row of an ascending array, of a value or of a vector of
/// `lanes` values, which search together.
Value emitUpperBound(OpBuilder &builder, Location loc, PredicateAccess &access, Value array, ArrayRef<Value> rows,
                     Value value, int64_t lanes);

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_PASSES_ARRAYREADS_H
