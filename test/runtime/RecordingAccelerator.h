//===- RecordingAccelerator.h - A device that tells all -------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_TEST_RECORDINGACCELERATOR_H
#define SPARSE_ATTN_TEST_RECORDINGACCELERATOR_H

#include "sparse_attn/Accelerator.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <vector>

namespace sparse_attn::test {

/// What a launch was given.
struct Launch {
  int64_t blocks;
  std::vector<unsigned char> maps; ///< The first byte of each.
  std::vector<uint64_t> words;
  void *stream;
};

/// A device whose memory is the host's. It runs thread 0 of each block of a simulated kernel, and no other; that thread
/// may ask only who it is.
class RecordingAccelerator final : public Accelerator {
public:
  enum class Call { Allocate, Copy, Load, Encode, Launch };

  explicit RecordingAccelerator(int32_t multiprocessors = 3) : processors(multiprocessors) {}

  const char *name() const override { return "recording"; }
  std::string description() const override { return "a device that tells all"; }
  int32_t multiprocessors() const override { return processors; }

  Result<std::shared_ptr<DeviceBuffer>> allocate(size_t bytes) const override {
    if (failing == Call::Allocate)
      return failure();
    auto buffer = std::make_shared<Buffer>(*this, bytes);
    return std::shared_ptr<DeviceBuffer>(buffer);
  }
  Status copyToDevice(void *device, const void *host, size_t bytes) const override {
    if (failing == Call::Copy)
      return failure();
    if (bytes > 0)
      std::memcpy(device, host, bytes);
    return {};
  }
  Status copyToHost(void *host, const void *device, size_t bytes) const override {
    return copyToDevice(host, device, bytes);
  }
  Status synchronize() const override { return {}; }

  Result<std::shared_ptr<const DeviceKernel>> load(const DeviceImage &image) const override {
    if (failing == Call::Load)
      return failure();
    images.push_back(image);
    return std::shared_ptr<const DeviceKernel>(std::make_shared<Kernel>(image));
  }
  /// A map is its number within the launch.
  Status encode(const TensorMapRequest &request, TensorMap &map) const override {
    if (failing == Call::Encode)
      return failure();
    if (record)
      requests.push_back(request);
    map.bytes[0] = static_cast<unsigned char>(++encoded);
    return {};
  }
  Status launch(const DeviceKernel &kernel, int64_t blocks, const TensorMap *maps, const uint64_t *argumentBlock,
                void *stream) const override {
    if (failing == Call::Launch)
      return failure();
    encoded = 0;
    const DeviceImage &image = static_cast<const Kernel &>(kernel).image;
    if (record)
      note(image, blocks, maps, argumentBlock, stream);
    for (int64_t i = 0; i < blocks && image.simulated; ++i) {
      Thread thread{static_cast<int32_t>(i), static_cast<int32_t>(blocks)};
      image.simulated(calls(), &thread, maps, argumentBlock);
    }
    return {};
  }

  /// Do these bytes lie in memory of the device?
  bool holds(uint64_t address, size_t bytes) const {
    auto next = memory.upper_bound(address);
    if (next == memory.begin())
      return false;
    --next;
    return address + bytes <= next->first + next->second;
  }

  std::optional<Call> failing;
  bool record = true; ///< Else launches are not noted, which takes memory.
  mutable std::vector<DeviceImage> images;
  mutable std::vector<TensorMapRequest> requests;
  mutable std::vector<Launch> launches;

private:
  struct Buffer final : DeviceBuffer {
    Buffer(const RecordingAccelerator &device, size_t bytes)
        : DeviceBuffer(std::aligned_alloc(256, (bytes + 256) / 256 * 256), bytes), device(device) {
      device.memory[reinterpret_cast<uintptr_t>(address)] = bytes;
    }
    ~Buffer() override {
      device.memory.erase(reinterpret_cast<uintptr_t>(address));
      std::free(address);
    }
    const RecordingAccelerator &device;
  };

  struct Kernel final : DeviceKernel {
    explicit Kernel(const DeviceImage &image) : image(image) {}
    DeviceImage image;
  };

  struct Thread {
    int32_t block, blocks;
  };

  static int32_t threadId(void *) { return 0; }
  static int32_t blockId(void *thread) { return static_cast<Thread *>(thread)->block; }
  static int32_t gridSize(void *thread) { return static_cast<Thread *>(thread)->blocks; }

  /// The first four of the table; a kernel that asks for more crashes.
  static const void *const *calls() {
    static const void *const table[] = {nullptr, reinterpret_cast<const void *>(&threadId),
                                        reinterpret_cast<const void *>(&blockId),
                                        reinterpret_cast<const void *>(&gridSize)};
    return table;
  }

  void note(const DeviceImage &image, int64_t blocks, const TensorMap *maps, const uint64_t *words,
            void *stream) const {
    Launch launch{blocks, {}, std::vector<uint64_t>(words, words + image.blockBytes / sizeof(uint64_t)), stream};
    for (size_t i = 0; i < image.mapCount; ++i)
      launch.maps.push_back(maps[i].bytes[0]);
    launches.push_back(std::move(launch));
  }

  static Status failure() { return makeError(StatusCode::OutOfMemory, "the device fails"); }

  int32_t processors;
  mutable std::map<uint64_t, size_t> memory; ///< Bytes by address.
  mutable int encoded = 0;
};

} // namespace sparse_attn::test

#endif // SPARSE_ATTN_TEST_RECORDINGACCELERATOR_H
