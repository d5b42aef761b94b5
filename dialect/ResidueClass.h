//===- ResidueClass.h - Rows of one class modulo a step ---------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where every pair that attends lies a multiple of s apart, the positions fall
// into s classes that do not see each other, and attention within a class is
// attention over every s-th row: dense work, where masks would leave out all
// but one of s pairs. Class c has the keys c, c + s, ... and the queries at the
// same positions. Ends stay aligned: the last query of a class stands where its
// last key does.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_DIALECT_RESIDUECLASS_H
#define SPARSE_ATTN_DIALECT_RESIDUECLASS_H

#include "dialect/ScalarBuilder.h"

namespace mlir::sparse_attn {

/// A query tile of a kernel over residue classes. All values are `index`.
struct ResidueClass {
  Value number;   ///< c, in [0, modulus): the row of the first key.
  Value firstRow; ///< The row of the first query.
  Value queries;  ///< How many there are in the class.
  Value keys;
  Value tile; ///< The tile of the class's queries; past the last one in classes that are shorter than others.
};

/// Query tiles of a head: those of the class of row 0 come first, then those of row 1. Classes without queries have
/// none.
Value buildTileCount(ScalarBuilder &s, Value queryLength, int64_t modulus, int64_t tileQ);

/// The class of query tile `tile`.
ResidueClass buildResidueClass(ScalarBuilder &s, Value tile, Value queryLength, Value keyLength, int64_t modulus,
                               int64_t tileQ);

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_DIALECT_RESIDUECLASS_H
