//===- RunDevice.cpp - Where a function runs -------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunDevice.h"

#include "support/Check.h"
#include "support/CompileModule.h"
#include "support/OpenArtifact.h"

#include <cstdlib>

namespace sparse_attn::tools::run {

namespace {

std::shared_ptr<const Accelerator> openAccelerator(DeviceKind kind, const DeviceOptions &options) {
  if (kind == DeviceKind::Cuda)
    return valueOf(openCuda());
  if (!options.schedule && !options.seed)
    return valueOf(openSimulator());
  SimulatorOptions simulator;
  simulator.schedule = options.schedule.value_or(simulator.schedule);
  simulator.seed = options.seed.value_or(simulator.seed);
  return openSimulator(simulator);
}

/// The best target that an architecture runs; code for sm_90a runs on sm_90 alone, all other code on later GPUs too.
std::string targetFor(const std::string &architecture) {
  if (architecture == "sm_90")
    return "sm_90a";
  int number = std::atoi(architecture.c_str() + std::string("sm_").size());
  return number >= 89 ? "sm_89" : number >= 86 ? "sm_86" : "sm_80";
}

/// Flags of the compiler for a module.
std::vector<std::string> deviceFlags(const DeviceOptions &options, const RunDevice &device) {
  std::vector<std::string> flags;
  if (!options.target.empty())
    flags.push_back("--target=" + options.target);
  else if (device.accelerator)
    flags.push_back("--target=" + targetFor(device.accelerator->architecture()));
  if (device.kind == DeviceKind::Sim)
    flags.push_back("--simulate");
  return flags;
}

void checkTarget(const Manifest &manifest, const std::string &path, DeviceKind kind) {
  bool onCpu = kind == DeviceKind::Cpu;
  if (onCpu && manifest.gpu)
    fail("--device=cpu expects an artifact for the CPU, but got ", path, " for ", manifest.target);
  if (!onCpu && !manifest.gpu)
    fail("--device=", deviceName(kind), " expects an artifact for a GPU, but got ", path, " for the CPU");
}

} // namespace

const char *deviceName(DeviceKind kind) {
  switch (kind) {
  case DeviceKind::Cpu:
    return "cpu";
  case DeviceKind::Cuda:
    return "cuda";
  case DeviceKind::Sim:
    break;
  }
  return "sim";
}

std::string RunDevice::description() const {
  return accelerator ? std::string(deviceName(kind)) + ": " + accelerator->description() : deviceName(kind);
}

void RunDevice::synchronize() const {
  if (accelerator)
    check(accelerator->synchronize());
}

std::shared_ptr<const Artifact> openForDevice(const std::string &path, const DeviceOptions &options,
                                              const std::vector<std::string> &compileFlags, RunDevice &device) {
  std::vector<std::string> flags;
  if (!options.target.empty() && !isModule(path))
    fail("--target expects a module (.mlir) to compile, but got ", path);
  // What a module is compiled for follows from the device, and the other way round for an artifact.
  if (isModule(path)) {
    device.kind = options.kind.value_or(DeviceKind::Cpu);
    if (device.kind != DeviceKind::Cpu)
      device.accelerator = openAccelerator(device.kind, options);
    flags = deviceFlags(options, device);
  }
  flags.insert(flags.end(), compileFlags.begin(), compileFlags.end());
  std::shared_ptr<const Artifact> artifact = openArtifact(path, flags);
  device.kind = options.kind.value_or(artifact->manifest().gpu ? DeviceKind::Cuda : DeviceKind::Cpu);
  checkTarget(artifact->manifest(), path, device.kind);
  if (device.kind != DeviceKind::Cpu && !device.accelerator)
    device.accelerator = openAccelerator(device.kind, options);
  return artifact;
}

} // namespace sparse_attn::tools::run
