//===- Tiling.cpp - What a target says about tile sizes -------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/Tiling.h"
#include "passes/cpu/TileSizes.h"
#include "passes/nvvm/TileSizes.h"

using namespace mlir;
using namespace mlir::sparse_attn;

Tiling::~Tiling() = default;

FailureOr<std::unique_ptr<Tiling>> mlir::sparse_attn::getTiling(StringRef target, std::string &message) {
  if (target == "cpu")
    return std::unique_ptr<Tiling>(std::make_unique<cpu::CpuTiling>());
  FailureOr<nvvm::Target> gpu = nvvm::getTarget(target, message);
  if (failed(gpu)) {
    message = "expects target cpu, " + nvvm::listChips() + ", but got '" + target.str() + "'";
    return failure();
  }
  return std::unique_ptr<Tiling>(std::make_unique<nvvm::GpuTiling>(*gpu));
}

int64_t mlir::sparse_attn::findDivisorOfStep(int64_t modulus, int64_t most, int64_t least, int64_t step) {
  for (int64_t k = most; k >= least; k -= step)
    if (modulus % k == 0)
      return k;
  return 0;
}
