//===- KernelLowering.h - A kernel's entries for a CPU ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_CPU_KERNELLOWERING_H
#define SPARSE_ATTN_PASSES_CPU_KERNELLOWERING_H

#include "dialect/ScalarBuilder.h"
#include "dialect/SparseAttn.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/cpu/ArgumentBlock.h"
#include "passes/cpu/Target.h"

namespace mlir::sparse_attn::cpu {

/// A kernel and what it refers to.
struct KernelParts {
  KernelOp kernel;
  PatternOp pattern;
  ScheduleOp schedule;
  PlanOp plan; // null when the schedule is in closed form

  static KernelParts lookup(KernelOp kernel, SymbolTable &symbols);

  /// For each capture: does the plan ask for bounds of slices of it?
  SmallVector<bool> getPyramids();
};

/// Checks that a kernel is the tile program that fuse-softmax writes, with tile sizes that a CPU kernel can have; the
/// lowering relies on its shape. Fails after an error at the kernel.
LogicalResult checkTileProgram(KernelParts parts);

/// Discardable attribute of `<kernel>_items`: bytes of scratch memory a thread needs.
inline constexpr StringLiteral kScratchBytesAttr = "sparse_attn.scratch_bytes";

/// An entry point `@<kernel>_<suffix>` with an empty body, in front of the kernel. `types` are its arguments; it
/// returns i32.
func::FuncOp createEntry(KernelOp kernel, StringRef suffix, ArrayRef<Type> types);

/// Ends an entry: returns 0.
void finishEntry(OpBuilder &builder, Location loc);

/// `int32_t items(const uint64_t *block, int64_t begin, int64_t end, void *scratch)`.
void emitItems(KernelParts parts, const Target &target);
/// `int32_t work(const uint64_t *block, int64_t item, int64_t *counts)`.
void emitWork(KernelParts parts);
/// `int32_t tiles(const uint64_t *block, int64_t item, uint32_t *partial, uint32_t *full, int64_t *counts)`.
void emitTiles(KernelParts parts);
/// `int32_t predicate(const uint64_t *block, int64_t b, int64_t h, int64_t row, uint8_t *attends)`.
void emitPredicateRow(KernelParts parts);
/// `int32_t plan(const uint64_t *block, int64_t b, int64_t h, int64_t t, uint32_t *partial, uint32_t *full,
/// int64_t *counts)`.
void emitPlan(KernelParts parts);

/// The coordinates of a work item.
struct Item {
  Value batch, head, tile;
};
/// The row of the lists that an item reads; see docs/artifact.md.
Value getListRow(ScalarBuilder &s, const ListArguments &lists, const Item &item);

Item splitItem(OpBuilder &builder, Location loc, Value item, Value query, int64_t tileQ);

} // namespace mlir::sparse_attn::cpu

#endif // SPARSE_ATTN_PASSES_CPU_KERNELLOWERING_H
