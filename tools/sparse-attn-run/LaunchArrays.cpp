//===- LaunchArrays.cpp - The arrays of a run where it takes place ---------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaunchArrays.h"

#include "support/Check.h"

#include <cstdlib>
#include <new>

namespace sparse_attn::tools::run {

LaunchArrays::LaunchArrays(const RunDevice &device, const Plan &plan, const Arguments &inputs, Results &results)
    : device(device), plan(plan), results(results), argumentValues(inputs.values), resultValues(results.values) {
  if (!device.accelerator) {
    constexpr size_t alignment = 64;
    workspace = std::aligned_alloc(alignment, (plan.workspaceBytes() / alignment + 1) * alignment);
    if (!workspace)
      throw std::bad_alloc();
    return;
  }
  for (size_t i = 0; i < argumentValues.size(); ++i)
    if (roleOf(plan.function(), i) != Role::Capture)
      argumentValues[i].data = copyOf(inputs.arrays[i]);
  for (size_t i = 0; i < resultValues.size(); ++i)
    resultValues[i].data = copyOf(results.arrays[i]);
  buffers.push_back(valueOf(device.accelerator->allocate(plan.workspaceBytes())));
  workspace = buffers.back()->data();
}

LaunchArrays::~LaunchArrays() {
  if (!device.accelerator)
    std::free(workspace);
}

void *LaunchArrays::copyOf(const Array &array) {
  size_t bytes = static_cast<size_t>(array.bytes());
  buffers.push_back(valueOf(device.accelerator->allocate(bytes)));
  void *memory = buffers.back()->data();
  check(device.accelerator->copyToDevice(memory, array.data(), bytes));
  return memory;
}

void LaunchArrays::launch() const {
  check(plan.launch(argumentValues, resultValues, workspace, plan.workspaceBytes()));
  device.synchronize();
}

void LaunchArrays::fetch() {
  if (!device.accelerator)
    return;
  for (size_t i = 0; i < resultValues.size(); ++i)
    check(device.accelerator->copyToHost(results.arrays[i].data(), resultValues[i].data,
                                         static_cast<size_t>(results.arrays[i].bytes())));
}

} // namespace sparse_attn::tools::run
