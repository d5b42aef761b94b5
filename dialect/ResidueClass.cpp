//===- ResidueClass.cpp - Rows of one class modulo a step -----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/ResidueClass.h"

using namespace mlir;
using namespace mlir::sparse_attn;

/// Query tiles of the longest class.
static Value buildTilesOfClass(ScalarBuilder &s, Value queryLength, int64_t modulus, int64_t tileQ) {
  return s.ceilDivPositive(s.ceilDivPositive(queryLength, modulus), tileQ);
}

Value mlir::sparse_attn::buildTileCount(ScalarBuilder &s, Value queryLength, int64_t modulus, int64_t tileQ) {
  return s.mul(buildTilesOfClass(s, queryLength, modulus, tileQ), s.min(queryLength, s.constant(modulus)));
}

ResidueClass mlir::sparse_attn::buildResidueClass(ScalarBuilder &s, Value tile, Value queryLength, Value keyLength,
                                                  int64_t modulus, int64_t tileQ) {
  ResidueClass result;
  Value tiles = buildTilesOfClass(s, queryLength, modulus, tileQ);
  result.firstRow = s.builder.createOrFold<arith::DivUIOp>(s.loc, tile, tiles);
  result.tile = s.builder.createOrFold<arith::RemUIOp>(s.loc, tile, tiles);
  // Row i stands at position i + keys - queries.
  Value first = s.add(result.firstRow, s.sub(keyLength, queryLength));
  result.number = s.sub(first, s.mul(s.floorDiv(first, modulus), modulus));
  auto rowsFrom = [&](Value length, Value row) { return s.ceilDivPositive(s.max(s.sub(length, row), 0), modulus); };
  result.queries = rowsFrom(queryLength, result.firstRow);
  result.keys = rowsFrom(keyLength, result.number);
  return result;
}
