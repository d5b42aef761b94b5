//===- Pairs.cpp - Counting attending pairs --------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Pairs.h"

#include "support/InputError.h"
#include "support/Progress.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <tbb/blocked_range.h>
#include <tbb/parallel_reduce.h>
#include <vector>

namespace sparse_attn::tools::run {

namespace {

constexpr int64_t maxCountedPairs = int64_t(1) << 36;
/// Rows at either end that are counted in any case: patterns tend to differ there.
constexpr int64_t endRows = 256;
constexpr int64_t sampledRows = 4096;

int64_t countRow(const Plan &plan, size_t step, int64_t b, int64_t h, int64_t row, std::vector<uint8_t> &attends) {
  Status status = plan.predicate(step, b, h, row, attends.data());
  if (!status.isOk())
    fail(status.message());
  return std::accumulate(attends.begin(), attends.end(), int64_t(0));
}

/// The attending pairs of `rows` rows of one batch and head; row i of them is `rowAt(i)`.
int64_t countRows(const Plan &plan, size_t step, int64_t b, int64_t h, int64_t rows,
                  const std::function<int64_t(int64_t)> &rowAt, Progress &progress) {
  int64_t keys = plan.step(step).sequenceOf(b).keys;
  auto countRange = [&](const tbb::blocked_range<int64_t> &range, int64_t sum) {
    std::vector<uint8_t> attends(static_cast<size_t>(keys));
    for (int64_t i = range.begin(); i < range.end(); ++i)
      sum += countRow(plan, step, b, h, rowAt(i), attends);
    progress.advance(static_cast<int64_t>(range.size()));
    return sum;
  };
  return tbb::parallel_reduce(tbb::blocked_range<int64_t>(0, rows, 16), int64_t(0), countRange, std::plus<>());
}

/// The attending pairs of one batch and head, from the rows at the ends and a sample of those between.
int64_t estimatePairs(const Plan &plan, size_t step, int64_t b, int64_t h, Progress &progress) {
  int64_t queries = plan.step(step).sequenceOf(b).queries, between = queries - 2 * endRows;
  auto same = [](int64_t i) { return i; };
  if (between <= sampledRows)
    return countRows(plan, step, b, h, queries, same, progress);
  int64_t first = countRows(plan, step, b, h, endRows, same, progress);
  int64_t last = countRows(plan, step, b, h, endRows, [&](int64_t i) { return queries - 1 - i; }, progress);
  // The odd step within a stratum keeps the sample from always meeting the same row of a tile.
  auto sampled = [&](int64_t i) {
    int64_t begin = between * i / sampledRows, size = between * (i + 1) / sampledRows - begin;
    return endRows + begin + i * 37 % size;
  };
  int64_t middle = countRows(plan, step, b, h, sampledRows, sampled, progress);
  return first + last + std::llround(static_cast<double>(middle) * static_cast<double>(between) / sampledRows);
}

} // namespace

double allPairs(const StepInfo &step) {
  double pairs = 0;
  for (int64_t b = 0; b < step.query.size[0]; ++b) {
    Sequence sequence = step.sequenceOf(b);
    pairs += static_cast<double>(sequence.queries) * static_cast<double>(sequence.keys);
  }
  return pairs * static_cast<double>(step.query.size[1]);
}

PairCount countPairs(const Plan &plan, size_t step) {
  StepInfo info = plan.step(step);
  int64_t batches = info.perBatch ? info.query.size[0] : std::min<int64_t>(info.query.size[0], 1);
  int64_t heads = info.perHead ? info.query.size[1] : std::min<int64_t>(info.query.size[1], 1);
  if (batches * heads == 0)
    return {};
  PairCount count;
  int64_t rows = 0;
  for (int64_t b = 0; b < batches; ++b)
    rows += heads * info.sequenceOf(b).queries;
  count.estimated = rows > maxCountedPairs / std::max<int64_t>(info.key.size[2], 1);
  Progress progress("counting pairs", rows);
  auto same = [](int64_t i) { return i; };
  for (int64_t b = 0; b < batches; ++b)
    for (int64_t h = 0; h < heads; ++h)
      count.pairs += count.estimated ? estimatePairs(plan, step, b, h, progress)
                                     : countRows(plan, step, b, h, info.sequenceOf(b).queries, same, progress);
  count.pairs *= info.query.size[0] / batches * (info.query.size[1] / heads);
  return count;
}

} // namespace sparse_attn::tools::run
