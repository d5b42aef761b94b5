//===- ScalarRegion.h - What users write for one pair -----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Predicates and score regions are scalar code about one pair of positions,
// which every target evaluates for whole vectors of them.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_DIALECT_SCALARREGION_H
#define SPARSE_ATTN_DIALECT_SCALARREGION_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Region.h"

namespace mlir::sparse_attn {

/// Verifies that the region's ops are such that every target can evaluate them for vectors. `what` names the region in
/// messages ("a predicate").
LogicalResult verifyScalarRegion(Region &region, StringRef what);

/// What stands for a captured value in code for pairs: a number clamped to +-kMaxPosition, any other as it is.
Value clampCaptured(OpBuilder &builder, Location loc, Value captured);

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_DIALECT_SCALARREGION_H
