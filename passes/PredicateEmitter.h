//===- PredicateEmitter.h - Regions asked about pairs -----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_PREDICATEEMITTER_H
#define SPARSE_ATTN_PASSES_PREDICATEEMITTER_H

#include "passes/ArrayReads.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir::sparse_attn {

/// Emits the scalar code of `region`, a predicate or what becomes of a score, for given arguments, and returns what it
/// yields. Positions are i32, scores f32: scalars or vectors of one length; everything that depends on a vector becomes
/// a vector. `map` holds values from outside the region; values of type `index` that it maps to are narrowed to i32.
/// `access` sees captured arrays as `map` has them.
Value emitScalarRegion(OpBuilder &builder, Location loc, Region &region, ValueRange arguments, IRMapping map,
                       PredicateAccess &access);

/// Emits a read outside of a region, at scalar indices that `map` has.
Value emitRead(OpBuilder &builder, Location loc, ReadOp read, IRMapping map, PredicateAccess &access);

/// A predicate for many keys of one query, or of one vector of them: what does not depend on the key is emitted once,
/// in front of the loop over keys.
class RowPredicate {
public:
  /// Emits the part that does not depend on the key. Arguments are as above; the region's are a query and a key.
  RowPredicate(OpBuilder &builder, Location loc, Region &region, Value query, IRMapping map, PredicateAccess &access);

  /// Emits the rest: does `key` attend?
  Value attends(OpBuilder &builder, Value key) const;

  /// Emits a choice between this and `other`, which asks the same region for another query.
  RowPredicate selectedBy(OpBuilder &builder, Value condition, const RowPredicate &other) const;

private:
  Location loc;
  Region *region;
  IRMapping map;
  PredicateAccess *access;
  int64_t lanes = 0;
  DenseSet<Operation *> ofKey; ///< Ops that depend on the key.
};

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_PASSES_PREDICATEEMITTER_H
