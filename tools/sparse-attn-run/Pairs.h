//===- Pairs.h - Counting attending pairs ----------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_RUN_PAIRS_H
#define SPARSE_ATTN_RUN_PAIRS_H

#include "sparse_attn/Plan.h"

namespace sparse_attn::tools::run {

/// How many query-key pairs attend, as the compiled predicate has it.
struct PairCount {
  int64_t pairs = 0;
  bool estimated = false; ///< Counted on a sample of the rows.
};

/// All pairs of a step: batch x query heads x query length x key length. A double: it may exceed 2^63.
double allPairs(const StepInfo &step);

/// Counts the attending pairs of one step. Batches and heads that cannot differ are counted once; above 2^36 pairs the
/// first and last rows are counted, and of the rest a sample at equal distances. Throws an InputError where the
/// predicate fails.
PairCount countPairs(const Plan &plan, size_t step);

} // namespace sparse_attn::tools::run

#endif // SPARSE_ATTN_RUN_PAIRS_H
