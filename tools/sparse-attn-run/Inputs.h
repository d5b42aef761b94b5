//===- Inputs.h - The arguments of a run -----------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_RUN_INPUTS_H
#define SPARSE_ATTN_RUN_INPUTS_H

#include "Options.h"
#include "support/Arguments.h"

#include "sparse_attn/Manifest.h"

namespace sparse_attn::tools::run {

/// Reads or draws every argument. Throws an InputError where one is missing (naming it, and the option that gives it),
/// given twice or unknown, and where --random disagrees with a size or dtype that the function fixes.
Arguments bindInputs(const FunctionInfo &function, const Options &options);

} // namespace sparse_attn::tools::run

#endif // SPARSE_ATTN_RUN_INPUTS_H
