//===- IntervalExtension.h - Predicates asked about rectangles --*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_DIALECT_INTERVALEXTENSION_H
#define SPARSE_ATTN_DIALECT_INTERVALEXTENSION_H

#include "dialect/Pattern.h"
#include "mlir/IR/DialectRegistry.h"

namespace mlir::sparse_attn {

/// Attaches IntervalOpInterface to the arith ops that have an interval extension.
void registerIntervalExtensions(DialectRegistry &registry);

/// Emits the interval extension of the scalar predicate in `region` over `positions` (bounds of batch, head, query and
/// key, i64): may it hold for some of them, must it hold for all?
Coverage buildIntervalCoverage(OpBuilder &builder, const PatternScope &scope, Region &region,
                               ArrayRef<Interval> positions);

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_DIALECT_INTERVALEXTENSION_H
