//===- FuseWeights.h - Kernels over the visited blocks ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_FUSEWEIGHTS_H
#define SPARSE_ATTN_PASSES_FUSEWEIGHTS_H

#include "dialect/SparseAttn.h"

namespace mlir::sparse_attn {

/// Writes the tile program of a kernel of weights or of column sums, whose body has its arguments. `score` is null
/// where scores stay as they are.
void buildBlockProgram(PatternOp pattern, ScoreOp score, ScheduleOp schedule, KernelOp kernel);

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_PASSES_FUSEWEIGHTS_H
