//===- ClassFacts.h - What holds of residue classes -------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The class of a query tile is computed with remainders and products, which are
// dear to a solver. A few linear facts say all that claims about schedules need:
// claims about classes prove the facts once, and the others assume them.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_PROVE_CLASSFACTS_H
#define SPARSE_ATTN_PASSES_PROVE_CLASSFACTS_H

#include "dialect/ResidueClass.h"

namespace mlir::sparse_attn::prove {

/// Conditions that hold of the class of any query tile; see buildResidueClass.
SmallVector<Value> buildClassFacts(ScalarBuilder &s, const ResidueClass &residue, Value queryLength, Value keyLength,
                                   int64_t modulus, int64_t tileQ);

} // namespace mlir::sparse_attn::prove

#endif // SPARSE_ATTN_PASSES_PROVE_CLASSFACTS_H
