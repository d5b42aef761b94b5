//===- Arguments.cpp - Where the arguments of a function come from --------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/Arguments.h"

#include "support/InputError.h"
#include "support/Npy.h"

#include "sparse_attn/Sparsity.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>

namespace sparse_attn::tools {

namespace {

/// What the command line gives for an argument.
struct Source {
  std::string option;             ///< For instance "--q"; empty: not given.
  std::string text;               ///< A file or an integer.
  std::vector<std::string> files; ///< Of masks.
};

/// Finds the source of every argument among the options.
class SourceFinder {
public:
  SourceFinder(const FunctionInfo &function, const ArgumentFiles &given, bool capturesOnly)
      : function(function), given(given), capturesOnly(capturesOnly), sources(function.arguments.size()) {}

  std::vector<Source> find() {
    for (const auto &[name, text] : given.captures)
      give(capture("--capture", name), "--capture " + name, text);
    for (const auto &[name, file] : given.masks) {
      Source &source = sources[capture("--mask", name)];
      source.option = "--mask " + name;
      source.files.push_back(file);
    }
    giveRole(Role::Query, "--q", given.query);
    giveRole(Role::Key, "--k", given.key);
    giveRole(Role::Value, "--v", given.value);
    checkComplete();
    return std::move(sources);
  }

private:
  /// The argument of that name, which must be one that the option can give.
  size_t capture(const char *option, const std::string &name) const {
    bool givesMask = std::string_view(option) == "--mask";
    std::string names;
    for (size_t i = 0; i < function.arguments.size(); ++i) {
      if (function.arguments[i].name == name) {
        if (givesMask != (function.arguments[i].kind == ArgumentKind::Mask))
          fail("argument '", name, "' is ", givesMask ? "no mask" : "a mask", ": give ",
               optionFor(i, roleOf(function, i)));
        return i;
      }
      names += (names.empty() ? "'" : ", '") + function.arguments[i].name + "'";
    }
    fail(option, " expects an argument of function '", function.name, "', which has ", names, ", but got '", name, "'");
  }

  void give(size_t argument, const std::string &option, const std::string &text) {
    if (!sources[argument].option.empty())
      fail("argument '", function.arguments[argument].name, "' is given twice, by ", sources[argument].option, " and ",
           option);
    sources[argument].option = option;
    sources[argument].text = text;
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
      bool mayMiss = role == Role::Capture ? given.numbersMayMiss && isCapturedNumber(i) : capturesOnly;
      if (!sources[i].option.empty() || mayMiss)
        continue;
      missing += (missing.empty() ? "'" : ", '") + function.arguments[i].name + "' with " + optionFor(i, role);
    }
    if (!missing.empty())
      fail("function '", function.name, "' needs more arguments: give ", missing);
  }

  bool isCapturedNumber(size_t argument) const {
    std::vector<size_t> numbers = capturedNumbers(function);
    return std::find(numbers.begin(), numbers.end(), argument) != numbers.end();
  }

  std::string optionFor(size_t argument, Role role) const {
    static const std::map<Role, std::string> options = {
        {Role::Query, "--q FILE.npy"}, {Role::Key, "--k FILE.npy"}, {Role::Value, "--v FILE.npy"}};
    auto option = options.find(role);
    if (option != options.end())
      return option->second;
    const ArgumentInfo &info = function.arguments[argument];
    switch (info.kind) {
    case ArgumentKind::Array:
      return "--capture " + info.name + "=FILE.npy";
    case ArgumentKind::Scalar:
      return "--capture " + info.name + "=INT";
    case ArgumentKind::Mask:
      break;
    }
    return "--mask " + info.name + "=FILE";
  }

  const FunctionInfo &function;
  const ArgumentFiles &given;
  const bool capturesOnly;
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

/// The heads of the first argument that is a query.
int64_t queryHeads(const FunctionInfo &function, const std::vector<Value> &values) {
  for (size_t i = 0; i < values.size(); ++i)
    if (roleOf(function, i) == Role::Query)
      return values[i].size[1];
  return 0;
}

} // namespace

Role roleOf(const FunctionInfo &function, size_t argument) {
  auto is = [&](const Operand &operand) {
    return operand.kind == Operand::Kind::Argument && operand.index == argument;
  };
  auto playedIn = [&](Operand Step::*operand) {
    return std::any_of(function.steps.begin(), function.steps.end(), [&](const Step &s) { return is(s.*operand); });
  };
  return playedIn(&Step::query)                                                         ? Role::Query
         : playedIn(&Step::key)                                                         ? Role::Key
         : playedIn(&Step::value) && function.arguments[argument].array.shape.rank == 4 ? Role::Value
                                                                                        : Role::Capture;
}

std::optional<int64_t> fixedSize(const FunctionInfo &function, Role role, size_t dimension) {
  for (size_t i = 0; i < function.arguments.size(); ++i) {
    int64_t size = function.arguments[i].array.shape.size[dimension];
    if (roleOf(function, i) == role && size != dynamicSize)
      return size;
  }
  return std::nullopt;
}

Arguments bindArguments(const FunctionInfo &function, const ArgumentFiles &files, const StandIn &standIn) {
  std::vector<Source> sources = SourceFinder(function, files, standIn != nullptr).find();
  Arguments arguments;
  for (size_t i = 0; i < function.arguments.size(); ++i) {
    const ArgumentInfo &info = function.arguments[i];
    Array &array = arguments.arrays.emplace_back();
    Value &value = arguments.values.emplace_back();
    if (info.kind == ArgumentKind::Scalar && sources[i].option.empty()) {
      value = makeScalar(0);
      arguments.openNumbers.push_back(i);
    } else if (info.kind == ArgumentKind::Scalar) {
      value = parseScalar(sources[i]);
    } else if (info.kind == ArgumentKind::Array && sources[i].option.empty()) {
      value = standIn(i, array);
    } else if (info.kind == ArgumentKind::Array) {
      array = readNpy(sources[i].text, info.array.dtype);
      value = array.view();
    }
  }
  // Masks come last: how many there may be depends on the queries.
  for (size_t i = 0; i < function.arguments.size(); ++i)
    if (function.arguments[i].kind == ArgumentKind::Mask) {
      arguments.masks.emplace_back(sources[i].option, sources[i].files, queryHeads(function, arguments.values));
      arguments.values[i] = arguments.masks.back().view();
    }
  return arguments;
}

} // namespace sparse_attn::tools
