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

#include "Pyramid.h"
#include "sparse_attn/Plan.h"

#include <memory>
#include <vector>

namespace sparse_attn {

/// Alignment of the workspace and of everything in it: a cache line, and the widest vector.
constexpr int64_t workspaceAlignment = 64;

/// Fills a plan whose artifact and function are set. `arguments` must outlive the builder.
class PlanBuilder {
public:
  PlanBuilder(Plan &plan, ValueList arguments);

  /// Errors: as `Plan::prepare`. Throws std::bad_alloc.
  Status build();

private:
  Status checkArguments() const;
  /// Checks the shapes that a step reads, and sets those that it writes.
  Status checkStep(const Step &step);
  /// Sets the shape of a result or a buffer.
  Status define(const Operand &operand, const Shape &shape);
  Status prepareStep(const Step &step);
  /// Buffers first, then the scratch memory of each worker.
  Status layOutWorkspace();

  const KernelInfo &kernelOf(const Step &step) const;
  Shape shape(const Operand &operand) const;
  /// An argument as given; a result or a buffer, which has no memory yet, as a contiguous array at null.
  Value view(const Operand &operand) const;
  std::shared_ptr<const Pyramid> pyramidOf(size_t argument);

  Plan &plan;
  const FunctionInfo &function;
  ValueList arguments;
  std::vector<std::shared_ptr<const Pyramid>> pyramids; ///< By argument; shared among steps.
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_PLANBUILDER_H
