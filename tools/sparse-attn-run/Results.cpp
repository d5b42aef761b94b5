//===- Results.cpp - The results of a run ----------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Results.h"

namespace sparse_attn::tools::run {

Results::Results(const Plan &plan) {
  for (size_t r = 0; r < plan.function().results.size(); ++r) {
    arrays.emplace_back(plan.function().results[r].dtype, plan.resultShape(r));
    arrays.back().poison();
    values.push_back(arrays.back().view());
  }
}

ResultKinds::ResultKinds(const FunctionInfo &function) {
  for (const Step &step : function.steps) {
    if (step.output.kind == Operand::Kind::Result)
      outputs.push_back(step.output.index);
    if (step.lse && step.lse->kind == Operand::Kind::Result)
      logSumExps.push_back(step.lse->index);
  }
}

} // namespace sparse_attn::tools::run
