//===- DistancePredicate.h - Predicates of q - k alone ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Windows, causality and strides look at the distance q - k and at nothing
// else. The mask of a tile of m queries and n keys then has one value a
// diagonal, m + n - 1 in all, where a general one has m n.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_DISTANCEPREDICATE_H
#define SPARSE_ATTN_PASSES_DISTANCEPREDICATE_H

#include "mlir/IR/Region.h"

namespace mlir::sparse_attn {

/// Is the i1 that `predicate` yields a function of q - k, given everything from outside the region? Its two arguments
/// are q and k, both `index`; its ops are those a sparse_attn.mask holds. False where that cannot be seen.
bool isDistancePredicate(Region &predicate, int64_t modulo);

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_PASSES_DISTANCEPREDICATE_H
