//===- CudaDriver.h - The CUDA driver, loaded at run time -----*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime is built without CUDA and runs on machines without it. The few
// types of the driver interface that it needs are declared here, with the
// values that NVIDIA documents; the functions come from libcuda.so.1, when
// somebody opens the GPU.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_CUDA_CUDADRIVER_H
#define SPARSE_ATTN_LIB_CUDA_CUDADRIVER_H

#include "sparse_attn/Accelerator.h"

namespace sparse_attn {

/// CUresult: the errors that are told apart. The driver returns others, too.
enum class CudaResult : int32_t {
  Success = 0,
  OutOfMemory = 2,
  StubLibrary = 34, ///< The library is the one of the toolkit, to link with, and no driver.
  NoDevice = 100,
  NoBinaryForDevice = 209,
  JitCompilerNotFound = 221,
  UnsupportedPtxVersion = 222,
  JitCompilationDisabled = 223,
};

/// CUdevice_attribute.
enum class CudaDeviceAttribute : int32_t {
  MultiprocessorCount = 16,
  CapabilityMajor = 75,
  CapabilityMinor = 76,
  MaxSharedBytesOptIn = 97,
};

/// CUfunction_attribute.
enum class CudaFunctionAttribute : int32_t { MaxDynamicSharedBytes = 8 };

/// CUpointer_attribute: of a buffer, a number that no other buffer of the process ever has.
enum class CudaPointerAttribute : int32_t { BufferId = 7 };

/// CUstreamCaptureMode.
enum class CudaCaptureMode : int32_t { Global = 0, ThreadLocal = 1, Relaxed = 2 };
/// CUstream_flags.
enum class CudaStreamFlags : uint32_t { NonBlocking = 1 };

/// CUjit_option.
enum class CudaJitOption : int32_t { ErrorLog = 5, ErrorLogBytes = 6 };

/// CUtensorMapDataType.
enum class CudaElementType : int32_t { F16 = 6, BF16 = 9 };
/// CUtensorMapInterleave.
enum class CudaInterleave : int32_t { None = 0 };
/// CUtensorMapSwizzle.
enum class CudaSwizzle : int32_t { Bytes64 = 2, Bytes128 = 3 };
/// CUtensorMapL2promotion.
enum class CudaL2Promotion : int32_t { Bytes128 = 2 };
/// CUtensorMapFloatOOBfill.
enum class CudaOutOfBoundsFill : int32_t { Zero = 0 };

/// CUdevice.
using CudaDeviceNumber = int;
/// CUdeviceptr.
using CudaAddress = unsigned long long;
using CudaContextHandle = struct CudaContextState *;
using CudaModuleHandle = struct CudaModuleState *;
using CudaFunctionHandle = struct CudaFunctionState *;
using CudaStreamHandle = struct CudaStreamState *;

/// The functions of a driver; those that are optional may be null.
struct CudaDriver {
#define SPARSE_ATTN_CUDA_CALL(symbol, parameters) CudaResult(*symbol) parameters = nullptr;
#include "CudaCalls.def"

  /// "CUDA_ERROR_OUT_OF_MEMORY (out of memory)".
  std::string errorText(CudaResult result) const;

  /// The failure of the call that `call` describes, written one behind another: OutOfMemory where that is what the
  /// driver says, else `code`.
  template <typename... Call> Status failure(StatusCode code, CudaResult result, const Call &...call) const {
    return makeError(result == CudaResult::OutOfMemory ? StatusCode::OutOfMemory : code, "expects ", call...,
                     " to succeed, but got ", errorText(result));
  }
  /// That failure, as a DeviceError if it is no other, or success.
  template <typename... Call> Status check(CudaResult result, const Call &...call) const {
    return result == CudaResult::Success ? Status() : failure(StatusCode::DeviceError, result, call...);
  }
};

/// The driver of this machine, which stays loaded: libcuda.so.1, or the library that the environment variable
/// SPARSE_ATTN_CUDA_LIBRARY names. Thread-safe. Errors: Unsupported where it does not load or lacks a function.
Result<const CudaDriver *> loadCudaDriver();

/// Prints a driver's version as people know it: 12040 is "12.4".
std::string cudaVersionText(int32_t version);

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_CUDA_CUDADRIVER_H
