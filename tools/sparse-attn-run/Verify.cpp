//===- Verify.cpp - Comparison with the reference --------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Verify.h"

#include "Pairs.h"
#include "SampleRows.h"
#include "support/InputError.h"
#include "support/Progress.h"

#include "sparse_attn/Reference.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <tbb/blocked_range.h>
#include <tbb/parallel_reduce.h>
#include <utility>
#include <vector>

namespace sparse_attn::tools::run {

namespace {

constexpr double maxComparedPairs = 2147483648.0; // 2^31
constexpr int64_t comparedRows = 512;

double outputTolerance(DType dtype) { return dtype == DType::F32 ? 2e-6 : dtype == DType::F16 ? 1e-3 : 8e-3; }
double lseTolerance(DType dtype) { return dtype == DType::F32 ? 1e-5 : 2e-3; }

/// |got - expected|; infinite where one of them is NaN or infinite and the other is not the same.
double difference(double got, double expected) {
  if (std::isfinite(got) && std::isfinite(expected))
    return std::abs(got - expected);
  bool same = std::isnan(expected) ? std::isnan(got) : got == expected;
  return same ? 0 : std::numeric_limits<double>::infinity();
}

/// An array [batch, heads, length, head size] as floats: an argument's own memory where that is f32, else a copy.
class FloatArray {
public:
  explicit FloatArray(const Array &array) {
    if (array.dtype() == DType::F32) {
      view = makeFloatView(array.data<float>(), array.shape().size);
      return;
    }
    storage.resize(static_cast<size_t>(array.elements()));
    for (int64_t i = 0; i < array.elements(); ++i)
      storage[static_cast<size_t>(i)] = static_cast<float>(array.at(i));
    view = makeFloatView(storage.data(), array.shape().size);
  }

  double maxAbs() const {
    double largest = 0;
    for (int64_t i = 0; i < view.size[0] * view.size[1] * view.size[2] * view.size[3]; ++i)
      if (std::isfinite(view.data[i]))
        largest = std::max(largest, std::abs(static_cast<double>(view.data[i])));
    return largest;
  }

  FloatView view;

private:
  std::vector<float> storage;
};

/// Rows [first, first + count) of one batch; where a batch of the array is no sequence, of its only batch.
FloatView rowsOf(FloatView array, int64_t batch, int64_t first, int64_t count) {
  array.data += std::min(batch, array.size[0] - 1) * array.stride[0] + first * array.stride[2];
  array.size[0] = 1;
  array.size[2] = count;
  return array;
}

/// What was found in some rows of one step.
struct RowErrors {
  double output = 0; ///< Absolute.
  double lse = 0;
  int64_t pairs = 0;

  void join(const RowErrors &other) {
    output = std::max(output, other.output);
    lse = std::max(lse, other.lse);
    pairs += other.pairs;
  }
};

/// One step: its operands, and where its results are and go.
class StepCheck {
public:
  StepCheck(const Plan &plan, size_t number, const FloatArray &query, const FloatArray &key, const FloatArray &value)
      : plan(plan), number(number), info(plan.step(number)), query(query.view), key(key.view), value(value.view) {}

  std::optional<FloatView> partialOutput; ///< What the step goes on from.
  const Array *partialLse = nullptr;
  const Array *output = nullptr;    ///< Compared with the reference; null: not compared.
  const Array *logSumExp = nullptr; ///< The same.
  Array *reference = nullptr;       ///< Receives the reference; null where no later step needs it.
  Array *referenceLse = nullptr;    ///< The same.

