//===- Sparsity.h - Captured numbers for a share of tiles -----*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How wide a window may be is often not what is known, but how much work there
// may be. Counting the tiles of a plan is cheap, so the width is found by
// bisection.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_SPARSITY_H
#define SPARSE_ATTN_SPARSITY_H

#include "sparse_attn/Plan.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sparse_attn {

/// The largest value, up to the longer of queries and keys, with which a plan visits at most `share` of its key tiles
/// (over all steps, batches and heads) where all `chosen` arguments have it. These are scalars that some pattern
/// captures; their own values in `arguments` are not read. The least value tried is 0, or the least that is valid.
///
/// It is taken for granted that a larger value visits no fewer tiles. Where that fails, the value found keeps to the
/// share, but there may be larger ones that do so too.
///
/// Errors: InvalidArgument for a share that is not above 0 and at most 1, for no chosen argument or one that is no
/// captured scalar, and where the least value visits more; and those of Plan::prepare, which is called at
/// most 2 log2(length) times. Throws std::bad_alloc.
SPARSE_ATTN_EXPORT Result<int64_t> fitSparsity(const std::shared_ptr<const Artifact> &artifact,
                                               const std::string &function, ValueList arguments,
                                               const std::vector<size_t> &chosen, double share,
                                               const PrepareOptions &options = {});

/// Numbers of the arguments of a function that are scalars, and captured by a pattern.
SPARSE_ATTN_EXPORT std::vector<size_t> capturedNumbers(const FunctionInfo &function);

} // namespace sparse_attn

#endif // SPARSE_ATTN_SPARSITY_H
