//===- CudaDevice.cpp - A GPU and the context it is used in ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "cuda/CudaDevice.h"

namespace sparse_attn {

namespace {

/// CUDA 11.0.
constexpr int32_t minDriverVersion = 11000;

Status noDevice(const std::string &reason) {
  return makeError(StatusCode::Unsupported, "expects a CUDA device, but got ", reason);
}

Status initialise(const CudaDriver &driver) {
  CudaResult result = driver.cuInit(0);
  if (result == CudaResult::NoDevice)
    return noDevice(driver.errorText(result));
  if (result == CudaResult::StubLibrary)
    return driver.failure(StatusCode::Unsupported, result, "cuInit");
  return driver.check(result, "cuInit");
}

Status readVersion(const CudaDriver &driver, int32_t &version) {
  return driver.check(driver.cuDriverGetVersion(&version), "cuDriverGetVersion");
}

Status checkVersion(const CudaDriver &driver) {
  int32_t version = 0;
  if (Status status = readVersion(driver, version); !status.isOk())
    return status;
  if (version >= minDriverVersion)
    return {};
  return makeError(StatusCode::Unsupported, "expects a driver of CUDA ", cudaVersionText(minDriverVersion),
                   " or later, but got ", cudaVersionText(version));
}

/// Makes the primary context of device 0 current.
Status usePrimaryContext(const CudaDriver &driver, CudaContextHandle &context) {
  int count = 0;
  if (Status status = driver.check(driver.cuDeviceGetCount(&count), "cuDeviceGetCount"); !status.isOk())
    return status;
  if (count == 0)
    return noDevice("0 devices");
  CudaDeviceNumber device = 0;
  if (Status status = driver.check(driver.cuDeviceGet(&device, 0), "cuDeviceGet of device 0"); !status.isOk())
    return status;
  CudaRelaxedCapture relaxed(driver);
  if (Status status =
          driver.check(driver.cuDevicePrimaryCtxRetain(&context, device), "cuDevicePrimaryCtxRetain of device 0");
      !status.isOk())
    return status;
  return driver.check(driver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
}

Status findContext(const CudaDriver &driver, CudaContextHandle &context) {
  if (Status status = driver.check(driver.cuCtxGetCurrent(&context), "cuCtxGetCurrent"); !status.isOk())
    return status;
  return context ? Status() : usePrimaryContext(driver, context);
}

/// Reads the facts about the device of the current context.
Status readDevice(const CudaDriver &driver, CudaDevice &device) {
  CudaDeviceNumber number = 0;
  if (Status status = driver.check(driver.cuCtxGetDevice(&number), "cuCtxGetDevice"); !status.isOk())
    return status;
  char name[256] = {};
  if (Status status = driver.check(driver.cuDeviceGetName(name, sizeof(name) - 1, number), "cuDeviceGetName");
      !status.isOk())
    return status;
  device.name = name;
  struct {
    CudaDeviceAttribute attribute;
    int32_t &value;
  } attributes[] = {{CudaDeviceAttribute::CapabilityMajor, device.major},
                    {CudaDeviceAttribute::CapabilityMinor, device.minor},
                    {CudaDeviceAttribute::MultiprocessorCount, device.multiprocessors},
                    {CudaDeviceAttribute::MaxSharedBytesOptIn, device.maxSharedBytes}};
  for (auto &[attribute, value] : attributes)
    if (Status status = driver.check(driver.cuDeviceGetAttribute(&value, attribute, number),
                                     "cuDeviceGetAttribute of attribute ", static_cast<int32_t>(attribute));
        !status.isOk())
      return status;
  return {};
}

} // namespace

std::string CudaDevice::architecture() const { return "sm_" + std::to_string(major) + std::to_string(minor); }

Result<CudaContext> currentCudaContext() {
  Result<const CudaDriver *> loaded = loadCudaDriver();
  if (!loaded.isOk())
    return loaded.status();
  CudaContext context;
  context.driver = *loaded;
  if (Status status = initialise(**loaded); !status.isOk())
    return status;
  if (Status status = checkVersion(**loaded); !status.isOk())
    return status;
  if (Status status = findContext(**loaded, context.handle); !status.isOk())
    return status;
  return context;
}

Result<CudaDevice> openCudaDevice() {
  Result<CudaContext> context = currentCudaContext();
  if (!context.isOk())
    return context.status();
  CudaDevice device;
  device.context = *context;
  if (Status status = readVersion(device.driver(), device.driverVersion); !status.isOk())
    return status;
  if (Status status = readDevice(device.driver(), device); !status.isOk())
    return status;
  if (Status status = device.context.placeMark(); !status.isOk())
    return status;
  return device;
}

} // namespace sparse_attn
