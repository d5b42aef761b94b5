//===- CpuStep.cpp - A step whose items run on the CPU --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CpuStep.h"

#include <algorithm>

namespace sparse_attn {

Status CpuStep::run(const StepArrays &arrays, const LaunchResources &resources) const {
  uint64_t words[maxBlockWords];
  std::copy(block.begin(), block.end(), words);
  writeArrays(words, layout, arrays);
  return cpuDevice().run({items, words, &order, resources.scratch, resources.scratchStride, resources.maxWorkers});
}

} // namespace sparse_attn
