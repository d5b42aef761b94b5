//===- KernelLowering.h - A kernel's entries for a CPU ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_CPU_KERNELLOWERING_H
#define SPARSE_ATTN_PASSES_CPU_KERNELLOWERING_H

#include "passes/KernelParts.h"
#include "passes/cpu/Target.h"

namespace mlir::sparse_attn::cpu {

/// Discardable attribute of `<kernel>_items`: bytes of scratch memory a thread needs.
inline constexpr StringLiteral kScratchBytesAttr = "sparse_attn.scratch_bytes";

/// `int32_t items(const uint64_t *block, int64_t begin, int64_t end, void *scratch)`.
void emitItems(KernelParts parts, const Target &target);

} // namespace mlir::sparse_attn::cpu

#endif // SPARSE_ATTN_PASSES_CPU_KERNELLOWERING_H
