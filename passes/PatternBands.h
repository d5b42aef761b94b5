//===- PatternBands.h - What the bands of a pattern look like ---*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_PATTERNBANDS_H
#define SPARSE_ATTN_PASSES_PATTERNBANDS_H

#include "dialect/SparseAttn.h"

namespace mlir::sparse_attn {

/// What is known of a band at compile time.
struct BandShape {
  int64_t modulus;
  Columns columns;
};

/// The bands of a pattern; empty where it has none.
SmallVector<BandShape> findBandShapes(PatternOp pattern);

/// The bands of one of the ops that a pattern is made of; empty where it has none.
SmallVector<BandShape> findBandShapes(PatternOp pattern, PatternOpInterface op);

/// Adds a block whose arguments are `positions` index values and the captures of `pattern`.
Block &addPatternBody(Region &region, PatternOp pattern, unsigned positions);

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_PASSES_PATTERNBANDS_H
