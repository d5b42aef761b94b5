//===- Verify.h - Comparison with the reference ----------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_RUN_VERIFY_H
#define SPARSE_ATTN_RUN_VERIFY_H

#include "Results.h"
#include "support/Arguments.h"

#include "sparse_attn/Plan.h"

#include <cstdint>
#include <optional>

namespace sparse_attn::tools::run {

/// What a comparison found. An error is infinite where a value is NaN or infinite on one side only.
struct Verification {
  double maxError = 0;                                  ///< max |O - O_ref| / max |V|.
  double tolerance = 0;                                 ///< The largest that is accepted.
  std::optional<double> lseError, lseTolerance;         ///< Absolute; absent without a log-sum-exp.
  std::optional<double> weightsError, weightsTolerance; ///< Absolute; of sums, relative to those above 1.
  int64_t rows = 0, allRows = 0;                        ///< Rows compared, and all there are.
  std::optional<int64_t> activePairs;                   ///< Where all rows were compared.
  bool modifiesScores = false; ///< Whether a compiled score region made scores of the reference.

  /// Whether no error exceeds its tolerance.
  bool passed() const {
    return maxError <= tolerance && lseError.value_or(0) <= lseTolerance.value_or(0) &&
           weightsError.value_or(0) <= weightsTolerance.value_or(0);
  }
};

/// Compares results with the reference: double precision, from the inputs as rounded to their dtype, with the mask
/// from the compiled predicate, and the scores from the compiled score region where there is one. Above 2^31 pairs it
/// compares a sample of 512 rows a step. Throws an InputError where a function has several steps and too many pairs to
/// compare them all.
Verification verify(const Plan &plan, const Arguments &inputs, const Results &results);

} // namespace sparse_attn::tools::run

#endif // SPARSE_ATTN_RUN_VERIFY_H
