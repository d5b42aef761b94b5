//===- DeviceKernels.h - Kernels loaded onto accelerators -----*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// To load a kernel, a driver may have to compile PTX. A server makes many plans
// of one artifact, so that what was loaded stays with the artifact.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_DEVICEKERNELS_H
#define SPARSE_ATTN_LIB_DEVICEKERNELS_H

#include "sparse_attn/Accelerator.h"
#include "sparse_attn/Manifest.h"

#include <memory>
#include <mutex>
#include <vector>

namespace sparse_attn {

class Artifact;

/// The loaded kernels of one artifact. Thread-safe.
class DeviceKernels {
public:
  /// The kernel of a GPU variant of `artifact`, loaded unless it has been. Errors: as `Accelerator::load`. Throws
  /// std::bad_alloc.
  Result<std::shared_ptr<const DeviceKernel>> load(const std::shared_ptr<const Accelerator> &accelerator,
                                                   const Artifact &artifact, const KernelInfo &kernel);

private:
  struct Loaded {
    std::shared_ptr<const Accelerator> accelerator; ///< Outlives the kernel.
    const KernelInfo *info;
    std::shared_ptr<const DeviceKernel> kernel;
  };

  std::mutex mutex;
  std::vector<Loaded> loaded;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_DEVICEKERNELS_H
