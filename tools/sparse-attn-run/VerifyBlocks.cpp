//===- VerifyBlocks.cpp - Comparison of weights with the reference --------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VerifyBlocks.h"

#include "support/Check.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tbb/blocked_range.h>
#include <tbb/parallel_reduce.h>
#include <vector>

namespace sparse_attn::tools::run {

namespace {

/// One batch and head of a step.
class HeadCheck {
public:
  HeadCheck(const BlockStep &step, int64_t b, int64_t h)
      : step(step), info(step.plan.step(step.number)), b(b), h(h), keys(step.key.size[2]),
        attends(static_cast<size_t>(keys)), expected(static_cast<size_t>(keys)), sums(static_cast<size_t>(keys)) {}

  BlockErrors run(Progress &progress) {
    for (int64_t row = 0; row < step.query.size[2]; ++row) {
      computeRow(row);
      if (step.values)
        compareRow(row);
      for (size_t k = 0; k < sums.size(); ++k)
        sums[k] += expected[k];
      errors.pairs += std::count(attends.begin(), attends.end(), 1);
      progress.advance();
    }
    if (step.sums)
      for (int64_t k = 0; k < keys; ++k) {
        double sum = sums[static_cast<size_t>(k)];
        note((step.sums->at(headNumber() * keys + k) - sum) / std::max(1.0, sum));
      }
    return errors;
  }

private:
  int64_t headNumber() const { return b * step.query.size[1] + h; }

  void note(double difference) {
    double error = std::isfinite(difference) ? std::abs(difference) : std::numeric_limits<double>::infinity();
    errors.weights = std::max(errors.weights, error);
  }

  /// Sets the weights of a row: exp(score - log-sum-exp).
  void computeRow(int64_t row) {
    check(step.plan.predicate(step.number, b, h, row, attends.data()));
    int64_t keyHead = h / (step.query.size[1] / step.key.size[1]);
    std::vector<float> scores(static_cast<size_t>(keys));
    for (int64_t k = 0; k < keys; ++k) {
      double score = 0;
      for (int64_t d = 0; d < step.query.size[3]; ++d)
        score += step.query.at(b, h, row, d) * step.key.at(b, keyHead, k, d);
      expected[static_cast<size_t>(k)] = score * info.kernel->scale;
      scores[static_cast<size_t>(k)] = static_cast<float>(score * info.kernel->scale);
    }
    if (info.variant->entries.score) { // It computes in f32.
      check(step.plan.modifyScores(step.number, b, h, row, scores.data()));
      std::copy(scores.begin(), scores.end(), expected.begin());
    }
    double lse = step.logSumExp.at(headNumber() * step.query.size[2] + row);
    bool isEmpty = std::isinf(lse) && lse < 0;
    for (size_t k = 0; k < expected.size(); ++k)
      expected[k] = attends[k] && !isEmpty ? std::exp(expected[k] - lse) : 0;
  }

  /// Compares a row of the blocks. What is in no block has to be 0.
  void compareRow(int64_t row) {
    int64_t tileQ = info.variant->tileQ, tileK = info.variant->tileK, blockRow = row / tileQ;
    auto offset = [&](int64_t head) { return static_cast<int64_t>(step.offsets->at(head)); };
    std::vector<uint8_t> isCovered(expected.size());
    for (int64_t n = offset(headNumber()); n < offset(headNumber() + 1); ++n) {
      if (static_cast<int64_t>(step.indices->at(2 * n)) != blockRow)
        continue;
      int64_t first = static_cast<int64_t>(step.indices->at(2 * n + 1)) * tileK;
      for (int64_t i = 0; i < tileK; ++i) {
        bool exists = first + i < keys;
        double weight = exists ? expected[static_cast<size_t>(first + i)] : 0;
        note(step.values->at((n * tileQ + row % tileQ) * tileK + i) - weight);
        if (exists)
          isCovered[static_cast<size_t>(first + i)] = 1;
      }
    }
    for (size_t k = 0; k < expected.size(); ++k)
      if (!isCovered[k])
        note(expected[k]);
  }

  const BlockStep &step;
  StepInfo info;
  int64_t b, h, keys;
  std::vector<uint8_t> attends;
  std::vector<double> expected, sums;
  BlockErrors errors;
};

} // namespace

BlockErrors checkBlocks(const BlockStep &step, Progress &progress) {
  int64_t heads = step.query.size[1];
  auto checkHeads = [&](const tbb::blocked_range<int64_t> &range, BlockErrors errors) {
    for (int64_t i = range.begin(); i < range.end(); ++i) {
      BlockErrors found = HeadCheck(step, i / heads, i % heads).run(progress);
      errors.weights = std::max(errors.weights, found.weights);
      errors.pairs += found.pairs;
    }
    return errors;
  };
  auto join = [](const BlockErrors &left, const BlockErrors &right) {
    return BlockErrors{std::max(left.weights, right.weights), left.pairs + right.pairs};
  };
  return tbb::parallel_reduce(tbb::blocked_range<int64_t>(0, step.query.size[0] * heads, 1), BlockErrors(), checkHeads,
                              join);
}

} // namespace sparse_attn::tools::run
