//===- Entries.h - The entries that the runtime calls on the host *- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Whatever device runs a kernel, `prepare` asks compiled host code about it:
// which key tiles an item visits, how many, and which keys a row attends to.
// All of it comes from the same schedule and predicate as the kernel.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_HOST_ENTRIES_H
#define SPARSE_ATTN_PASSES_HOST_ENTRIES_H

#include "dialect/ScalarBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/KernelParts.h"
#include "passes/host/ArgumentBlock.h"

namespace mlir::sparse_attn::host {

/// An entry point `@<kernel>_<suffix>` with an empty body, in front of the kernel. `types` are its arguments; it
/// returns i32.
func::FuncOp createEntry(KernelOp kernel, StringRef suffix, ArrayRef<Type> types);

/// Ends an entry: returns 0.
void finishEntry(OpBuilder &builder, Location loc);

/// `int32_t work(const uint64_t *block, int64_t item, int64_t *counts)`.
void emitWork(KernelParts parts);
/// `int32_t tiles(const uint64_t *block, int64_t item, uint32_t *partial, uint32_t *full, int64_t *counts)`.
void emitTiles(KernelParts parts);
/// `int32_t predicate(const uint64_t *block, int64_t b, int64_t h, int64_t row, uint8_t *attends)`.
void emitPredicateRow(KernelParts parts);
/// `int32_t score(const uint64_t *block, int64_t b, int64_t h, int64_t row, float *scores)`; only where kernels modify
/// scores.
void emitScoreRow(KernelParts parts);
/// `int32_t plan(const uint64_t *block, int64_t b, int64_t h, int64_t t, uint32_t *partial, uint32_t *full,
/// int64_t *counts)`.
void emitPlan(KernelParts parts);
/// All of them that the kernel has.
void emitAnalysisEntries(KernelParts parts);

/// The coordinates of a work item.
struct Item {
  Value batch, head, tile;
};
Item splitItem(OpBuilder &builder, Location loc, Value item, const KernelArguments &arguments, KernelOp kernel);

/// How many queries and keys the pattern sees in a batch: those of the arrays, or those of a sequence.
struct Lengths {
  Value queries, keys;
};
Lengths readLengths(OpBuilder &builder, Location loc, const KernelArguments &arguments, KernelOp kernel, Value batch);

/// The row of the lists that an item reads; see docs/artifact.md.
Value getListRow(ScalarBuilder &s, const ListArguments &lists, const Item &item);

} // namespace mlir::sparse_attn::host

#endif // SPARSE_ATTN_PASSES_HOST_ENTRIES_H
