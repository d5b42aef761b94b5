//===- ArgumentLayout.h - The words of an argument block --------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_ARGUMENTLAYOUT_H
#define SPARSE_ATTN_PASSES_ARGUMENTLAYOUT_H

#include "passes/KernelParts.h"

namespace mlir::sparse_attn {

/// Where the arguments of a kernel lie in its block of 8-byte words (docs/artifact.md): numbers of first words.
struct ArgumentLayout {
  explicit ArgumentLayout(KernelParts parts);

  SmallVector<int64_t> arrays; // of each of KernelOp::getArrays
  bool isListed, hasMasks;
  int64_t lists = 0;             // meaningless without lists
  SmallVector<int64_t> pyramids; // by capture; -1 for one without
  int64_t blocks = 0;            // meaningless but for kernels over blocks
  int64_t device = 0;            // of GPU kernels: items, order, counter, counts
  int64_t deviceWords = 0;       // of the whole block of a GPU kernel
};

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_PASSES_ARGUMENTLAYOUT_H
