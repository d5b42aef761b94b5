//===- SimulatedDevice.cpp - GPU kernels as host code ---------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/Launch.h"
#include "sparse_attn/Accelerator.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

namespace sparse_attn {

namespace {

/// The order of the enumerators.
constexpr const char *scheduleNames[] = {"in_order", "random", "reverse"};
constexpr int32_t maxThreads = 1024;

class HostBuffer final : public DeviceBuffer {
public:
  static constexpr size_t alignment = 256;

  HostBuffer(void *address, size_t size) : DeviceBuffer(address, size) {}
  ~HostBuffer() override { std::free(address); }
};

class SimulatedDeviceKernel final : public DeviceKernel {
public:
  explicit SimulatedDeviceKernel(const DeviceImage &image) : image(image) {}
  const DeviceImage image;
};

class SimulatedDevice final : public Accelerator {
public:
  explicit SimulatedDevice(const SimulatorOptions &options) : options(options) {}

  const char *name() const override { return "sim"; }

  std::string description() const override {
    return std::string("simulated device, schedule ") + scheduleNames[static_cast<size_t>(options.schedule)] +
           ", seed " + std::to_string(options.seed);
  }

  int32_t multiprocessors() const override { return options.multiprocessors; }

  Result<std::shared_ptr<DeviceBuffer>> allocate(size_t bytes) const override {
    size_t rounded = (bytes + HostBuffer::alignment) / HostBuffer::alignment * HostBuffer::alignment;
    std::unique_ptr<void, decltype(&std::free)> memory(
        rounded > bytes ? std::aligned_alloc(HostBuffer::alignment, rounded) : nullptr, &std::free);
    if (!memory)
      return makeError(StatusCode::OutOfMemory, "expects ", bytes, " bytes of memory, but got none");
    // What nobody has written is a NaN in every format.
    std::memset(memory.get(), 0xff, rounded);
    auto buffer = std::make_shared<HostBuffer>(memory.get(), bytes);
    memory.release();
    return std::shared_ptr<DeviceBuffer>(std::move(buffer));
  }

  Status copyToDevice(void *device, const void *host, size_t bytes) const override { return copy(device, host, bytes); }
  Status copyToHost(void *host, const void *device, size_t bytes) const override { return copy(host, device, bytes); }
  Status synchronize() const override { return {}; }

  Result<std::shared_ptr<const DeviceKernel>> load(const DeviceImage &image) const override;

  Status encode(const TensorMapRequest &request, TensorMap &map) const override { return sim::encodeMap(request, map); }

  Status launch(const DeviceKernel &kernel, int64_t blocks, const TensorMap *maps, const uint64_t *argumentBlock,
                void *stream) const override;

private:
  static Status copy(void *to, const void *from, size_t bytes) {
    if (bytes != 0)
      std::memcpy(to, from, bytes);
    return {};
  }

  SimulatorOptions options;
};

Result<std::shared_ptr<const DeviceKernel>> SimulatedDevice::load(const DeviceImage &image) const {
  if (image.simulated == nullptr)
    return Status(StatusCode::Unsupported, "expects an artifact compiled with --simulate, but got no simulated code");
  if (image.threads < sim::Thread::warpSize || image.threads > maxThreads || image.threads % sim::Thread::warpSize != 0)
    return makeError(StatusCode::Unsupported, "expects a multiple of 32 up to ", maxThreads,
                     " as threads of a block, but got ", image.threads);
  if (image.sharedBytes < 0 || static_cast<size_t>(image.sharedBytes) > sim::SharedMemory::maxBytes)
    return makeError(StatusCode::Unsupported, "expects at most ", size_t(sim::SharedMemory::maxBytes),
                     " bytes of shared memory, but got ", image.sharedBytes);
  return std::shared_ptr<const DeviceKernel>(std::make_shared<SimulatedDeviceKernel>(image));
}

Status SimulatedDevice::launch(const DeviceKernel &kernel, int64_t blocks, const TensorMap *maps,
                               const uint64_t *argumentBlock, void *stream) const {
  const auto *loaded = dynamic_cast<const SimulatedDeviceKernel *>(&kernel);
  if (loaded == nullptr)
    return Status(StatusCode::InvalidArgument,
                  "expects a kernel that the simulated device has loaded, but got one of another device");
  if (stream != nullptr)
    return makeError(StatusCode::InvalidArgument, "expects no stream on the simulated device, but got ", stream);
  if (blocks < 0 || blocks > std::numeric_limits<int32_t>::max())
    return makeError(StatusCode::InvalidArgument, "expects 0 to 2^31 - 1 blocks, but got ", blocks);
  if (blocks == 0)
    return {};
  return sim::Launch(options, {loaded->image, blocks, maps, argumentBlock}).run();
}

Result<SimulatorOptions::Schedule> parseSchedule(std::string_view name) {
  for (size_t i = 0; i < std::size(scheduleNames); ++i)
    if (name == scheduleNames[i])
      return static_cast<SimulatorOptions::Schedule>(i);
  return makeError(StatusCode::InvalidArgument,
                   "expects in_order, random or reverse in SPARSE_ATTN_SIM_SCHEDULE, but got '", name, "'");
}

Result<uint64_t> parseSeed(std::string_view text) {
  uint64_t seed = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc() || end != text.data() + text.size())
    return makeError(StatusCode::InvalidArgument, "expects a number below 2^64 in SPARSE_ATTN_SIM_SEED, but got '",
                     text, "'");
  return seed;
}

} // namespace

Result<std::shared_ptr<const Accelerator>> openSimulator() {
  SimulatorOptions options;
  if (const char *name = std::getenv("SPARSE_ATTN_SIM_SCHEDULE")) {
    Result<SimulatorOptions::Schedule> schedule = parseSchedule(name);
    if (!schedule.isOk())
      return schedule.status();
    options.schedule = *schedule;
  }
  if (const char *text = std::getenv("SPARSE_ATTN_SIM_SEED")) {
    Result<uint64_t> seed = parseSeed(text);
    if (!seed.isOk())
      return seed.status();
    options.seed = *seed;
  }
  return openSimulator(options);
}

std::shared_ptr<const Accelerator> openSimulator(const SimulatorOptions &options) {
  SimulatorOptions valid = options;
  valid.multiprocessors = std::max(valid.multiprocessors, 1);
  return std::make_shared<SimulatedDevice>(valid);
}

} // namespace sparse_attn
