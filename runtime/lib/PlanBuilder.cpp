//===- PlanBuilder.cpp - Fill a plan, step by step ------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanBuilder.h"

#include "ArrayCheck.h"
#include "CacheKey.h"
#include "CacheTable.h"
#include "CapturedContent.h"
#include "DefaultAccelerator.h"
#include "sparse_attn/CpuFeatures.h"
#include "sparse_attn/Device.h"

#include <algorithm>
#include <optional>

namespace sparse_attn {

namespace {

/// Adds `count` pieces of `bytes` to `end`, aligned; false where that overflows.
bool reserve(int64_t &end, int64_t count, std::optional<int64_t> bytes) {
  int64_t size;
  if (!bytes || __builtin_mul_overflow(count, *bytes, &size) || __builtin_add_overflow(end, size, &end) ||
      __builtin_add_overflow(end, workspaceAlignment - 1, &end))
    return false;
  end -= end % workspaceAlignment;
  return true;
}

Status workspaceOverflows() {
  return makeError(StatusCode::ShapeMismatch, "expects a workspace below 2^63 bytes, but got more");
}

} // namespace

PlanBuilder::PlanBuilder(Plan &plan, ValueList arguments, const PrepareOptions &options)
    : plan(plan), function(*plan.info), arguments(arguments), options(options), sequences(function.steps.size()),
      pyramids(function.arguments.size()) {}

Status PlanBuilder::build() {
  if (Status status = checkArguments(); !status.isOk())
    return status;
  if (Status status = chooseDevice(); !status.isOk())
    return status;
  plan.arguments.assign(arguments.values, arguments.values + arguments.count);
  plan.captured.resize(function.arguments.size());
  plan.resultShapes.resize(function.results.size());
  plan.bufferShapes.resize(function.buffers.size());
  // All shapes are checked before the first array is read.
  for (const Step &step : function.steps)
    if (Status status = checkStep(step); !status.isOk())
      return status;
  for (const Step &step : function.steps)
    if (Status status = checkContents(step); !status.isOk())
      return status;
  for (const Step &step : function.steps)
    if (Status status = prepareStep(step); !status.isOk())
      return status;
  return layOutWorkspace();
}

Status PlanBuilder::chooseDevice() {
  if (!plan.artifact->manifest().gpu) {
    if (options.accelerator)
      return makeError(StatusCode::InvalidArgument, "expects no accelerator for an artifact for the CPU, but got '",
                       options.accelerator->name(), "'");
    return {};
  }
  plan.accelerator = options.accelerator;
  if (plan.accelerator)
    return {};
  Result<std::shared_ptr<const Accelerator>> found = defaultAccelerator();
  if (found.isOk())
    plan.accelerator = *found;
  return found.status();
}

Status PlanBuilder::checkArguments() const {
  if (Status status = checkCount("arguments", function.arguments.size(), arguments); !status.isOk())
    return status;
  for (size_t i = 0; i < arguments.count; ++i)
    if (Status status = checkArgument(function, i, arguments[i]); !status.isOk())
      return status;
  return {};
}

Status PlanBuilder::checkStep(const Step &step) {
  // Whichever kernel runs: they differ in their tiles alone.
  const KernelInfo &kernel = plan.artifact->manifest().kernels[step.kernels.front()];
  std::vector<Value> captures;
  for (size_t index : step.captures) {
    captures.push_back(arguments[index]);
    plan.captured[index] = true;
    if (Status status = checkData(argumentName(function, index), arguments[index]); !status.isOk())
      return status;
  }
  Shape query = shape(step.query);
  Shape key = shape(step.key);
  if (Status status = StepPlan::checkShapes(kernel, query, key, shape(step.value)); !status.isOk())
    return status;
  int64_t batches = query.size[0];
  if (step.sequences.any()) {
    if (Status status = checkSequences(step, batches); !status.isOk())
      return status;
  }
  if (Status status = StepPlan::checkCaptures(kernel, query, key, batches, captures); !status.isOk())
    return status;
  if (Status status = define(step.output, query); !status.isOk())
    return status;
  Shape lse = query;
  lse.rank = 3;
  lse.size[3] = 0;
  if (step.partial) {
    if (Status status = checkPartial(step.partial->output, query); !status.isOk())
      return status;
    if (Status status = checkPartial(step.partial->lse, lse); !status.isOk())
      return status;
  }
  if (!step.lse)
    return {};
  return define(*step.lse, lse);
}

SequenceArrays PlanBuilder::sequenceArrays(const Step &step) const {
  auto array = [&](std::optional<size_t> index) -> std::optional<NamedArray> {
    if (!index)
      return std::nullopt;
    return NamedArray{argumentName(function, *index), arguments[*index]};
  };
  const SequenceOperands &operands = step.sequences;
  return {array(operands.queryLengths), array(operands.keyLengths), array(operands.queryOffsets),
          array(operands.keyOffsets)};
}

Status PlanBuilder::checkSequences(const Step &step, int64_t &count) {
  const SequenceOperands &operands = step.sequences;
  for (std::optional<size_t> index :
       {operands.queryLengths, operands.keyLengths, operands.queryOffsets, operands.keyOffsets}) {
    if (!index)
      continue;
    plan.captured[*index] = true;
    if (Status status = checkData(argumentName(function, *index), arguments[*index]); !status.isOk())
      return status;
  }
  Result<int64_t> counted = countSequences(sequenceArrays(step), shape(step.query), shape(step.key));
  if (counted.isOk())
    count = *counted;
  return counted.status();
}

Status PlanBuilder::checkPartial(const Operand &operand, const Shape &expected) const {
  Shape got = shape(operand);
  if (got.rank == expected.rank && std::equal(got.size.begin(), got.size.begin() + got.rank, expected.size.begin()))
    return {};
  return makeError(StatusCode::ShapeMismatch, "expects a partial result of sizes ", expected, ", but got ", got);
}

Status PlanBuilder::checkContents(const Step &step) {
  const KernelInfo &kernel = plan.artifact->manifest().kernels[step.kernels.front()];
  for (size_t i = 0; i < step.captures.size(); ++i) {
    size_t index = step.captures[i];
    if (Status status = checkContent(argumentName(function, index), kernel.captures[i], arguments[index]);
        !status.isOk())
      return status;
  }
  if (!step.sequences.any())
    return {};
  SequenceArrays arrays = sequenceArrays(step);
  Shape query = shape(step.query), key = shape(step.key);
  Result<int64_t> count = countSequences(arrays, query, key);
  if (!count.isOk())
    return count.status();
  Result<std::vector<Sequence>> read = readSequences(arrays, *count, query, key);
  if (read.isOk())
    sequencesOf(step) = std::move(*read);
  return read.status();
}

Status PlanBuilder::define(const Operand &operand, const Shape &shape) {
  bool isResult = operand.kind == Operand::Kind::Result;
  const ArrayType &type = isResult ? function.results[operand.index] : function.buffers[operand.index];
  ValueName name{isResult ? "result" : "buffer", operand.index, nullptr};
  (isResult ? plan.resultShapes : plan.bufferShapes)[operand.index] = shape;
  if (!contiguousBytes(shape, type.dtype))
    return makeError(StatusCode::ShapeMismatch, name, ": expects an array below 2^63 bytes, but got sizes ", shape);
  return checkShape(name, shape, type.shape);
}

Result<std::vector<StepCapture>> PlanBuilder::readCaptures(const Step &step, const KernelInfo &kernel) {
  std::vector<StepCapture> captures;
  for (size_t i = 0; i < step.captures.size(); ++i) {
    captures.push_back({arguments[step.captures[i]], nullptr, {}, nullptr});
    if (kernel.captures[i].form != ArrayForm::Elements) {
      captures.back().table = tableOf(step.captures[i], kernel.captures[i].form, shape(step.key).size[2]);
      captures.back().value = captures.back().table->value();
    }
    if (kernel.captures[i].kind != ArgumentKind::Mask)
      continue;
    Result<StepMask> mask =
        StepPlan::readMasks(kernel, i, captures.back().value, shape(step.query), shape(step.key), sequencesOf(step));
    if (!mask.isOk())
      return mask.status();
    captures.back().mask = std::move(*mask);
  }
  return captures;
}

Result<std::string> PlanBuilder::cacheKey(const Step &step, const KernelInfo &kernel,
                                          const std::vector<StepCapture> &captures) {
  if (!options.cache || kernel.schedule != KernelInfo::Schedule::Listed)
    return std::string();
  Result<const Variant *> variant = selectVariant(kernel, hostCpuFeatures());
  if (!variant.isOk())
    return variant.status();
  CacheKey key(*plan.artifact, kernel, **variant, shape(step.query), shape(step.key));
  for (size_t i = 0; i < captures.size(); ++i) {
    size_t argument = step.captures[i];
    std::optional<uint64_t> version = argument < options.versions.size() ? options.versions[argument] : std::nullopt;
    switch (kernel.captures[i].kind) {
    case ArgumentKind::Array:
      // A table follows from the array that it is made of, and from the number of keys.
      key.addArray(arguments[argument], version);
      break;
    case ArgumentKind::Scalar:
      key.addScalar(captures[i].value.scalar);
      break;
    case ArgumentKind::Mask:
      key.addMasks(captures[i].mask, version);
      break;
    }
  }
  if (kernel.sequences) {
    std::vector<int32_t> table = makeSequenceTable(sequencesOf(step));
    key.addArray(makeArray(table.data(), DType::I32, Shape{1, {static_cast<int64_t>(table.size())}}), std::nullopt);
  }
  return key.bytes();
}

Result<std::unique_ptr<StepPlan>> PlanBuilder::analyseStep(const Step &step, const KernelInfo &kernel,
                                                           const StepArrays &arrays) {
  Result<std::vector<StepCapture>> captures = readCaptures(step, kernel);
  if (!captures.isOk())
    return captures.status();
  Result<std::string> key = cacheKey(step, kernel, *captures);
  if (!key.isOk())
    return key.status();
  std::shared_ptr<const PreparedRows> kept = key->empty() ? nullptr : options.cache->table().find(*key);
  // Only listing reads the pyramids.
  for (size_t i = 0; !kept && i < captures->size(); ++i)
    if (kernel.captures[i].pyramid)
      (*captures)[i].pyramid = pyramidOf(step.captures[i]);
  Result<std::unique_ptr<StepPlan>> analysed = StepPlan::analyse(*plan.artifact, kernel, plan.accelerator, arrays,
                                                                 std::move(*captures), sequencesOf(step), kept);
  if (analysed.isOk() && !kept && !key->empty())
    options.cache->table().insert(*key, (*analysed)->preparedRows());
  return analysed;
}

Status PlanBuilder::prepareStep(const Step &step) {
  StepArrays arrays{view(step.query), view(step.key), view(step.value), view(step.output), {}, {}, {}};
  if (step.lse)
    arrays.lse = view(*step.lse);
  if (step.partial) {
    arrays.partialOutput = view(step.partial->output);
    arrays.partialLse = view(step.partial->lse);
  }
  std::unique_ptr<StepPlan> best;
  std::vector<StepChoice> choices;
  for (size_t number : step.kernels) {
    Result<std::unique_ptr<StepPlan>> analysed = analyseStep(step, plan.artifact->manifest().kernels[number], arrays);
    if (!analysed.isOk())
      return analysed.status();
    choices.push_back((*analysed)->choice());
    if (!best || choices.back().cost < best->choice().cost)
      best = std::move(*analysed);
  }
  if (Status status = best->finish(std::move(choices)); !status.isOk())
    return status;
  plan.steps.push_back(std::move(best));
  return {};
}

Status PlanBuilder::layOutWorkspace() {
  int64_t end = 0;
  for (size_t i = 0; i < function.buffers.size(); ++i) {
    plan.bufferOffsets.push_back(static_cast<size_t>(end));
    if (!reserve(end, 1, contiguousBytes(plan.bufferShapes[i], function.buffers[i].dtype)))
      return workspaceOverflows();
  }
  int64_t scratch = 0;
  int64_t items = 1;
  for (const std::unique_ptr<const StepPlan> &step : plan.steps) {
    scratch = std::max(scratch, step->scratchBytes());
    items = std::max(items, step->items());
  }
  plan.maxWorkers = static_cast<int32_t>(std::min<int64_t>(threadCount(), items));
  plan.scratchOffset = static_cast<size_t>(end);
  plan.scratchStride =
      static_cast<size_t>((scratch + workspaceAlignment - 1) / workspaceAlignment * workspaceAlignment);
  if (!reserve(end, plan.maxWorkers, static_cast<int64_t>(plan.scratchStride)))
    return workspaceOverflows();
  plan.workspaceSize = static_cast<size_t>(end);
  return {};
}

Shape PlanBuilder::shape(const Operand &operand) const {
  switch (operand.kind) {
  case Operand::Kind::Argument:
    return shapeOf(arguments[operand.index]);
  case Operand::Kind::Result:
    return plan.resultShapes[operand.index];
  case Operand::Kind::Buffer:
    break;
  }
  return plan.bufferShapes[operand.index];
}

Value PlanBuilder::view(const Operand &operand) const {
  if (operand.kind == Operand::Kind::Argument)
    return arguments[operand.index];
  const std::vector<ArrayType> &types = operand.kind == Operand::Kind::Result ? function.results : function.buffers;
  return makeArray(nullptr, types[operand.index].dtype, shape(operand));
}

std::shared_ptr<const CaptureTable> PlanBuilder::tableOf(size_t argument, ArrayForm form, int64_t keys) {
  std::shared_ptr<const CaptureTable> &table = tables[{argument, form, keys}];
  if (!table)
    table = std::make_shared<const CaptureTable>(form, arguments[argument], keys);
  return table;
}

std::shared_ptr<const Pyramid> PlanBuilder::pyramidOf(size_t argument) {
  if (!pyramids[argument])
    pyramids[argument] = std::make_shared<const Pyramid>(arguments[argument]);
  return pyramids[argument];
}

} // namespace sparse_attn
