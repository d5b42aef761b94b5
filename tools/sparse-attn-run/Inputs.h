//===- Inputs.h - The arguments of a run -----------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_RUN_INPUTS_H
#define SPARSE_ATTN_RUN_INPUTS_H

#include "Array.h"
#include "Options.h"

#include "sparse_attn/Manifest.h"

#include <optional>
#include <vector>

namespace sparse_attn::run {

/// The arguments of one call, in the order of the function's declaration.
struct Inputs {
  std::vector<Array> arrays; ///< Empty for scalars.
  std::vector<Value> values; ///< Views of the arrays, and the scalars.
};

/// What a function does with an argument. Captures are all that is no query, key or value.
enum class Role { Query, Key, Value, Capture };

/// The first of the roles that an argument plays in the steps of a function.
Role roleOf(const FunctionInfo &function, size_t argument);

/// Reads or draws every argument. Throws an InputError where one is missing (naming it, and the option that gives it),
/// given twice or unknown, and where --random disagrees with a size or dtype that the function fixes.
Inputs bindInputs(const FunctionInfo &function, const Options &options);

} // namespace sparse_attn::run

#endif // SPARSE_ATTN_RUN_INPUTS_H