  RowErrors check(const std::vector<Row> &rows, Progress &progress) const {
    auto checkRange = [&](const tbb::blocked_range<size_t> &range, RowErrors errors) {
      std::vector<uint8_t> attends(static_cast<size_t>(key.size[2]));
      std::vector<double> expected(static_cast<size_t>(value.size[3]));
      for (size_t r = range.begin(); r < range.end(); ++r) {
        errors.join(checkRow(rows[r], attends, expected));
        progress.advance();
      }
      return errors;
    };
    auto join = [](RowErrors a, const RowErrors &b) { return a.join(b), a; };
    return tbb::parallel_reduce(tbb::blocked_range<size_t>(0, rows.size()), RowErrors(), checkRange, join);
  }

private:
  RowErrors checkRow(const Row &row, std::vector<uint8_t> &attends, std::vector<double> &expected) const {
    Status status = plan.predicate(number, row.batch, row.head, row.query, attends.data());
    if (!status.isOk())
      fail(status.message());
    Sequence sequence = info.sequenceOf(row.batch);
    FloatView queries = rowsOf(query, row.batch, sequence.firstQuery, sequence.queries),
              keys = rowsOf(key, row.batch, sequence.firstKey, sequence.keys),
              values = rowsOf(value, row.batch, sequence.firstKey, sequence.keys);
    double lse = referenceRow(queries, keys, values, info.kernel->scale, attends.data(), 0, row.head, row.query,
                              expected.data(), modifyScores(row.batch, sequence.keys));
    int64_t index = indexOf(row);
    if (partialOutput)
      lse = mergePartial(index, lse, expected);
    RowErrors errors;
    int64_t first = index * value.size[3];
    for (int64_t d = 0; d < value.size[3]; ++d) {
      double element = expected[static_cast<size_t>(d)];
      if (output)
        errors.output = std::max(errors.output, difference(output->at(first + d), element));
      if (reference)
        reference->set(first + d, static_cast<float>(element));
    }
    if (referenceLse)
      referenceLse->set(index, static_cast<float>(lse));
    if (logSumExp)
      errors.lse = difference(logSumExp->at(index), lse);
    errors.pairs = std::count(attends.begin(), attends.begin() + sequence.keys, 1);
    return errors;
  }

  /// The number of a row in a contiguous array.
  int64_t indexOf(const Row &row) const {
    int64_t batch = std::min(row.batch, query.size[0] - 1);
    return (batch * query.size[1] + row.head) * query.size[2] + info.sequenceOf(row.batch).firstQuery + row.query;
  }

  /// Joins a row of the partial result to `output` with log-sum-exp `lse`; returns that of both.
  double mergePartial(int64_t index, double lse, std::vector<double> &output) const {
    double before = partialLse->at(index), maximum = std::max(before, lse);
    if (std::isinf(before) && before < 0)
      return lse;
    double weight = std::exp(lse - maximum), weightBefore = std::exp(before - maximum), sum = weight + weightBefore;
    for (size_t d = 0; d < output.size(); ++d)
      output[d] =
          (weight * output[d] + weightBefore * partialOutput->data[index * value.size[3] + static_cast<int64_t>(d)]) /
          sum;
    return maximum + std::log(sum);
  }

  /// The compiled score region, which computes in f32; null without one.
  ScoreFunction modifyScores(int64_t batch, int64_t keys) const {
    if (!info.variant->entries.score)
      return nullptr;
    return [this, batch, keys](int64_t, int64_t h, int64_t row, double *scores) {
      std::vector<float> numbers(scores, scores + keys);
      if (Status status = plan.modifyScores(number, batch, h, row, numbers.data()); !status.isOk())
        fail(status.message());
      std::copy(numbers.begin(), numbers.end(), scores);
    };
  }

  const Plan &plan;
  size_t number;
  StepInfo info;
  FloatView query, key, value;
};

/// Walks the steps of a function. The reference of what a step leaves for later ones is rounded as the kernels round.
class Verifier {
public:
  Verifier(const Plan &plan, const Arguments &inputs, const Results &results)
      : plan(plan), inputs(inputs), results(results), steps(plan.function().steps) {
    for (size_t s = 0; s < steps.size(); ++s)
      sampled |= allPairs(plan.step(s)) > maxComparedPairs;
    // Of what a step reads as queries, keys or values, it needs all rows.
    auto isIntermediate = [](const Operand &operand) { return operand.kind != Operand::Kind::Argument; };
    for (const Step &step : steps)
      if (sampled && (isIntermediate(step.query) || isIntermediate(step.key) || isIntermediate(step.value)))
        fail("--verify expects at most 2^31 pairs in each step of a function whose steps read what others compute, but "
             "got more");
  }

  Verification run() {
    for (size_t s = 0; s < steps.size(); ++s)
      checkStep(s);
    if (sampled)
      found.activePairs.reset();
    return found;
  }

private:
  using Name = std::pair<Operand::Kind, size_t>;

