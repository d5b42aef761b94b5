//===- RunDevice.h - Where a function runs ---------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_RUN_RUNDEVICE_H
#define SPARSE_ATTN_RUN_RUNDEVICE_H

#include "sparse_attn/Accelerator.h"
#include "sparse_attn/Artifact.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sparse_attn::tools::run {

enum class DeviceKind { Cpu, Cuda, Sim };

/// "cpu", "cuda" or "sim".
const char *deviceName(DeviceKind kind);

/// What the command line says of the device. What is absent follows from the artifact.
struct DeviceOptions {
  std::optional<DeviceKind> kind;
  std::string target; ///< To compile a module for; empty: what fits the device.
  std::optional<SimulatorOptions::Schedule> schedule;
  std::optional<uint64_t> seed;
};

/// The CPU, or an accelerator that is open.
struct RunDevice {
  DeviceKind kind = DeviceKind::Cpu;
  std::shared_ptr<const Accelerator> accelerator; ///< Null for the CPU.

  /// A sentence for people.
  std::string description() const;
  /// Waits for all launches. Throws an InputError where one failed.
  void synchronize() const;
};

/// Opens an artifact, or compiles a module for the device and opens what comes of it, and opens the device. Throws an
/// InputError where that fails, and where the artifact is for another device.
std::shared_ptr<const Artifact> openForDevice(const std::string &path, const DeviceOptions &options,
                                              const std::vector<std::string> &compileFlags, RunDevice &device);

} // namespace sparse_attn::tools::run

#endif // SPARSE_ATTN_RUN_RUNDEVICE_H
