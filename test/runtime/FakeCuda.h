//===- FakeCuda.h - What a test sees of the fake CUDA driver --*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A library with the symbols of the CUDA driver, which keeps "device" memory
// on the host and runs no kernel. Tests read here what it was told, and set
// how it answers.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_TEST_FAKECUDA_H
#define SPARSE_ATTN_TEST_FAKECUDA_H

#include "cuda/CudaDriver.h"

#include <array>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace sparse_attn::test {

/// Errors that only the tests tell apart.
constexpr CudaResult invalidValue{1}, invalidContext{201}, invalidPtx{218}, notFound{500}, illegalAddress{700},
    captureUnsupported{900}, captureImplicit{906}, contextIsDestroyed{709};

struct FakeLaunch {
  std::string kernel;
  std::array<unsigned, 3> grid, block;
  unsigned sharedBytes;
  void *stream;
  std::vector<std::vector<uint8_t>> parameters; ///< Copied at the launch.
};

struct FakeEncoding {
  CudaElementType type;
  void *address;
  std::vector<uint64_t> sizes, strides;
  std::vector<uint32_t> box, steps;
  CudaInterleave interleave;
  CudaSwizzle swizzle;
  CudaL2Promotion promotion;
  CudaOutOfBoundsFill fill;
};

struct FakeAllocation {
  size_t bytes;
  CudaContextHandle context;
  uint64_t number; ///< Of no other.
};

/// The driver's state; `fake_cuda` returns it.
struct FakeCuda {
  // How it answers.
  int version = 12040;
  int devices = 1;
  std::map<CudaDeviceAttribute, int> attributes = {{CudaDeviceAttribute::CapabilityMajor, 9},
                                                   {CudaDeviceAttribute::CapabilityMinor, 0},
                                                   {CudaDeviceAttribute::MultiprocessorCount, 132},
                                                   {CudaDeviceAttribute::MaxSharedBytesOptIn, 232448}};
  std::map<std::string, CudaResult> failures;     ///< By call; modules are "cuModuleLoadDataEx cubin" and "... ptx".
  CudaResult kernelFailure = CudaResult::Success; ///< Once a kernel was launched, every call in its context fails.
  std::string jitLog;                             ///< Where ptx fails.
  std::vector<size_t> parameterBytes;             ///< Of the kernels.
  bool isCapturing = false; ///< Another thread captures a stream, in global mode. What is unsafe then breaks it.

  // What it was told. Contexts, questions and error names are not in `calls`.
  std::vector<std::string> calls;
  std::vector<FakeLaunch> launches;
  std::vector<FakeEncoding> encodings;
  std::map<CudaAddress, FakeAllocation> allocations;
  std::set<CudaModuleHandle> modules;
  std::set<CudaStreamHandle> streams;
  std::set<CudaContextHandle> destroyed; ///< Contexts.
  bool captureBroken = false;
  bool usedDestroyed = false; ///< Such a context was made current.
  uint64_t allocationCount = 0;

  bool kernelFailed = false;
  std::mutex mutex;
};

} // namespace sparse_attn::test

/// The one state of the library.
extern "C" sparse_attn::test::FakeCuda *fake_cuda();
/// A context that is none of the primary ones.
extern "C" sparse_attn::CudaContextHandle fake_cuda_other_context();
/// Destroys a context with all that it has.
extern "C" void fake_cuda_destroy_context(sparse_attn::CudaContextHandle context);
/// Makes another at its address.
extern "C" void fake_cuda_create_context(sparse_attn::CudaContextHandle context);

#endif // SPARSE_ATTN_TEST_FAKECUDA_H
