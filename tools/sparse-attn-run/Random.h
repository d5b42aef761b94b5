//===- Random.h - Normally distributed inputs ------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_RUN_RANDOM_H
#define SPARSE_ATTN_RUN_RANDOM_H

#include "support/Array.h"

#include <cstdint>

namespace sparse_attn::tools::run {

/// Fills an array with values of mean 0 and variance 1, normal up to 6 standard deviations. Element i is a function of
/// (seed, stream, i) in integer arithmetic, so it is the same on every machine.
void fillNormal(Array &array, uint64_t seed, uint64_t stream);

} // namespace sparse_attn::tools::run

#endif // SPARSE_ATTN_RUN_RANDOM_H
