//===- Target.cpp - What a GPU offers to kernels --------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/nvvm/Target.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::sparse_attn;

/// Shared memory is the maximum a block may opt in to (CUDA C++ Programming Guide, "Technical Specifications per
/// Compute Capability"). LLVM's default PTX version of sm_90a lacks the form of TMA loads that needs no cluster.
static const nvvm::Target kTargets[] = {
    {"sm_80", nvvm::Family::Ampere, 163 * 1024, "+ptx78"},
    {"sm_86", nvvm::Family::Ampere, 99 * 1024, "+ptx78"},
    {"sm_89", nvvm::Family::Ampere, 99 * 1024, "+ptx78"},
    {"sm_90a", nvvm::Family::Hopper, 227 * 1024, "+ptx86"},
};

std::string nvvm::listChips() {
  return llvm::join(llvm::map_range(kTargets, [](const Target &target) { return target.chip; }), ", ");
}

FailureOr<nvvm::Target> nvvm::getTarget(StringRef chip, std::string &message) {
  for (const Target &target : kTargets)
    if (target.chip == chip)
      return target;
  message = "expects a GPU among " + listChips() + ", but got '" + chip.str() + "'";
  return failure();
}
