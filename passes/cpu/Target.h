//===- Target.h - What a CPU offers to kernels ------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_CPU_TARGET_H
#define SPARSE_ATTN_PASSES_CPU_TARGET_H

#include "mlir/Support/LLVM.h"
#include <string>
#include <vector>

namespace mlir::sparse_attn::cpu {

/// Bytes of a cache line on every x86-64 CPU.
inline constexpr int64_t kCacheLine = 64;

/// The facts about a CPU that kernels are shaped by.
struct Target {
  /// f32 lanes of a vector register: 16 with AVX-512, 8 with AVX2.
  int64_t lanes = 8;
  /// Products of bf16 pairs accumulated in f32 (AVX512_BF16).
  bool bf16Dot = false;
  /// The register tile of a product: this many rows, times this many vectors of queries.
  int64_t tileRows = 2, tileVectors = 4;
};

/// A CPU level of an artifact: what the code generator is told, and what the runtime must find.
struct Level {
  /// As in `--cpu`: x86-64-v3, x86-64-v4, znver4, ...
  std::string name;
  std::string cpu;
  /// Beyond those of `cpu`, for instance "+avx512bf16".
  std::string features;
};

/// Names, in LLVM's spelling, of the features that code for `level` may use and a runtime has to find.
/// Fails with a message when LLVM does not know the CPU or it has no AVX2.
FailureOr<std::vector<std::string>> getRequiredFeatures(const Level &level, std::string &message);

FailureOr<Target> getTarget(const Level &level, std::string &message);

} // namespace mlir::sparse_attn::cpu

#endif // SPARSE_ATTN_PASSES_CPU_TARGET_H
