//===- CudaAccelerator.cpp - An NVIDIA GPU --------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "cuda/CudaKernel.h"
#include "cuda/CudaStream.h"
#include "cuda/CudaTensorMap.h"

#include <algorithm>

namespace sparse_attn {

namespace {

/// Freed in the context that it was allocated in.
class CudaBuffer final : public DeviceBuffer {
public:
  CudaBuffer(const CudaContext &context, size_t bytes) : DeviceBuffer(nullptr, bytes), context(context) {}
  ~CudaBuffer() override {
    if (address)
      context.release([&] { context.driver->cuMemFree_v2(reinterpret_cast<CudaAddress>(address)); });
  }

  /// In the current context.
  Status allocate() {
    CudaAddress memory = 0;
    // The driver refuses to allocate nothing.
    CudaResult result = context.driver->cuMemAlloc_v2(&memory, std::max<size_t>(size, 1));
    if (Status status = context.driver->check(result, "cuMemAlloc of ", size, " bytes"); !status.isOk())
      return status;
    address = reinterpret_cast<void *>(memory);
    return {};
  }

private:
  CudaContext context;
};

class CudaAccelerator final : public Accelerator {
public:
  explicit CudaAccelerator(CudaDevice opened)
      : device(std::move(opened)), driver(device.driver()), uploads(device.context) {}

  Status openStream() { return uploads.open(); }

  const char *name() const override { return "cuda"; }
  std::string description() const override {
    return device.name + " (" + device.architecture() + ", " + std::to_string(device.multiprocessors) +
           " multiprocessors), driver " + cudaVersionText(device.driverVersion);
  }
  std::string architecture() const override { return device.architecture(); }
  int32_t multiprocessors() const override { return device.multiprocessors; }

  Result<std::shared_ptr<DeviceBuffer>> allocate(size_t bytes) const override {
    CudaRelaxedCapture relaxed(driver);
    CudaScope scope(device.context);
    if (!scope.isOk())
      return scope.status();
    auto buffer = std::make_shared<CudaBuffer>(device.context, bytes);
    if (Status status = buffer->allocate(); !status.isOk())
      return status;
    return std::shared_ptr<DeviceBuffer>(std::move(buffer));
  }

  Status copyToDevice(void *target, const void *host, size_t bytes) const override {
    if (bytes == 0)
      return {};
    CudaRelaxedCapture relaxed(driver);
    CudaScope scope(device.context);
    return scope.isOk() ? uploads.upload(target, host, bytes) : scope.status();
  }

  Status copyToHost(void *host, const void *source, size_t bytes) const override {
    if (bytes == 0)
      return {};
    CudaScope scope(device.context);
    if (!scope.isOk())
      return scope.status();
    CudaResult result = driver.cuMemcpyDtoH_v2(host, reinterpret_cast<CudaAddress>(source), bytes);
    return driver.check(result, "cuMemcpyDtoH of ", bytes, " bytes from ", source);
  }

  Status synchronize() const override {
    CudaScope scope(device.context);
    if (!scope.isOk())
      return scope.status();
    return driver.check(driver.cuCtxSynchronize(), "cuCtxSynchronize");
  }

  Result<std::shared_ptr<const DeviceKernel>> load(const DeviceImage &image) const override {
    return CudaKernel::load(device, image);
  }

  Status encode(const TensorMapRequest &request, TensorMap &map) const override {
    return encodeTensorMap(device, request, map);
  }

  Status launch(const DeviceKernel &kernel, int64_t blocks, const TensorMap *maps, const uint64_t *argumentBlock,
                void *stream) const override {
    const auto *loaded = dynamic_cast<const CudaKernel *>(&kernel);
    if (!loaded || !loaded->isOf(device.context))
      return makeError(StatusCode::InvalidArgument, "expects a kernel loaded on ", device.name, ", but got one of ",
                       loaded ? "another context" : "another kind of device");
    return loaded->launch(blocks, maps, argumentBlock, stream);
  }

private:
  CudaDevice device;
  const CudaDriver &driver;
  CudaStream uploads;
};

} // namespace

Result<std::shared_ptr<const Accelerator>> openCuda() {
  Result<CudaDevice> device = openCudaDevice();
  return device.isOk() ? openCuda(std::move(*device)) : device.status();
}

Result<std::shared_ptr<const Accelerator>> openCuda(CudaDevice device) {
  auto accelerator = std::make_shared<CudaAccelerator>(std::move(device));
  if (Status status = accelerator->openStream(); !status.isOk())
    return status;
  return std::shared_ptr<const Accelerator>(std::move(accelerator));
}

} // namespace sparse_attn
