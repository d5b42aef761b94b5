//===- Sparsity.cpp - Captured numbers for a share of tiles ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/Sparsity.h"

#include "ArrayCheck.h"

#include <algorithm>

namespace sparse_attn {

namespace {

/// Plans a function with one value of the chosen arguments after another.
class SparsitySearch {
public:
  SparsitySearch(const std::shared_ptr<const Artifact> &artifact, const FunctionInfo &function, ValueList arguments,
                 const std::vector<size_t> &chosen, double share, const PrepareOptions &options)
      : artifact(artifact), function(function), values(arguments.values, arguments.values + arguments.count),
        chosen(chosen), share(share), options(options) {}

  Result<int64_t> find() {
    int64_t low = leastValue();
    Result<bool> fits = tryValue(low);
    if (fits.isOk() && !*fits)
      return makeError(StatusCode::InvalidArgument, "function '", function.name,
                       "': expects a share of tiles of at least ", visitedShare(),
                       ", which the chosen numbers visit where they are ", low, ", but got ", share);
    if (!fits.isOk())
      return fits.status();
    return bisect(low);
  }

private:
  /// The largest value, where `low` fits. Halves come first: chunks of 64 may fit where those of 63 do not.
  Result<int64_t> bisect(int64_t low) {
    int64_t past = std::max(longest, low) + 1;
    for (int64_t half = past - 1; half > low; half /= 2) {
      Result<bool> fits = tryValue(half);
      if (!fits.isOk())
        return fits.status();
      if (*fits)
        low = half;
      else
        past = half;
    }
    while (past - low > 1) {
      int64_t middle = low + (past - low) / 2;
      Result<bool> fits = tryValue(middle);
      if (!fits.isOk())
        return fits.status();
      (*fits ? low : past) = middle;
    }
    return low;
  }

  int64_t leastValue() const {
    int64_t least = 0;
    for (const Step &step : function.steps)
      for (size_t i = 0; i < step.captures.size(); ++i)
        if (std::find(chosen.begin(), chosen.end(), step.captures[i]) != chosen.end())
          for (size_t kernel : step.kernels)
            least = std::max(least, artifact->manifest().kernels[kernel].captures[i].least);
    return least;
  }

  /// Counts the tiles of a value, and sees the lengths. Whether they keep to the share.
  Result<bool> tryValue(int64_t value) {
    for (size_t index : chosen)
      values[index] = makeScalar(value);
    Result<std::shared_ptr<const Plan>> plan = Plan::prepare(artifact, function.name, values, options);
    if (!plan.isOk())
      return plan.status();
    tiles = (*plan)->tiles();
    for (size_t step = 0; step < (*plan)->stepCount(); ++step) {
      StepInfo info = (*plan)->step(step);
      longest = std::max({longest, info.query.size[2], info.key.size[2]});
    }
    return static_cast<double>(tiles.partial + tiles.full) <= share * static_cast<double>(tiles.total);
  }

  double visitedShare() const {
    return static_cast<double>(tiles.partial + tiles.full) / static_cast<double>(tiles.total);
  }

  const std::shared_ptr<const Artifact> &artifact;
  const FunctionInfo &function;
  std::vector<Value> values;
  const std::vector<size_t> &chosen;
  const double share;
  const PrepareOptions &options;
  TileCounts tiles; ///< Of the value that was tried last.
  int64_t longest = 0;
};

Status checkChosen(const FunctionInfo &function, const std::vector<size_t> &chosen) {
  if (chosen.empty())
    return makeError(StatusCode::InvalidArgument, "function '", function.name,
                     "': expects a captured number to choose, but got none");
  std::vector<size_t> captured = capturedNumbers(function);
  for (size_t index : chosen)
    if (index >= function.arguments.size())
      return makeError(StatusCode::InvalidArgument, "function '", function.name, "': expects an argument below ",
                       function.arguments.size(), ", but got ", index);
    else if (std::find(captured.begin(), captured.end(), index) == captured.end())
      return makeError(StatusCode::InvalidArgument, "function '", function.name,
                       "': expects a number that a pattern captures, but got ", argumentName(function, index));
  return {};
}

} // namespace

std::vector<size_t> capturedNumbers(const FunctionInfo &function) {
  std::vector<size_t> numbers;
  for (size_t i = 0; i < function.arguments.size(); ++i) {
    auto captures = [&](const Step &step) {
      return std::find(step.captures.begin(), step.captures.end(), i) != step.captures.end();
    };
    if (function.arguments[i].kind == ArgumentKind::Scalar &&
        std::any_of(function.steps.begin(), function.steps.end(), captures))
      numbers.push_back(i);
  }
  return numbers;
}

Result<int64_t> fitSparsity(const std::shared_ptr<const Artifact> &artifact, const std::string &function,
                            ValueList arguments, const std::vector<size_t> &chosen, double share,
                            const PrepareOptions &options) {
  // The negation refuses what is no number, too.
  if (!(share > 0 && share <= 1))
    return makeError(StatusCode::InvalidArgument, "expects a share of tiles above 0 and at most 1, but got ", share);
  Result<const FunctionInfo *> info = Plan::findFunction(artifact, function);
  if (!info.isOk())
    return info.status();
  if (Status status = checkChosen(**info, chosen); !status.isOk())
    return status;
  if (Status status = checkCount("arguments", (*info)->arguments.size(), arguments); !status.isOk())
    return status;
  return SparsitySearch(artifact, **info, arguments, chosen, share, options).find();
}

} // namespace sparse_attn
