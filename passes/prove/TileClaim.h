//===- TileClaim.h - Claims about a query tile ------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_PROVE_TILECLAIM_H
#define SPARSE_ATTN_PASSES_PROVE_TILECLAIM_H

#include "passes/ScheduleExpansion.h"
#include "passes/prove/Claim.h"

namespace mlir::sparse_attn::prove {

/// A claim about some query tile, and the key tiles that a schedule in closed form visits for it.
class TileClaimBuilder : public ClaimBuilder {
public:
  TileClaimBuilder(PatternOp pattern, ScheduleOp schedule, const Twine &name);

  /// The place of an existing query of the tile.
  Value declareQueryOfTile(StringRef name);
  /// The bands of a query of the tile. Their bounds are assumed to lie between those of the first and the last query:
  /// that they never decrease is a claim of its own.
  SmallVector<Band> monotoneBandsAt(Value q);
  /// Any tile of keys, existing or not.
  Value declareKeyTile(StringRef name) { return declare(name); }
  /// The first key of a tile, and the one past its last. They are places, as queries and keys are.
  Value firstKey(Value keyTile) { return s.mul(keyTile, tileK); }
  Value pastKey(Value keyTile) { return s.mul(s.add(keyTile, 1), tileK); }

  Value inTouched(size_t index, Value keyTile);
  Value inFull(size_t index, Value keyTile);
  /// Is the tile in some range? `closed` leaves out the ranges with a step.
  Value inAnyTouched(Value keyTile, bool closed = false);

  int64_t tileQ, tileK;
  /// How many keys there are: all, or those of the residue class.
  Value keys;
  /// Places of the first and the last query of the tile. A tile of a class that is shorter than others may have none:
  /// the last one is before the first then.
  Value firstQuery, lastQuery;
  VisitRanges visited;

private:
  ResidueClass declareClass();
};

} // namespace mlir::sparse_attn::prove

#endif // SPARSE_ATTN_PASSES_PROVE_TILECLAIM_H
