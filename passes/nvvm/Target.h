//===- Target.h - What a GPU offers to kernels ------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_NVVM_TARGET_H
#define SPARSE_ATTN_PASSES_NVVM_TARGET_H

#include "mlir/Support/LLVM.h"
#include <string>

namespace mlir::sparse_attn::nvvm {

/// Threads of a warp.
inline constexpr int64_t kWarp = 32;

/// How kernels are built.
enum class Family {
  Ampere, // cp.async, ldmatrix, mma.sync: sm_80 and everything later
  Hopper, // TMA, mbarriers, wgmma, warp roles: sm_90a alone
};

/// The facts about a GPU that kernels are shaped by.
struct Target {
  std::string chip; // sm_80, ..., as LLVM and ptxas spell it
  Family family;
  /// Shared memory that a block may have, in bytes.
  int64_t sharedBytes;
  /// The same where a multiprocessor has that many blocks: of each, the GPU keeps 1 KiB to itself.
  int64_t getSharedBytes(int64_t blocks) const { return (sharedBytes + 1024) / blocks - 1024; }
  /// The PTX version that the kernels need, as an LLVM feature.
  std::string features;
};

/// The chips there are, with commas between.
std::string listChips();

/// Fails with a message that names the chips there are.
FailureOr<Target> getTarget(StringRef chip, std::string &message);

} // namespace mlir::sparse_attn::nvvm

#endif // SPARSE_ATTN_PASSES_NVVM_TARGET_H
