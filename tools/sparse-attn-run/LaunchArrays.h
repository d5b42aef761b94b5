//===- LaunchArrays.h - The arrays of a run where it takes place -----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_RUN_LAUNCHARRAYS_H
#define SPARSE_ATTN_RUN_LAUNCHARRAYS_H

#include "Results.h"
#include "RunDevice.h"
#include "support/Arguments.h"

#include "sparse_attn/Plan.h"

#include <cstddef>
#include <memory>
#include <vector>

namespace sparse_attn::tools::run {

/// What a launch reads and writes: on the CPU the arrays themselves, on an accelerator copies of all but the captures.
class LaunchArrays {
public:
  /// Copies inputs and the poisoned results to the device. All must outlive this. Throws an InputError where the device
  /// has no memory, and std::bad_alloc.
  LaunchArrays(const RunDevice &device, const Plan &plan, const Arguments &inputs, Results &results);
  ~LaunchArrays();
  LaunchArrays(const LaunchArrays &) = delete;
  LaunchArrays &operator=(const LaunchArrays &) = delete;

  /// Launches and waits. Throws an InputError where that fails.
  void launch() const;
  /// Brings the results back.
  void fetch();

private:
  /// Memory for an array, with its contents.
  void *copyOf(const Array &array);

  const RunDevice &device;
  const Plan &plan;
  Results &results;
  std::vector<std::shared_ptr<DeviceBuffer>> buffers;
  std::vector<Value> argumentValues, resultValues;
  void *workspace = nullptr;
};

} // namespace sparse_attn::tools::run

#endif // SPARSE_ATTN_RUN_LAUNCHARRAYS_H
