//===- DeviceKernels.cpp - Kernels loaded onto accelerators ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceKernels.h"

#include "ArgumentBlock.h"
#include "sparse_attn/Artifact.h"

namespace sparse_attn {

namespace {

DeviceImage imageOf(const Artifact &artifact, const KernelInfo &kernel) {
  const Variant &variant = kernel.variants.front();
  const DeviceCode &code = *variant.device;
  const GpuTarget &gpu = *artifact.manifest().gpu;
  DeviceImage image;
  image.symbol = code.symbol;
  if (code.cubin) {
    image.cubin = artifact.blob(*code.cubin).data;
    image.cubinBytes = artifact.blob(*code.cubin).bytes;
  }
  if (code.ptx)
    image.ptx = static_cast<const char *>(artifact.blob(*code.ptx).data);
  if (variant.entries.simulate)
    image.simulated = reinterpret_cast<SimulatedKernel>(artifact.entry(*variant.entries.simulate));
  image.major = gpu.major;
  image.minor = gpu.minor;
  image.exact = gpu.exact;
  image.threads = code.threads;
  image.sharedBytes = code.sharedBytes;
  image.mapCount = code.maps.size();
  image.blockBytes = BlockLayout(kernel).words * sizeof(uint64_t);
  return image;
}

} // namespace

Result<std::shared_ptr<const DeviceKernel>> DeviceKernels::load(const std::shared_ptr<const Accelerator> &accelerator,
                                                                const Artifact &artifact, const KernelInfo &kernel) {
  std::lock_guard<std::mutex> lock(mutex);
  for (const Loaded &each : loaded)
    if (each.accelerator == accelerator && each.info == &kernel)
      return each.kernel;
  Result<std::shared_ptr<const DeviceKernel>> made = accelerator->load(imageOf(artifact, kernel));
  if (made.isOk())
    loaded.push_back({accelerator, &kernel, *made});
  return made;
}

} // namespace sparse_attn
