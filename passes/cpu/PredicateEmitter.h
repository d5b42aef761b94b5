//===- PredicateEmitter.h - Patterns asked for pairs ------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_CPU_PREDICATEEMITTER_H
#define SPARSE_ATTN_PASSES_CPU_PREDICATEEMITTER_H

#include "dialect/SparseAttn.h"

namespace mlir::sparse_attn::cpu {

/// Emits what a sparse_attn.block_active asks (i1), for a query row and a key position, both i32.
using BlockTest = function_ref<Value(BlockActiveOp active, Value row, Value key)>;

/// Emits the scalar predicate in `region` (arguments: positions; ends in a yield of one i1) for given positions.
/// Positions are i32, scalars or vectors of one length; everything that depends on a vector becomes a vector. `map`
/// holds values from outside the region; values of type `index` that it maps to are narrowed to i32.
Value emitPredicate(OpBuilder &builder, Location loc, Region &region, ValueRange positions, IRMapping map,
                    BlockTest testBlock);

} // namespace mlir::sparse_attn::cpu

#endif // SPARSE_ATTN_PASSES_CPU_PREDICATEEMITTER_H
