//===- Inputs.cpp - The arguments of a run ---------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Inputs.h"

#include "Random.h"
#include "support/InputError.h"

#include <optional>

namespace sparse_attn::tools::run {

namespace {

/// The size that --random or the function decides; `fallback` where neither does.
int64_t chooseSize(const FunctionInfo &function, const char *name, std::optional<int64_t> given,
                   std::optional<int64_t> fixed, std::optional<int64_t> fallback) {
  if (given && fixed && *given != *fixed)
    fail("--random expects ", name, "=", *fixed, ", which function '", function.name, "' fixes, but got ", name, "=",
         *given);
  std::optional<int64_t> size = given ? given : fixed ? fixed : fallback;
  if (!size)
    fail("--random expects ", name, "=..., which function '", function.name, "' leaves open");
  return *size;
}

/// The shapes that --random gives to queries, and to keys and values.
class RandomSizes {
public:
  RandomSizes(const FunctionInfo &function, const RandomShape &given) : function(function) {
    std::optional<int64_t> fixedBatch = fixedSize(function, Role::Query, 0),
                           fixedHeadSize = fixedSize(function, Role::Query, 3);
    int64_t batch = choose("B", given.batch, fixedBatch ? fixedBatch : fixedSize(function, Role::Key, 0), 1);
    std::optional<int64_t> fixedKeyHeads = fixedSize(function, Role::Key, 1);
    int64_t queryHeads = choose("H", given.queryHeads, fixedSize(function, Role::Query, 1), fixedKeyHeads.value_or(1));
    int64_t keyHeads = choose("Hkv", given.keyHeads, fixedKeyHeads, queryHeads);
    int64_t queries = choose("S", given.queries, fixedSize(function, Role::Query, 2), std::nullopt);
    int64_t keys = choose("Skv", given.keys, fixedSize(function, Role::Key, 2), queries);
    int64_t headSize =
        choose("D", given.headSize, fixedHeadSize ? fixedHeadSize : fixedSize(function, Role::Key, 3), std::nullopt);
    query = {4, {batch, queryHeads, queries, headSize}};
    key = {4, {batch, keyHeads, keys, headSize}};
  }

  const Shape &shapeFor(Role role) const { return role == Role::Query ? query : key; }

private:
  int64_t choose(const char *name, std::optional<int64_t> given, std::optional<int64_t> fixed,
                 std::optional<int64_t> fallback) const {
    return chooseSize(function, name, given, fixed, fallback);
  }

  const FunctionInfo &function;
  Shape query, key;
};

Array drawArray(const FunctionInfo &function, size_t argument, const Options &options) {
  const ArrayType &type = function.arguments[argument].array;
  if (options.random->dtype && *options.random->dtype != type.dtype)
    fail("--random expects dtype=", dtypeName(type.dtype), ", which function '", function.name,
         "' fixes, but got dtype=", dtypeName(*options.random->dtype));
  Array array(type.dtype, RandomSizes(function, *options.random).shapeFor(roleOf(function, argument)));
  fillNormal(array, options.seed, argument);
  return array;
}

} // namespace

Arguments bindInputs(const FunctionInfo &function, const Options &options) {
  if (!options.random)
    return bindArguments(function, options.files);
  return bindArguments(function, options.files, [&](size_t argument, Array &memory) {
    memory = drawArray(function, argument, options);
    return memory.view();
  });
}

} // namespace sparse_attn::tools::run
