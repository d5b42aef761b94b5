//===- Inputs.cpp - The arguments of a run ---------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Inputs.h"

#include "InputError.h"
#include "Npy.h"
#include "Random.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

namespace sparse_attn::run {

namespace {

/// What the command line gives for an argument: nothing, a file (or integer), or random values.
struct Source {
  std::string option; ///< For instance "--q"; empty: not given.
  std::string text;   ///< A file or an integer.
};

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
    std::optional<int64_t> fixedBatch = fixedSize(Role::Query, 0), fixedHeadSize = fixedSize(Role::Query, 3);
    int64_t batch = choose("B", given.batch, fixedBatch ? fixedBatch : fixedSize(Role::Key, 0), 1);
    std::optional<int64_t> fixedKeyHeads = fixedSize(Role::Key, 1);
    int64_t queryHeads = choose("H", given.queryHeads, fixedSize(Role::Query, 1), fixedKeyHeads.value_or(1));
    int64_t keyHeads = choose("Hkv", given.keyHeads, fixedKeyHeads, queryHeads);
    int64_t queries = choose("S", given.queries, fixedSize(Role::Query, 2), std::nullopt);
    int64_t keys = choose("Skv", given.keys, fixedSize(Role::Key, 2), queries);
    int64_t headSize =
        choose("D", given.headSize, fixedHeadSize ? fixedHeadSize : fixedSize(Role::Key, 3), std::nullopt);
    query = {4, {batch, queryHeads, queries, headSize}};
    key = {4, {batch, keyHeads, keys, headSize}};
  }

  const Shape &shapeFor(Role role) const { return role == Role::Query ? query : key; }

private:
  int64_t choose(const char *name, std::optional<int64_t> given, std::optional<int64_t> fixed,
                 std::optional<int64_t> fallback) const {
    return chooseSize(function, name, given, fixed, fallback);
  }

  /// The static size of a dimension, from the first argument of that role that has one.
  std::optional<int64_t> fixedSize(Role role, size_t dimension) const {
    for (size_t i = 0; i < function.arguments.size(); ++i) {
      int64_t size = function.arguments[i].array.shape.size[dimension];
      if (roleOf(function, i) == role && size != dynamicSize)
        return size;
    }
    return std::nullopt;
  }

  const FunctionInfo &function;
  Shape query, key;
};

/// Finds the source of every argument among the options.
class SourceFinder {
public:
  SourceFinder(const FunctionInfo &function, const Options &options)
      : function(function), options(options), sources(function.arguments.size()) {}

  std::vector<Source> find() {
    for (const auto &[name, text] : options.captures)
      give(indexOf(name), "--capture " + name, text);
    giveRole(Role::Query, "--q", options.query);
    giveRole(Role::Key, "--k", options.key);
    giveRole(Role::Value, "--v", options.value);
    checkComplete();
    return std::move(sources);
  }

private:
  size_t indexOf(const std::string &name) const {
    std::string names;
    for (size_t i = 0; i < function.arguments.size(); ++i) {
      if (function.arguments[i].name == name)
        return i;
      names += (names.empty() ? "'" : ", '") + function.arguments[i].name + "'";
    }
    fail("--capture expects an argument of function '", function.name, "', which has ", names, ", but got '", name,
         "'");
  }

  void give(size_t argument, const std::string &option, const std::string &text) {
    if (!sources[argument].option.empty())
      fail("argument '", function.arguments[argument].name, "' is given twice, by ", sources[argument].option, " and ",
           option);
    sources[argument] = {option, text};
  }

  /// Gives a file to the first argument of a role; further ones are given by their names.
  void giveRole(Role role, const char *option, const std::string &file) {
    if (file.empty())
      return;
    for (size_t i = 0; i < function.arguments.size(); ++i)
      if (roleOf(function, i) == role)
        return give(i, option, file);
    fail(option, " expects a function with an argument of its own for it, but '", function.name, "' has none");
  }

  void checkComplete() const {
    std::string missing;
    for (size_t i = 0; i < function.arguments.size(); ++i) {
      Role role = roleOf(function, i);
      if (!sources[i].option.empty() || (options.random && role != Role::Capture))
        continue;
      missing += (missing.empty() ? "'" : ", '") + function.arguments[i].name + "' with " + optionFor(i, role);
    }
    if (!missing.empty())
      fail("function '", function.name, "' needs more arguments: give ", missing);
  }

  std::string optionFor(size_t argument, Role role) const {
    static const std::map<Role, std::string> options = {
        {Role::Query, "--q FILE.npy"}, {Role::Key, "--k FILE.npy"}, {Role::Value, "--v FILE.npy"}};
    auto option = options.find(role);
    if (option != options.end())
      return option->second;
    const ArgumentInfo &info = function.arguments[argument];
    return "--capture " + info.name + (info.isScalar ? "=INT" : "=FILE.npy");
  }

  const FunctionInfo &function;
  const Options &options;
  std::vector<Source> sources;
};

Value parseScalar(const Source &source) {
  int64_t value = 0;
  const char *begin = source.text.data(), *end = begin + source.text.size();
  auto [stop, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || stop != end)
    fail(source.option, " expects an integer, but got '", source.text, "'");
  return makeScalar(value);
}

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

Role roleOf(const FunctionInfo &function, size_t argument) {
  auto is = [&](const Operand &operand) {
    return operand.kind == Operand::Kind::Argument && operand.index == argument;
  };
  auto playedIn = [&](Operand Step::*operand) {
    return std::any_of(function.steps.begin(), function.steps.end(), [&](const Step &s) { return is(s.*operand); });
  };
  return playedIn(&Step::query)   ? Role::Query
         : playedIn(&Step::key)   ? Role::Key
         : playedIn(&Step::value) ? Role::Value
                                  : Role::Capture;
}

Inputs bindInputs(const FunctionInfo &function, const Options &options) {
  std::vector<Source> sources = SourceFinder(function, options).find();
  Inputs inputs;
  for (size_t i = 0; i < function.arguments.size(); ++i) {
    const ArgumentInfo &info = function.arguments[i];
    if (info.isScalar) {
      inputs.arrays.emplace_back();
      inputs.values.push_back(parseScalar(sources[i]));
      continue;
    }
    inputs.arrays.push_back(sources[i].option.empty() ? drawArray(function, i, options)
                                                      : readNpy(sources[i].text, info.array.dtype));
    inputs.values.push_back(inputs.arrays.back().view());
  }
  return inputs;
}

} // namespace sparse_attn::run
