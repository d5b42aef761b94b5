//===- PlanBuilder.h - Fill a plan, step by step ----------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Making a plan takes state that the plan itself has no use for. All shapes
// are checked before the first array is read.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_PLANBUILDER_H
#define SPARSE_ATTN_LIB_PLANBUILDER_H

#include "CaptureTable.h"
#include "Pyramid.h"
#include "Sequences.h"
#include "StepPlan.h"
#include "sparse_attn/Plan.h"

#include <map>
#include <memory>
#include <tuple>
#include <vector>

namespace sparse_attn {

/// Alignment of the workspace and of everything in it: a cache line, and the widest vector.
constexpr int64_t workspaceAlignment = 64;

/// Fills a plan whose artifact and function are set. `arguments` and `options` must outlive the builder.
class PlanBuilder {
public:
  PlanBuilder(Plan &plan, ValueList arguments, const PrepareOptions &options);

  /// Errors: as `Plan::prepare`. Throws std::bad_alloc.
  Status build();

private:
  /// Sets the accelerator of a plan for a GPU.
  Status chooseDevice();
  Status checkArguments() const;
  /// Checks the shapes that a step reads, and sets those that it writes.
  Status checkStep(const Step &step);
  /// Checks the sizes of the arrays that say where the sequences of a step are, and counts these.
  Status checkSequences(const Step &step, int64_t &count);
  /// Checks the elements of the arrays that a step captures, and reads its sequences.
  Status checkContents(const Step &step);
  /// Sets the shape of a result or a buffer.
  Status define(const Operand &operand, const Shape &shape);
  /// Has a partial result that a step goes on from the sizes of its own?
  Status checkPartial(const Operand &operand, const Shape &expected) const;
  /// Prepares the kernel of the step whose work costs least.
  Status prepareStep(const Step &step);
  /// Counts what one kernel would visit.
  Result<std::unique_ptr<StepPlan>> analyseStep(const Step &step, const KernelInfo &kernel, const StepArrays &arrays);
  Result<std::vector<StepCapture>> readCaptures(const Step &step, const KernelInfo &kernel);
  /// The key under which the cache keeps the rows of a step; empty where nothing is kept.
  Result<std::string> cacheKey(const Step &step, const KernelInfo &kernel, const std::vector<StepCapture> &captures);
  /// Buffers first, then the scratch memory of each worker.
  Status layOutWorkspace();

  /// The arrays that say where the sequences of a step are.
  SequenceArrays sequenceArrays(const Step &step) const;
  /// What checkContents has read; empty where each batch is one.
  std::vector<Sequence> &sequencesOf(const Step &step) {
    return sequences[static_cast<size_t>(&step - function.steps.data())];
  }

  Shape shape(const Operand &operand) const;
  /// An argument as given; a result or a buffer, which has no memory yet, as a contiguous array at null.
  Value view(const Operand &operand) const;
  std::shared_ptr<const CaptureTable> tableOf(size_t argument, ArrayForm form, int64_t keys);
  std::shared_ptr<const Pyramid> pyramidOf(size_t argument);

  Plan &plan;
  const FunctionInfo &function;
  ValueList arguments;
  const PrepareOptions &options;
  std::vector<std::vector<Sequence>> sequences;         ///< By step.
  std::vector<std::shared_ptr<const Pyramid>> pyramids; ///< By argument; shared among steps.
  /// By argument, form and number of keys; shared among steps.
  std::map<std::tuple<size_t, ArrayForm, int64_t>, std::shared_ptr<const CaptureTable>> tables;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_PLANBUILDER_H
