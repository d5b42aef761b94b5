//===- TileWalk.h - The loops over the visited key tiles --------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_HOST_TILEWALK_H
#define SPARSE_ATTN_PASSES_HOST_TILEWALK_H

#include "passes/ScheduleExpansion.h"
#include "passes/host/ArgumentBlock.h"

namespace mlir::sparse_attn::host {

/// Emits what is done for one key tile (`index`).
using TileBody = function_ref<void(Value keyTile)>;
/// The body of a loop over listed tiles; `entry` (index) numbers the partial tiles of all rows where the kernel has
/// masks, and is null elsewhere.
using ListedTileBody = function_ref<void(Value keyTile, Value entry)>;

/// Emits the visit of the partial tiles, then of the full ones, ascending in each. Each body is emitted once, however
/// many ranges there are, so `table` (memref<?xindex>, rangeTableSize entries) holds the ranges while they are walked.
void emitWalk(OpBuilder &builder, Location loc, const VisitRanges &ranges, Value table, TileBody partial,
              TileBody full);

/// Entries of the table for a schedule.
int64_t rangeTableSize(RangesOp ranges);

/// The same from the lists of row `row` (`index`).
void emitListWalk(OpBuilder &builder, Location loc, const ListArguments &lists, Value row, ListedTileBody partial,
                  TileBody full);

} // namespace mlir::sparse_attn::host

#endif // SPARSE_ATTN_PASSES_HOST_TILEWALK_H
