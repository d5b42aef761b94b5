//===- Plan.cpp - A function prepared for its shapes ----------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/Plan.h"

#include "ArrayCheck.h"
#include "PlanBuilder.h"
#include "StepPlan.h"

#include <algorithm>

namespace sparse_attn {

//===----------------------------------------------------------------------===//
// Prepare
//===----------------------------------------------------------------------===//

Plan::Plan() = default;
Plan::~Plan() = default;

Result<const FunctionInfo *> Plan::findFunction(const std::shared_ptr<const Artifact> &artifact,
                                                const std::string &function) {
  if (!artifact)
    return makeError(StatusCode::InvalidArgument, "expects an artifact, but got null");
  if (const FunctionInfo *info = artifact->manifest().findFunction(function))
    return info;
  std::string names;
  for (const FunctionInfo &each : artifact->manifest().functions)
    names += (names.empty() ? "" : ", ") + each.name;
  return makeError(StatusCode::InvalidArgument, "expects a function among ", names, ", but got '", function, "'");
}

Result<std::shared_ptr<const Plan>> Plan::prepare(std::shared_ptr<const Artifact> artifact, const std::string &function,
                                                  ValueList arguments, const PrepareOptions &options) {
  Result<const FunctionInfo *> info = findFunction(artifact, function);
  if (!info.isOk())
    return info.status();
  std::shared_ptr<Plan> plan(new Plan);
  plan->artifact = std::move(artifact);
  plan->info = *info;
  if (Status status = PlanBuilder(*plan, arguments, options).build(); !status.isOk())
    return Status(status.code(), "function '" + function + "': " + status.message());
  return std::shared_ptr<const Plan>(std::move(plan));
}

//===----------------------------------------------------------------------===//
// Launch
//===----------------------------------------------------------------------===//

namespace {

Status checkSameSizes(const ValueName &name, const Value &value, const Shape &planned) {
  for (int32_t i = 0; i < planned.rank; ++i)
    if (value.size[i] != planned.size[i])
      return makeError(StatusCode::ShapeMismatch, name, ": expects size ", i, " to be ", planned.size[i],
                       " as in the plan, but got ", value.size[i]);
  return {};
}

/// Lists and pyramids hold for the captured values that `prepare` read.
Status checkCaptured(const ValueName &name, const Value &value, const Value &planned) {
  if (planned.rank == 0) {
    if (value.scalar != planned.scalar)
      return makeError(StatusCode::InvalidArgument, name, ": expects the captured scalar to be ", planned.scalar,
                       " as in the plan, but got ", value.scalar);
    return {};
  }
  if (value.data && value.data != planned.data)
    return makeError(StatusCode::InvalidArgument, name, ": expects the captured array of the plan, at ", planned.data,
                     ", but got one at ", value.data);
  for (int32_t i = 0; i + 1 < planned.rank; ++i)
    if (value.stride[i] != planned.stride[i])
      return makeError(StatusCode::InvalidArgument, name, ": expects stride ", i, " to be ", planned.stride[i],
                       " as in the plan, but got ", value.stride[i]);
  return {};
}

} // namespace

Status Plan::checkLaunch(ValueList arguments, ValueList results, const void *workspace, size_t workspaceBytes) const {
  if (Status status = checkCount("arguments", info->arguments.size(), arguments); !status.isOk())
    return status;
  if (Status status = checkCount("results", info->results.size(), results); !status.isOk())
    return status;
  for (size_t i = 0; i < arguments.count; ++i) {
    ValueName name = argumentName(*info, i);
    if (Status status = checkArgument(*info, i, arguments[i]); !status.isOk())
      return status;
    if (Status status = checkSameSizes(name, arguments[i], shapeOf(this->arguments[i])); !status.isOk())
      return status;
    Status status = captured[i] ? checkCaptured(name, arguments[i], this->arguments[i]) : Status();
    if (status.isOk() && !captured[i] && info->arguments[i].kind == ArgumentKind::Array)
      status = checkData(name, arguments[i]);
    if (!status.isOk())
      return status;
  }
  for (size_t i = 0; i < results.count; ++i) {
    ValueName name{"result", i, nullptr};
    if (Status status = checkArray(name, results[i], info->results[i], Access::Write); !status.isOk())
      return status;
    if (Status status = checkSameSizes(name, results[i], resultShapes[i]); !status.isOk())
      return status;
    if (Status status = checkData(name, results[i]); !status.isOk())
      return status;
  }
  if (workspaceBytes < workspaceSize || (workspaceSize > 0 && !workspace))
    return makeError(StatusCode::InvalidArgument, "expects a workspace of ", workspaceSize, " bytes, but got ",
                     workspace ? workspaceBytes : 0);
  uint64_t misalignment = reinterpret_cast<uintptr_t>(workspace) % workspaceAlignment;
  if (workspaceSize > 0 && misalignment != 0)
    return makeError(StatusCode::InvalidArgument, "expects a workspace aligned to ", workspaceAlignment,
                     " bytes, but got an address ", misalignment, " past a multiple");
  return {};
}

ValueName Plan::nameOf(const Operand &operand) const {
  switch (operand.kind) {
  case Operand::Kind::Argument:
    return argumentName(*info, operand.index);
  case Operand::Kind::Result:
    return {"result", operand.index, nullptr};
  case Operand::Kind::Buffer:
    break;
  }
  return {"buffer", operand.index, nullptr};
}

Status Plan::checkAlignment(ValueList arguments, ValueList results, char *workspace) const {
  auto check = [&](const Operand &operand) {
    return checkVectors(nameOf(operand), resolve(operand, arguments, results, workspace));
  };
  for (const Step &step : info->steps) {
    for (const Operand *operand : {&step.query, &step.key, &step.value, &step.output})
      if (Status status = check(*operand); !status.isOk())
        return status;
    if (Status status = step.partial ? check(step.partial->output) : Status(); !status.isOk())
      return status;
  }
  return {};
}

Value Plan::resolve(const Operand &operand, ValueList arguments, ValueList results, char *workspace) const {
  switch (operand.kind) {
  case Operand::Kind::Argument:
    return arguments[operand.index];
  case Operand::Kind::Result:
    return results[operand.index];
  case Operand::Kind::Buffer:
    break;
  }
  return makeArray(workspace + bufferOffsets[operand.index], info->buffers[operand.index].dtype,
                   bufferShapes[operand.index]);
}

Status Plan::launch(ValueList arguments, ValueList results, void *workspace, size_t workspaceBytes,
                    void *stream) const {
  if (stream && !accelerator)
    return makeError(StatusCode::InvalidArgument, "expects a null stream on the CPU, but got ", stream);
  if (Status status = checkLaunch(arguments, results, workspace, workspaceBytes); !status.isOk())
    return status;
  char *memory = static_cast<char *>(workspace);
  if (accelerator)
    if (Status status = checkAlignment(arguments, results, memory); !status.isOk())
      return status;
  LaunchResources resources{scratchStride > 0 ? memory + scratchOffset : nullptr, scratchStride, maxWorkers, stream};
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step &step = info->steps[i];
    auto value = [&](const Operand &operand) { return resolve(operand, arguments, results, memory); };
    StepArrays arrays{
        value(step.query), value(step.key), value(step.value), value(step.output), {}, {}, {}, {}, {}, {}};
    if (step.offsets) {
      arrays.offsets = value(*step.offsets);
      arrays.indices = value(*step.indices);
    }
    if (step.lse)
      arrays.lse = value(*step.lse);
    if (step.rowMax)
      arrays.rowMax = value(*step.rowMax);
    if (step.partial) {
      arrays.partialOutput = value(step.partial->output);
      arrays.partialLse = value(step.partial->lse);
    }
    if (Status status = steps[i]->launch(arrays, resources); !status.isOk())
      return status;
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

TileCounts Plan::tiles() const {
  TileCounts sum;
  for (const std::unique_ptr<const StepPlan> &step : steps) {
    TileCounts counts = step->info().tiles;
    sum.partial += counts.partial;
    sum.full += counts.full;
    sum.total += counts.total;
  }
  return sum;
}

size_t Plan::deviceBytes() const {
  size_t sum = 0;
  for (const std::unique_ptr<const StepPlan> &step : steps)
    sum += step->info().deviceBytes;
  return sum;
}

bool Plan::budgetExceeded() const {
  return std::any_of(steps.begin(), steps.end(), [](const auto &step) { return step->info().budgetExceeded; });
}

StepInfo Plan::step(size_t index) const { return steps[index]->info(); }

Result<TileCounts> Plan::itemTiles(size_t step, int64_t item) const {
  if (step >= steps.size())
    return makeError(StatusCode::InvalidArgument, "expects a step below ", steps.size(), ", but got ", step);
  return steps[step]->itemTiles(item);
}

Status Plan::visitedTiles(size_t step, int64_t item, std::vector<uint32_t> &partial,
                          std::vector<uint32_t> &full) const {
  if (step >= steps.size())
    return makeError(StatusCode::InvalidArgument, "expects a step below ", steps.size(), ", but got ", step);
  return steps[step]->visitedTiles(item, partial, full);
}

Status Plan::predicate(size_t step, int64_t b, int64_t h, int64_t row, uint8_t *attends) const {
  if (step >= steps.size())
    return makeError(StatusCode::InvalidArgument, "expects a step below ", steps.size(), ", but got ", step);
  return steps[step]->predicate(b, h, row, attends);
}

Status Plan::modifyScores(size_t step, int64_t b, int64_t h, int64_t row, float *scores) const {
  if (step >= steps.size())
    return makeError(StatusCode::InvalidArgument, "expects a step below ", steps.size(), ", but got ", step);
  return steps[step]->modifyScores(b, h, row, scores);
}

} // namespace sparse_attn
