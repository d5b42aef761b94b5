//===- ScheduleExpansion.h - Schedules as plain arithmetic ------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_SCHEDULEEXPANSION_H
#define SPARSE_ATTN_PASSES_SCHEDULEEXPANSION_H

#include "dialect/ResidueClass.h"
#include "dialect/SparseAttn.h"
#include "passes/ArrayReads.h"

namespace mlir::sparse_attn {

/// What a schedule in closed form says about one query tile; see RangesOp.
struct VisitRanges {
  SmallVector<Value> touchedFirsts, touchedPasts;
  SmallVector<int64_t> steps;
  SmallVector<Value> fullFirsts, fullPasts;
};

/// Emits the body of a schedule that ends in `ranges`, its ops expanded to arithmetic. `arguments` stand for the block
/// arguments: batch, head, tile, query length, key length, captures. `access` reads captured arrays as `arguments` have
/// them; where it is null, reads stay as they are. `residue` stands for the residue class of the tile, where one is
/// given.
VisitRanges expandSchedule(OpBuilder &builder, ScheduleOp schedule, ValueRange arguments, PredicateAccess *access,
                           const ResidueClass *residue = nullptr);

/// Emits the number of partial and of full tiles of `ranges`: sums of ceil((past - first) / step), no loop.
std::pair<Value, Value> countTiles(OpBuilder &builder, Location loc, const VisitRanges &ranges);

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_PASSES_SCHEDULEEXPANSION_H