  void checkStep(size_t s) {
    const Step &step = steps[s];
    StepInfo info = plan.step(s);
    FloatArray query = read(step.query), key = read(step.key), value = read(step.value);
    StepCheck check(plan, s, query, key, value);
    std::optional<FloatArray> partial;
    if (step.partial) {
      partial.emplace(read(step.partial->output));
      check.partialOutput = partial->view;
      check.partialLse = &arrayOf(step.partial->lse);
    }
    check.output = resultOf(step.output, s);
    check.logSumExp = step.lse ? resultOf(*step.lse, s) : nullptr;
    if (s + 1 < steps.size()) {
      const auto &size = query.view.size;
      check.reference = &keep(step.output, Array(info.kernel->dtype, Shape{4, size}));
      Shape sums{3, {size[0], size[1], size[2]}};
      if (step.lse)
        check.referenceLse = &keep(*step.lse, Array(DType::F32, sums));
    }

    std::vector<Row> rows = rowsToCheck(info);
    Progress progress("verifying", static_cast<int64_t>(rows.size()));
    record(info, check, check.check(rows, progress), value.maxAbs());
    found.rows += static_cast<int64_t>(rows.size());
    found.modifiesScores |= info.variant->entries.score.has_value();
    for (int64_t b = 0; b < info.query.size[0]; ++b)
      found.allRows += info.query.size[1] * info.sequenceOf(b).queries;
  }

  /// The same of all steps over the same queries, as one may go on from the rows of another.
  std::vector<Row> rowsToCheck(const StepInfo &info) const {
    int64_t tileQ = plan.step(0).variant->tileQ, batches = info.query.size[0], heads = info.query.size[1];
    if (info.sequences.empty())
      return sampled ? sampleRows(batches, heads, info.query.size[2], tileQ, comparedRows)
                     : allRows(batches, heads, info.query.size[2]);
    std::vector<Row> rows;
    for (int64_t b = 0; b < batches; ++b) {
      int64_t queries = info.sequences[static_cast<size_t>(b)].queries;
      for (Row row :
           sampled ? sampleRows(1, heads, queries, tileQ, comparedRows / batches + 1) : allRows(1, heads, queries))
        rows.push_back({b, row.head, row.query});
    }
    return rows;
  }

  /// Joins the errors of a step to those found so far; a tolerance is that of the coarsest dtype.
  void record(const StepInfo &info, const StepCheck &check, const RowErrors &errors, double maxValue) {
    DType dtype = info.kernel->dtype;
    if (check.output) {
      double relative = errors.output == 0 ? 0 : errors.output / maxValue;
      found.maxError = std::max(found.maxError, relative);
      found.tolerance = std::max(found.tolerance, outputTolerance(dtype));
    }
    if (check.logSumExp) {
      found.lseError = std::max(found.lseError.value_or(0), errors.lse);
      found.lseTolerance = std::max(found.lseTolerance.value_or(0), lseTolerance(dtype));
    }
    found.activePairs = found.activePairs.value_or(0) + errors.pairs;
  }

  FloatArray read(const Operand &operand) const { return FloatArray(arrayOf(operand)); }

  const Array &arrayOf(const Operand &operand) const {
    if (operand.kind == Operand::Kind::Argument)
      return inputs.arrays[operand.index];
    return *intermediates.at({operand.kind, operand.index});
  }

  /// The place of a reference; what an earlier step has left there is still read.
  Array &keep(const Operand &operand, Array array) {
    references.push_back(std::move(array));
    intermediates[{operand.kind, operand.index}] = &references.back();
    return references.back();
  }

  /// The array of results that a step leaves for good.
  const Array *resultOf(const Operand &operand, size_t step) const {
    auto isSame = [&](const Operand &other) { return other.kind == operand.kind && other.index == operand.index; };
    for (size_t later = step + 1; later < steps.size(); ++later)
      if (isSame(steps[later].output) || (steps[later].lse && isSame(*steps[later].lse)))
        return nullptr;
    return operand.kind == Operand::Kind::Result ? &results.arrays[operand.index] : nullptr;
  }

  const Plan &plan;
  const Arguments &inputs;
  const Results &results;
  const std::vector<Step> &steps;
  bool sampled = false;
  std::deque<Array> references;
  std::map<Name, const Array *> intermediates;
  Verification found;
};

} // namespace

Verification verify(const Plan &plan, const Arguments &inputs, const Results &results) {
  return Verifier(plan, inputs, results).run();
}

} // namespace sparse_attn::tools::run
