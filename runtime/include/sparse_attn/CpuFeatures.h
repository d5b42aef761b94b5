//===- CpuFeatures.h - Which variant of a kernel this CPU runs -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A manifest names the CPU features of each variant as LLVM spells them. This
// file asks the CPU, and the operating system for the state it saves.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_CPUFEATURES_H
#define SPARSE_ATTN_CPUFEATURES_H

#include "sparse_attn/Manifest.h"

#include <set>
#include <string>

namespace sparse_attn {

/// Names of features in LLVM spelling: "avx2", "fma", "avx512f", ...
using CpuFeatures = std::set<std::string>;

/// The features of this CPU that the operating system lets programs use. Asked once.
SPARSE_ATTN_EXPORT const CpuFeatures &hostCpuFeatures();

/// The first variant of `kernel` whose features are all in `features`. If `level` is not empty, only the variant of
/// that level is considered.
///
/// Errors: Unsupported, with the first feature that is missing for the least demanding variant (or the one of
/// `level`); InvalidArgument, with all levels, if no variant has that level.
SPARSE_ATTN_EXPORT Result<const Variant *> selectVariant(const KernelInfo &kernel, const CpuFeatures &features,
                                                         const std::string &level);

/// As above, with the level in the environment variable SPARSE_ATTN_CPU_LEVEL where it is set; kernels for a GPU ignore
/// it.
SPARSE_ATTN_EXPORT Result<const Variant *> selectVariant(const KernelInfo &kernel, const CpuFeatures &features);

} // namespace sparse_attn

#endif // SPARSE_ATTN_CPUFEATURES_H
