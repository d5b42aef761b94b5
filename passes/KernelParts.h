//===- KernelParts.h - A kernel and what it refers to -----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_KERNELPARTS_H
#define SPARSE_ATTN_PASSES_KERNELPARTS_H

#include "dialect/SparseAttn.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "passes/Tiling.h"

namespace mlir::sparse_attn {

/// A kernel and what it refers to.
struct KernelParts {
  KernelOp kernel;
  PatternOp pattern;
  ScoreOp score; // null where scores stay as they are
  ScheduleOp schedule;
  PlanOp plan; // null when the schedule is in closed form

  static KernelParts lookup(KernelOp kernel, SymbolTable &symbols);

  /// The kernel's captures that are the pattern's; the others are the score region's.
  Block::BlockArgListType getPatternCaptures();

  /// For each capture: does the plan ask for bounds of slices of it?
  SmallVector<bool> getPyramids();

  /// Checks that the kernel is the tile program that fuse-softmax writes, with tiles that the target supports;
  /// lowerings rely on its shape. Fails after an error at the kernel.
  LogicalResult check(const Tiling &tiling);
};

/// Removes what kernels were made from: patterns, schedules, plans, tile programs, and the functions that launch them,
/// which the runtime does by the manifest.
void eraseTilePrograms(ModuleOp module);

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_PASSES_KERNELPARTS_H
