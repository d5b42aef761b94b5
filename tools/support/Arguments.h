//===- Arguments.h - Where the arguments of a function come from ----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_SUPPORT_ARGUMENTS_H
#define SPARSE_ATTN_SUPPORT_ARGUMENTS_H

#include "sparse_attn/Manifest.h"
#include "sparse_attn/Value.h"
#include "support/Array.h"
#include "support/Masks.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sparse_attn::tools {

/// What a function does with an argument. Captures are all that is no query, key or value.
enum class Role { Query, Key, Value, Capture };

/// The first of the roles that an argument plays in the steps of a function.
Role roleOf(const FunctionInfo &function, size_t argument);

/// The static size of a dimension, from the first argument of that role that has one.
std::optional<int64_t> fixedSize(const FunctionInfo &function, Role role, size_t dimension);

/// What a command line gives for the arguments of a function.
struct ArgumentFiles {
  std::string query, key, value;                             ///< .npy files; empty where not given.
  std::vector<std::pair<std::string, std::string>> captures; ///< Argument name, and file or integer.
  std::vector<std::pair<std::string, std::string>> masks;    ///< Argument name and file; a name may come many times.
  bool numbersMayMiss = false;                               ///< Captured numbers that are not given are left open.
};

/// The arguments of one call, in the order of the function's declaration.
struct Arguments {
  std::vector<Array> arrays; ///< Empty for scalars and masks.
  std::vector<Value> values; ///< Views of the arrays and of the tables of masks, and the scalars.
  std::vector<MaskTable> masks;
  std::vector<size_t> openNumbers; ///< Captured numbers that are left open; their values are 0.
};

/// Stands in for an argument that is not given: returns it, and keeps in `memory` what it needs.
using StandIn = std::function<Value(size_t argument, Array &memory)>;

/// Reads every argument. With a `standIn`, only captures must be given. Throws an InputError where one is missing
/// (naming it, and the option that gives it), given twice, unknown or of another kind.
Arguments bindArguments(const FunctionInfo &function, const ArgumentFiles &files, const StandIn &standIn = nullptr);

} // namespace sparse_attn::tools

#endif // SPARSE_ATTN_SUPPORT_ARGUMENTS_H
