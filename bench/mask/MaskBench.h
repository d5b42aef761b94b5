//===- MaskBench.h - The sections of the benchmark of masks --- -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_BENCH_MASK_MASKBENCH_H
#define SPARSE_ATTN_BENCH_MASK_MASKBENCH_H

#include "Sample.h"
#include "Table.h"
#include "Timing.h"

#include <functional>

namespace sparse_attn::bench {

/// The median CPU time of this thread in `work`, in seconds, after one run to warm up.
double medianSeconds(const Effort &effort, const std::function<void()> &work);

/// What the mask of a million tokens is held against.
void benchBars(Table &table, const MaskSample &sample, const Effort &effort);
/// One table an operation, with every form; the figures are the ratios to BlockMask.
void benchForms(Table &table, const MaskSample &sample, const Effort &effort);

} // namespace sparse_attn::bench

#endif // SPARSE_ATTN_BENCH_MASK_MASKBENCH_H
