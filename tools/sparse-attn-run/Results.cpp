//===- Results.cpp - The results of a run ----------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Results.h"

#include <algorithm>
#include <array>

namespace sparse_attn::tools::run {

Results::Results(const Plan &plan) {
  for (size_t r = 0; r < plan.function().results.size(); ++r) {
    arrays.emplace_back(plan.function().results[r].dtype, plan.resultShape(r));
    arrays.back().poison();
    values.push_back(arrays.back().view());
  }
}

ResultKinds::ResultKinds(const Manifest &manifest, const FunctionInfo &function) {
  // Several steps may write one result, one after the other.
  auto add = [](const Operand &operand, std::vector<size_t> &kind) {
    if (operand.kind == Operand::Kind::Result && std::find(kind.begin(), kind.end(), operand.index) == kind.end())
      kind.push_back(operand.index);
  };
  for (const Step &step : function.steps) {
    if (step.offsets) {
      // A folder holds all three of them, so that none is written where the function does not return all.
      std::array<Operand, 3> parts{*step.offsets, *step.indices, step.output};
      if (std::all_of(parts.begin(), parts.end(), [](const Operand &o) { return o.kind == Operand::Kind::Result; }))
        for (const Operand &part : parts)
          weights.push_back(part.index);
      continue;
    }
    if (manifest.kernels[step.kernels.front()].isOverBlocks()) {
      add(step.output, columnSums);
      continue;
    }
    add(step.output, outputs);
    if (step.lse)
      add(*step.lse, logSumExps);
    if (step.rowMax)
      add(*step.rowMax, rowMaxima);
  }
}

} // namespace sparse_attn::tools::run
