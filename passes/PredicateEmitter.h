//===- PredicateEmitter.h - Patterns asked for pairs ------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_PREDICATEEMITTER_H
#define SPARSE_ATTN_PASSES_PREDICATEEMITTER_H

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

/// Emits the scalar predicate in `region` (arguments: positions; ends in a yield of one i1) for given positions.
/// Positions are i32, scalars or vectors of one length; everything that depends on a vector becomes a vector. `map`
/// holds values from outside the region; values of type `index` that it maps to are narrowed to i32. `access` sees
/// captured arrays as `map` has them.
Value emitPredicate(OpBuilder &builder, Location loc, Region &region, ValueRange positions, IRMapping map,
                    PredicateAccess &access);

/// Emits a read outside of a region, at scalar indices that `map` has.
Value emitRead(OpBuilder &builder, Location loc, ReadOp read, IRMapping map, PredicateAccess &access);

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_PASSES_PREDICATEEMITTER_H
