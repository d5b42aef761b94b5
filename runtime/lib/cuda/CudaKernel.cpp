//===- CudaKernel.cpp - A kernel loaded by the CUDA driver ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "cuda/CudaKernel.h"

#include <array>
#include <cstring>
#include <limits>

namespace sparse_attn {

namespace {

/// Of a grid along x, on every device.
constexpr int64_t maxBlocks = std::numeric_limits<int32_t>::max();
/// Dynamic shared memory that a kernel gets without asking for more.
constexpr int32_t plainSharedBytes = 48 * 1024;
/// Images for one capability alone (sm_90a) came with CUDA 12.0.
constexpr int32_t exactDriverVersion = 12000;

/// "sm_90a".
std::string architectureOf(const DeviceImage &image) {
  return "sm_" + std::to_string(image.major) + std::to_string(image.minor) + (image.exact ? "a" : "");
}

Status checkDevice(const CudaDevice &device, const DeviceImage &image) {
  auto has = std::make_pair(device.major, device.minor), needs = std::make_pair(image.major, image.minor);
  if (image.exact ? has != needs : has < needs)
    return makeError(StatusCode::Unsupported, "expects a device of ", architectureOf(image),
                     image.exact ? ", but got " : " or later, but got ", device.architecture(), " (", device.name, ")");
  if (image.exact && device.driverVersion < exactDriverVersion)
    return makeError(StatusCode::Unsupported, "expects a driver of CUDA ", cudaVersionText(exactDriverVersion),
                     " or later for ", architectureOf(image), ", but got ", cudaVersionText(device.driverVersion));
  if (image.sharedBytes > device.maxSharedBytes)
    return makeError(StatusCode::Unsupported, "expects a device with ", image.sharedBytes,
                     " bytes of shared memory a block, but got ", device.maxSharedBytes, " (", device.name, ")");
  return {};
}

/// Machine code runs on the later devices of its major capability.
bool runsCubin(const CudaDevice &device, const DeviceImage &image) {
  return image.cubin && device.major == image.major && device.minor >= image.minor;
}

/// Whether the device, or its driver, cannot run an image, though nothing is wrong with it.
bool isUnsuited(CudaResult result) {
  return result == CudaResult::NoBinaryForDevice || result == CudaResult::UnsupportedPtxVersion ||
         result == CudaResult::JitCompilerNotFound || result == CudaResult::JitCompilationDisabled;
}

StatusCode loadFailureCode(CudaResult result) {
  return isUnsuited(result) ? StatusCode::Unsupported : StatusCode::DeviceError;
}

/// What the driver's compiler wrote, without the space at its end.
std::string logText(const char *log, size_t bytes) {
  std::string text(log, strnlen(log, bytes));
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

} // namespace

CudaKernel::CudaKernel(const CudaContext &context, const DeviceImage &image)
    : context(context), symbol(image.symbol), threads(image.threads), sharedBytes(image.sharedBytes),
      mapCount(image.mapCount), blockBytes(image.blockBytes) {}

CudaKernel::~CudaKernel() {
  if (module)
    context.release([&] { context.driver->cuModuleUnload(module); });
}

Result<std::shared_ptr<const DeviceKernel>> CudaKernel::load(const CudaDevice &device, const DeviceImage &image) {
  if (Status status = checkDevice(device, image); !status.isOk())
    return status;
  CudaRelaxedCapture relaxed(device.driver());
  CudaScope scope(device.context);
  if (!scope.isOk())
    return scope.status();
  auto kernel = std::make_shared<CudaKernel>(device.context, image);
  if (Status status = kernel->loadModule(device, image); !status.isOk())
    return status;
  if (Status status = kernel->findFunction(); !status.isOk())
    return status;
  return std::shared_ptr<const DeviceKernel>(std::move(kernel));
}

Status CudaKernel::loadModule(const CudaDevice &device, const DeviceImage &image) {
  if (runsCubin(device, image)) {
    Status status = loadCubin(image);
    if (status.isOk() || status.code() == StatusCode::OutOfMemory || !image.ptx)
      return status;
    // Drivers word it in many ways that machine code is newer than they are.
    Status compiled = compilePtx(image);
    return compiled.isOk() ? compiled : Status(compiled.code(), status.message() + "; " + compiled.message());
  }
  if (image.ptx)
    return compilePtx(image);
  return makeError(StatusCode::Unsupported, "expects an image for ", device.architecture(), " (", device.name,
                   "), but got ", image.cubin ? "machine code for " + architectureOf(image) + " and no ptx" : "none");
}

Status CudaKernel::loadCubin(const DeviceImage &image) {
  CudaResult result = context.driver->cuModuleLoadDataEx(&module, image.cubin, 0, nullptr, nullptr);
  if (result == CudaResult::Success)
    return {};
  module = nullptr;
  return context.driver->failure(loadFailureCode(result), result, "cuModuleLoadDataEx of ", image.cubinBytes,
                                 " bytes of machine code for ", architectureOf(image));
}

Status CudaKernel::compilePtx(const DeviceImage &image) {
  std::array<char, 8192> log{};
  // The driver takes numbers as pointers.
  CudaJitOption options[] = {CudaJitOption::ErrorLog, CudaJitOption::ErrorLogBytes};
  void *values[] = {log.data(), reinterpret_cast<void *>(log.size())};
  CudaResult result = context.driver->cuModuleLoadDataEx(&module, image.ptx, 2, options, values);
  if (result == CudaResult::Success)
    return {};
  module = nullptr;
  Status status =
      context.driver->failure(loadFailureCode(result), result, "cuModuleLoadDataEx of ptx for ", architectureOf(image));
  std::string text = logText(log.data(), log.size());
  return text.empty() ? status : Status(status.code(), status.message() + ": " + text);
}

Status CudaKernel::findFunction() {
  const CudaDriver &driver = *context.driver;
  if (Status status =
          driver.check(driver.cuModuleGetFunction(&function, module, symbol.c_str()), "cuModuleGetFunction");
      !status.isOk())
    return status;
  // Else the first launch would load it, and might allocate.
  if (driver.cuFuncLoad)
    if (Status status = driver.check(driver.cuFuncLoad(function), "cuFuncLoad"); !status.isOk())
      return status;
  if (sharedBytes <= plainSharedBytes)
    return {};
  return driver.check(driver.cuFuncSetAttribute(function, CudaFunctionAttribute::MaxDynamicSharedBytes, sharedBytes),
                      "cuFuncSetAttribute of ", sharedBytes, " bytes of shared memory");
}

Status CudaKernel::launch(int64_t blocks, const TensorMap *maps, const uint64_t *argumentBlock, void *stream) const {
  if (blocks < 0 || blocks > maxBlocks)
    return makeError(blocks < 0 ? StatusCode::InvalidArgument : StatusCode::ShapeMismatch, "expects 0 to ", maxBlocks,
                     " blocks, but got ", blocks);
  if (mapCount > 0 && !maps)
    return makeError(StatusCode::InvalidArgument, "expects ", mapCount, " tensor maps, but got null");
  if (!argumentBlock)
    return makeError(StatusCode::InvalidArgument, "expects an argument block of ", blockBytes, " bytes, but got null");
  // The driver refuses an empty grid.
  if (blocks == 0)
    return {};
  CudaScope scope(context);
  if (!scope.isOk())
    return scope.status();
  // The driver only reads what the parameters point to.
  void *block = const_cast<uint64_t *>(argumentBlock);
  void *withMaps[] = {const_cast<TensorMap *>(maps), block};
  CudaResult result =
      context.driver->cuLaunchKernel(function, static_cast<unsigned>(blocks), 1, 1, static_cast<unsigned>(threads), 1,
                                     1, static_cast<unsigned>(sharedBytes), static_cast<CudaStreamHandle>(stream),
                                     mapCount > 0 ? withMaps : &block, nullptr);
  return context.driver->check(result, "cuLaunchKernel of ", blocks, " blocks of ", threads, " threads with ",
                               sharedBytes, " bytes of shared memory");
}

} // namespace sparse_attn
