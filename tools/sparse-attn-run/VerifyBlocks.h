//===- VerifyBlocks.h - Comparison of weights with the reference *- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_RUN_VERIFYBLOCKS_H
#define SPARSE_ATTN_RUN_VERIFYBLOCKS_H

#include "support/Array.h"
#include "support/Progress.h"

#include "sparse_attn/Plan.h"
#include "sparse_attn/Reference.h"

namespace sparse_attn::tools::run {

/// A step of weights or of column sums: what it reads, and its results, which are null where the function does not
/// return them.
struct BlockStep {
  const Plan &plan;
  size_t number;
  FloatView query, key;
  const Array &logSumExp; ///< Of the reference.
  const Array *offsets = nullptr, *indices = nullptr, *values = nullptr;
  const Array *sums = nullptr;
};

/// The largest errors of all rows. Those of sums are relative to sums above 1.
struct BlockErrors {
  double weights = 0;
  int64_t pairs = 0; ///< That attend.
};

/// Compares every weight, also those of pairs in no block, which must be 0, and every sum. `progress` advances by rows.
BlockErrors checkBlocks(const BlockStep &step, Progress &progress);

} // namespace sparse_attn::tools::run

#endif // SPARSE_ATTN_RUN_VERIFYBLOCKS_H
