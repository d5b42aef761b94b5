//===- Results.h - The results of a run ------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_RUN_RESULTS_H
#define SPARSE_ATTN_RUN_RESULTS_H

#include "support/Array.h"

#include "sparse_attn/Plan.h"

#include <vector>

namespace sparse_attn::tools::run {

/// Arrays for all results of a plan, poisoned.
struct Results {
  explicit Results(const Plan &plan);

  std::vector<Array> arrays;
  std::vector<Value> values; ///< Views of the arrays.
};

/// The numbers of the results that are outputs, log-sum-exps and so on, in the order of the steps. Weights have three:
/// offsets, indices and values.
struct ResultKinds {
  ResultKinds(const Manifest &manifest, const FunctionInfo &function);

  std::vector<size_t> outputs, logSumExps, rowMaxima, columnSums, weights;
};

} // namespace sparse_attn::tools::run

#endif // SPARSE_ATTN_RUN_RESULTS_H
