//===- CudaDeviceTest.cpp - The GPU, behind a driver that is a fake -------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DefaultAccelerator.h"
#include "FakeCuda.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <thread>

using namespace sparse_attn;
using namespace sparse_attn::test;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

constexpr const char *cubin = "\x7f"
                              "ELF attention";
constexpr const char *ptx = ".visible .entry attention";

/// A function of the fake library.
template <typename Function> Function *fakeFunction(const char *path, const char *name) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  EXPECT_NE(library, nullptr);
  return reinterpret_cast<Function *>(dlsym(library, name));
}

/// A kernel for sm_90 in both forms, with 2 tensor maps and a block of 3 words.
DeviceImage makeImage() {
  DeviceImage image;
  image.symbol = "attention";
  image.cubin = cubin;
  image.cubinBytes = std::strlen(cubin);
  image.ptx = ptx;
  image.major = 9;
  image.threads = 384;
  image.sharedBytes = 200 * 1024;
  image.mapCount = 2;
  image.blockBytes = 24;
  return image;
}

DeviceImage makeImage(int32_t major, int32_t minor) {
  DeviceImage image = makeImage();
  image.major = major;
  image.minor = minor;
  image.sharedBytes = 0;
  return image;
}

/// The memory of what is encoded lies nowhere: the driver only looks at addresses.
void *const address = reinterpret_cast<void *>(0x7000'0000);

/// Boxes of 64 x 64 in [2, 8, 1024, 128].
TensorMapRequest makeRequest() { return {makeArray(address, DType::F16, Shape{4, {2, 8, 1024, 128}}), 64, 64}; }

class CudaDevice : public testing::Test {
protected:
  void SetUp() override { useLibrary(SPARSE_ATTN_TEST_FAKE_CUDA); }

  void TearDown() override {
    EXPECT_TRUE(fake->allocations.empty());
    EXPECT_TRUE(fake->modules.empty());
    EXPECT_TRUE(fake->streams.empty());
    EXPECT_FALSE(fake->captureBroken);
    EXPECT_FALSE(fake->usedDestroyed);
    setCurrent(nullptr);
    unsetenv("SPARSE_ATTN_CUDA_LIBRARY");
  }

  void useLibrary(const char *path) {
    setenv("SPARSE_ATTN_CUDA_LIBRARY", path, 1);
    fake = fakeFunction<FakeCuda *()>(path, "fake_cuda")();
    getCurrent = fakeFunction<CudaResult(CudaContextHandle *)>(path, "cuCtxGetCurrent");
    makeCurrent = fakeFunction<CudaResult(CudaContextHandle)>(path, "cuCtxSetCurrent");
    exchangeMode = fakeFunction<CudaResult(CudaCaptureMode *)>(path, "cuThreadExchangeStreamCaptureMode");
    destroyContext = fakeFunction<void(CudaContextHandle)>(path, "fake_cuda_destroy_context");
    createContext = fakeFunction<void(CudaContextHandle)>(path, "fake_cuda_create_context");
    otherContext = fakeFunction<CudaContextHandle()>(path, "fake_cuda_other_context")();
    restoreFake();
    setCurrent(nullptr);
  }

  /// The answers of a good H200.
  void restoreFake() {
    FakeCuda fresh;
    fake->version = fresh.version;
    fake->devices = fresh.devices;
    fake->attributes = fresh.attributes;
    fake->kernelFailure = CudaResult::Success;
    fake->kernelFailed = false;
    fake->failures.clear();
    fake->jitLog.clear();
    fake->isCapturing = fake->captureBroken = false;
    fake->parameterBytes = {2 * sizeof(TensorMap), 24};
    fake->calls.clear();
    fake->launches.clear();
    fake->encodings.clear();
  }

  void setCapability(int major, int minor) {
    fake->attributes[CudaDeviceAttribute::CapabilityMajor] = major;
    fake->attributes[CudaDeviceAttribute::CapabilityMinor] = minor;
  }

  CudaContextHandle current() {
    CudaContextHandle context = nullptr;
    EXPECT_EQ(getCurrent(&context), CudaResult::Success);
    return context;
  }
  void setCurrent(CudaContextHandle context) { EXPECT_EQ(makeCurrent(context), CudaResult::Success); }

  /// A context ends, and another begins at the same address.
  void endContext(CudaContextHandle context) {
    setCurrent(nullptr);
    destroyContext(context);
    createContext(context);
  }

  /// Sets the capture mode of this thread; returns the one before.
  CudaCaptureMode setMode(CudaCaptureMode mode) {
    EXPECT_EQ(exchangeMode(&mode), CudaResult::Success);
    return mode;
  }

  /// The calls are those that come after.
  std::shared_ptr<const Accelerator> open() {
    Result<std::shared_ptr<const Accelerator>> accelerator = openCuda();
    fake->calls.clear();
    EXPECT_TRUE(accelerator.isOk()) << accelerator.status().message();
    return accelerator.isOk() ? *accelerator : nullptr;
  }
  Status openFailure() { return openCuda().status(); }

  /// The outcome of loading on a device of that capability; the calls are those of the loading alone.
  Status load(const DeviceImage &image, int major, int minor) {
    setCapability(major, minor);
    std::shared_ptr<const Accelerator> accelerator = open();
    Status status = accelerator->load(image).status();
    std::vector<std::string> calls = fake->calls;
    accelerator = nullptr;
    fake->calls = calls;
    return status;
  }

  /// The message of an encoding that fails before the driver sees it.
  std::string encodeFailure(const TensorMapRequest &request) {
    TensorMap map;
    Status status = open()->encode(request, map);
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument) << status.message();
    EXPECT_TRUE(fake->encodings.empty());
    return status.message();
  }

  FakeCuda *fake = nullptr;
  CudaResult (*getCurrent)(CudaContextHandle *) = nullptr;
  CudaResult (*makeCurrent)(CudaContextHandle) = nullptr;
  CudaResult (*exchangeMode)(CudaCaptureMode *) = nullptr;
  void (*destroyContext)(CudaContextHandle) = nullptr;
  void (*createContext)(CudaContextHandle) = nullptr;
  CudaContextHandle otherContext = nullptr;
};

TEST_F(CudaDevice, Opens) {
  std::shared_ptr<const Accelerator> accelerator = open();
  EXPECT_STREQ(accelerator->name(), "cuda");
  EXPECT_EQ(accelerator->description(), "Fake GPU (sm_90, 132 multiprocessors), driver 12.4");
  EXPECT_EQ(accelerator->multiprocessors(), 132);
  EXPECT_NE(current(), nullptr);
}

TEST_F(CudaDevice, OpensTheDeviceOfTheCurrentContext) {
  setCurrent(otherContext);
  EXPECT_THAT(open()->description(), HasSubstr("Other GPU"));
  EXPECT_EQ(current(), otherContext);
}

std::shared_ptr<const Accelerator> choose() {
  Result<std::shared_ptr<const Accelerator>> chosen = defaultAccelerator();
  EXPECT_TRUE(chosen.isOk()) << chosen.status().message();
  return chosen.isOk() ? *chosen : nullptr;
}

TEST_F(CudaDevice, PlansUseTheDeviceOfTheCurrentContext) {
  setCurrent(otherContext);
  std::shared_ptr<const Accelerator> other = choose();
  setCurrent(nullptr);
  std::shared_ptr<const Accelerator> primary = choose();
  ASSERT_TRUE(other && primary);
  EXPECT_THAT(other->description(), HasSubstr("Other GPU"));
  EXPECT_THAT(primary->description(), HasSubstr("Fake GPU"));
  // Each is opened once.
  EXPECT_EQ(choose(), primary);
  setCurrent(otherContext);
  EXPECT_EQ(choose(), other);
  // They are kept as long as the process lives.
  EXPECT_EQ(fake->streams.size(), 2u);
  setCurrent(nullptr);
  EXPECT_EQ(choose(), primary);
  endContext(current());
  endContext(otherContext);
}

TEST_F(CudaDevice, PlansOfAContextAtAnOldAddress) {
  setCurrent(otherContext);
  std::shared_ptr<const Accelerator> first = choose();
  endContext(otherContext);
  setCurrent(otherContext);
  std::shared_ptr<const Accelerator> second = choose();
  ASSERT_TRUE(first && second);
  EXPECT_NE(first, second);
  EXPECT_EQ(choose(), second);
  EXPECT_TRUE(second->allocate(8).isOk());
  // The old one goes without a word to the driver.
  fake->calls.clear();
  first = nullptr;
  EXPECT_THAT(fake->calls, ElementsAre());
  EXPECT_EQ(fake->streams.size(), 1u);
  endContext(otherContext);
}

TEST_F(CudaDevice, OpensInManyThreads) {
  std::vector<std::thread> threads;
  std::vector<Status> outcomes(8);
  for (Status &outcome : outcomes)
    threads.emplace_back([&outcome] {
      Result<std::shared_ptr<const Accelerator>> accelerator = openCuda();
      outcome = accelerator.isOk() ? (*accelerator)->allocate(64).status() : accelerator.status();
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const Status &outcome : outcomes)
    EXPECT_TRUE(outcome.isOk()) << outcome.message();
}

TEST_F(CudaDevice, CopiesMemory) {
  std::shared_ptr<const Accelerator> accelerator = open();
  Result<std::shared_ptr<DeviceBuffer>> buffer = accelerator->allocate(1000);
  ASSERT_TRUE(buffer.isOk());
  EXPECT_EQ((*buffer)->bytes(), 1000u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>((*buffer)->data()) % 256, 0u);
  std::vector<char> sent(1000, 7), received(1000);
  ASSERT_TRUE(accelerator->copyToDevice((*buffer)->data(), sent.data(), 1000).isOk());
  ASSERT_TRUE(accelerator->copyToHost(received.data(), (*buffer)->data(), 1000).isOk());
  EXPECT_EQ(sent, received);
  *buffer = nullptr;
  EXPECT_THAT(fake->calls, ElementsAre("cuMemAlloc_v2 1000", "cuMemcpyHtoDAsync_v2 1000", "cuStreamSynchronize",
                                       "cuMemcpyDtoH_v2 1000", "cuMemFree_v2 1000"));
}

TEST_F(CudaDevice, NothingIsCopiedOrAllocated) {
  std::shared_ptr<const Accelerator> accelerator = open();
  Result<std::shared_ptr<DeviceBuffer>> buffer = accelerator->allocate(0);
  ASSERT_TRUE(buffer.isOk()) << buffer.status().message();
  EXPECT_EQ((*buffer)->bytes(), 0u);
  EXPECT_NE((*buffer)->data(), nullptr);
  EXPECT_TRUE(accelerator->copyToDevice((*buffer)->data(), nullptr, 0).isOk());
  EXPECT_TRUE(accelerator->copyToHost(nullptr, (*buffer)->data(), 0).isOk());
  EXPECT_THAT(fake->calls, ElementsAre("cuMemAlloc_v2 1"));
}

TEST_F(CudaDevice, MemoryAndKernelsOutliveTheAccelerator) {
  std::shared_ptr<const Accelerator> accelerator = open();
  Result<std::shared_ptr<DeviceBuffer>> buffer = accelerator->allocate(16);
  Result<std::shared_ptr<const DeviceKernel>> kernel = accelerator->load(makeImage());
  ASSERT_TRUE(buffer.isOk() && kernel.isOk());
  accelerator = nullptr;
  setCurrent(otherContext);
  // The mark of the context stays as long as the kernel does.
  EXPECT_EQ(fake->allocations.size(), 2u);
  *buffer = nullptr;
  EXPECT_EQ(fake->allocations.size(), 1u);
  *kernel = nullptr;
  EXPECT_TRUE(fake->modules.empty());
  EXPECT_EQ(current(), otherContext);
}

TEST_F(CudaDevice, Launches) {
  std::shared_ptr<const Accelerator> accelerator = open();
  Result<std::shared_ptr<const DeviceKernel>> kernel = accelerator->load(makeImage());
  ASSERT_TRUE(kernel.isOk()) << kernel.status().message();
  EXPECT_THAT(fake->calls, ElementsAre("cuModuleLoadDataEx cubin", "cuModuleGetFunction attention",
                                       "cuFuncLoad attention", "cuFuncSetAttribute 8 204800"));
  TensorMap maps[2];
  std::memset(maps[0].bytes, 1, sizeof(TensorMap));
  std::memset(maps[1].bytes, 2, sizeof(TensorMap));
  uint64_t block[3] = {10, 20, 30};
  int stream = 0;
  fake->calls.clear();
  ASSERT_TRUE(accelerator->launch(**kernel, 77, maps, block, &stream).isOk());
  EXPECT_THAT(fake->calls, ElementsAre("cuLaunchKernel attention"));
  ASSERT_EQ(fake->launches.size(), 1u);
  const FakeLaunch &launch = fake->launches[0];
  EXPECT_EQ(launch.kernel, "attention");
  EXPECT_THAT(launch.grid, ElementsAre(77, 1, 1));
  EXPECT_THAT(launch.block, ElementsAre(384, 1, 1));
  EXPECT_EQ(launch.sharedBytes, 204800u);
  EXPECT_EQ(launch.stream, &stream);
  ASSERT_EQ(launch.parameters.size(), 2u);
  EXPECT_EQ(std::memcmp(launch.parameters[0].data(), maps, sizeof(maps)), 0);
  EXPECT_EQ(std::memcmp(launch.parameters[1].data(), block, sizeof(block)), 0);
}

TEST_F(CudaDevice, LaunchesWithoutTensorMaps) {
  std::shared_ptr<const Accelerator> accelerator = open();
  DeviceImage image = makeImage(8, 0);
  image.mapCount = 0;
  image.cubin = nullptr;
  Result<std::shared_ptr<const DeviceKernel>> kernel = accelerator->load(image);
  ASSERT_TRUE(kernel.isOk()) << kernel.status().message();
  EXPECT_THAT(fake->calls,
              ElementsAre("cuModuleLoadDataEx ptx", "cuModuleGetFunction attention", "cuFuncLoad attention"));
  fake->parameterBytes = {24};
  uint64_t block[3] = {1, 2, 3};
  ASSERT_TRUE(accelerator->launch(**kernel, 1, nullptr, block, nullptr).isOk());
  EXPECT_EQ(fake->launches[0].stream, nullptr);
  EXPECT_EQ(std::memcmp(fake->launches[0].parameters[0].data(), block, sizeof(block)), 0);
}

TEST_F(CudaDevice, LaunchLimits) {
  std::shared_ptr<const Accelerator> accelerator = open();
  Result<std::shared_ptr<const DeviceKernel>> kernel = accelerator->load(makeImage());
  ASSERT_TRUE(kernel.isOk());
  TensorMap maps[2] = {};
  uint64_t block[3] = {};
  EXPECT_TRUE(accelerator->launch(**kernel, 0, maps, block, nullptr).isOk());
  EXPECT_TRUE(fake->launches.empty());
  EXPECT_TRUE(accelerator->launch(**kernel, 2147483647, maps, block, nullptr).isOk());
  Status many = accelerator->launch(**kernel, 2147483648, maps, block, nullptr);
  EXPECT_EQ(many.code(), StatusCode::ShapeMismatch);
  EXPECT_EQ(many.message(), "expects 0 to 2147483647 blocks, but got 2147483648");
  EXPECT_EQ(accelerator->launch(**kernel, -1, maps, block, nullptr).code(), StatusCode::InvalidArgument);
  EXPECT_EQ(accelerator->launch(**kernel, 1, nullptr, block, nullptr).message(), "expects 2 tensor maps, but got null");
  EXPECT_EQ(accelerator->launch(**kernel, 1, maps, nullptr, nullptr).message(),
            "expects an argument block of 24 bytes, but got null");
  EXPECT_EQ(fake->launches.size(), 1u);
}

TEST_F(CudaDevice, LaunchRefusesForeignKernels) {
  struct OtherKernel final : DeviceKernel {
  } other;
  std::shared_ptr<const Accelerator> accelerator = open();
  uint64_t block[3] = {};
  Status status = accelerator->launch(other, 1, nullptr, block, nullptr);
  EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
  EXPECT_EQ(status.message(), "expects a kernel loaded on Fake GPU, but got one of another kind of device");
  Result<std::shared_ptr<const DeviceKernel>> kernel = accelerator->load(makeImage());
  setCurrent(otherContext);
  EXPECT_THAT(open()->launch(**kernel, 1, nullptr, block, nullptr).message(), HasSubstr("one of another context"));
}

TEST_F(CudaDevice, EveryCallRestoresTheContext) {
  std::shared_ptr<const Accelerator> accelerator = open();
  for (CudaContextHandle before : {otherContext, CudaContextHandle()}) {
    setCurrent(before);
    Result<std::shared_ptr<DeviceBuffer>> buffer = accelerator->allocate(8);
    ASSERT_TRUE(buffer.isOk());
    Result<std::shared_ptr<const DeviceKernel>> kernel = accelerator->load(makeImage());
    ASSERT_TRUE(kernel.isOk());
    TensorMap maps[2];
    uint64_t block[3] = {};
    EXPECT_TRUE(accelerator->encode(makeRequest(), maps[0]).isOk());
    EXPECT_TRUE(accelerator->copyToDevice((*buffer)->data(), block, 8).isOk());
    EXPECT_TRUE(accelerator->copyToHost(block, (*buffer)->data(), 8).isOk());
    EXPECT_TRUE(accelerator->launch(**kernel, 1, maps, block, nullptr).isOk());
    EXPECT_TRUE(accelerator->synchronize().isOk());
    EXPECT_EQ(current(), before);
    fake->failures["cuMemAlloc_v2"] = CudaResult::OutOfMemory;
    EXPECT_FALSE(accelerator->allocate(8).isOk());
    EXPECT_EQ(current(), before);
    fake->failures.clear();
  }
}

TEST_F(CudaDevice, UploadsWhileAnotherThreadCaptures) {
  // The caller's own mode comes back after each call.
  setMode(CudaCaptureMode::ThreadLocal);
  fake->isCapturing = true;
  std::shared_ptr<const Accelerator> accelerator;
  {
    Result<std::shared_ptr<const Accelerator>> opened = openCuda();
    ASSERT_TRUE(opened.isOk()) << opened.status().message();
    EXPECT_THAT(fake->calls, testing::Contains("cuStreamCreate 1"));
    accelerator = *opened;
    Result<std::shared_ptr<DeviceBuffer>> buffer = accelerator->allocate(8);
    ASSERT_TRUE(buffer.isOk()) << buffer.status().message();
    Status copied = accelerator->copyToDevice((*buffer)->data(), "1234567", 8);
    EXPECT_TRUE(copied.isOk()) << copied.message();
    EXPECT_STREQ(static_cast<const char *>((*buffer)->data()), "1234567");
    Status loaded = accelerator->load(makeImage()).status();
    EXPECT_TRUE(loaded.isOk()) << loaded.message();
    EXPECT_EQ(setMode(CudaCaptureMode::ThreadLocal), CudaCaptureMode::ThreadLocal);
  }
  EXPECT_TRUE(fake->modules.empty());
  accelerator = nullptr;
  EXPECT_TRUE(fake->streams.empty());
  EXPECT_TRUE(fake->allocations.empty());
  EXPECT_FALSE(fake->captureBroken);
  EXPECT_EQ(setMode(CudaCaptureMode::Global), CudaCaptureMode::ThreadLocal);
  // The fake does refuse what is unsafe.
  fake->failures["cuThreadExchangeStreamCaptureMode"] = invalidValue;
  EXPECT_THAT(openFailure().message(), HasSubstr("CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"));
  EXPECT_TRUE(fake->captureBroken);
  fake->captureBroken = false;
}

TEST_F(CudaDevice, CubinOrPtx) {
  // Machine code runs on later minor capabilities, ptx on all later ones.
  EXPECT_TRUE(load(makeImage(8, 0), 8, 0).isOk());
  EXPECT_EQ(fake->calls[0], "cuModuleLoadDataEx cubin");
  EXPECT_TRUE(load(makeImage(8, 0), 8, 9).isOk());
  EXPECT_EQ(fake->calls[0], "cuModuleLoadDataEx cubin");
  EXPECT_TRUE(load(makeImage(8, 0), 9, 0).isOk());
  EXPECT_EQ(fake->calls[0], "cuModuleLoadDataEx ptx");
  EXPECT_TRUE(load(makeImage(8, 0), 12, 0).isOk());
  EXPECT_EQ(fake->calls[0], "cuModuleLoadDataEx ptx");
  EXPECT_TRUE(load(makeImage(8, 6), 10, 3).isOk());
  EXPECT_EQ(fake->calls[0], "cuModuleLoadDataEx ptx");
}

TEST_F(CudaDevice, OlderDevices) {
  Status status = load(makeImage(8, 0), 7, 5);
  EXPECT_EQ(status.code(), StatusCode::Unsupported);
  EXPECT_EQ(status.message(), "expects a device of sm_80 or later, but got sm_75 (Fake GPU)");
  EXPECT_EQ(load(makeImage(8, 6), 8, 0).code(), StatusCode::Unsupported);
  EXPECT_TRUE(fake->calls.empty());
}

TEST_F(CudaDevice, ExactCapability) {
  DeviceImage image = makeImage();
  image.exact = true;
  EXPECT_TRUE(load(image, 9, 0).isOk());
  Status status = load(image, 10, 0);
  EXPECT_EQ(status.code(), StatusCode::Unsupported);
  EXPECT_EQ(status.message(), "expects a device of sm_90a, but got sm_100 (Fake GPU)");
  EXPECT_EQ(load(image, 8, 0).code(), StatusCode::Unsupported);
  fake->version = 11080;
  EXPECT_EQ(load(image, 9, 0).message(), "expects a driver of CUDA 12.0 or later for sm_90a, but got 11.8");
}

TEST_F(CudaDevice, PtxReplacesMachineCodeThatDoesNotRun) {
  // Drivers that are older than the machine code may say that the image is invalid.
  for (CudaResult failure : {CudaResult{200}, CudaResult::NoBinaryForDevice}) {
    fake->failures["cuModuleLoadDataEx cubin"] = failure;
    EXPECT_TRUE(load(makeImage(), 9, 0).isOk());
    EXPECT_EQ(fake->calls[0], "cuModuleLoadDataEx cubin");
    EXPECT_EQ(fake->calls[1], "cuModuleLoadDataEx ptx");
  }
  DeviceImage image = makeImage();
  image.ptx = nullptr;
  Status status = load(image, 9, 0);
  EXPECT_EQ(status.code(), StatusCode::Unsupported);
  EXPECT_EQ(status.message(), "expects cuModuleLoadDataEx of 14 bytes of machine code for sm_90 to succeed, but got "
                              "CUDA_ERROR_NO_BINARY_FOR_GPU (no kernel image is available)");
}

TEST_F(CudaDevice, BrokenMachineCodeIsAnError) {
  fake->failures["cuModuleLoadDataEx cubin"] = CudaResult{200};
  DeviceImage image = makeImage();
  image.ptx = nullptr;
  Status status = load(image, 9, 0);
  EXPECT_EQ(status.code(), StatusCode::DeviceError);
  EXPECT_THAT(status.message(), HasSubstr("but got error 200"));
  EXPECT_THAT(fake->calls, ElementsAre("cuModuleLoadDataEx cubin"));
}

TEST_F(CudaDevice, BothImagesFail) {
  fake->failures["cuModuleLoadDataEx cubin"] = CudaResult{200};
  fake->failures["cuModuleLoadDataEx ptx"] = CudaResult::UnsupportedPtxVersion;
  Status status = load(makeImage(), 9, 0);
  EXPECT_EQ(status.code(), StatusCode::Unsupported);
  EXPECT_EQ(status.message(),
            "expects cuModuleLoadDataEx of 14 bytes of machine code for sm_90 to succeed, but got error 200; expects "
            "cuModuleLoadDataEx of ptx for sm_90 to succeed, but got CUDA_ERROR_UNSUPPORTED_PTX_VERSION (unsupported "
            "toolchain)");
}

TEST_F(CudaDevice, NoImageForTheDevice) {
  DeviceImage image = makeImage(8, 0);
  image.ptx = nullptr;
  Status status = load(image, 9, 0);
  EXPECT_EQ(status.code(), StatusCode::Unsupported);
  EXPECT_EQ(status.message(), "expects an image for sm_90 (Fake GPU), but got machine code for "
                              "sm_80 and no ptx");
  image.cubin = nullptr;
  EXPECT_THAT(load(image, 9, 0).message(), HasSubstr("but got none"));
}

TEST_F(CudaDevice, PtxFailsWithTheLog) {
  DeviceImage image = makeImage();
  image.cubin = nullptr;
  fake->failures["cuModuleLoadDataEx ptx"] = invalidPtx;
  fake->jitLog = "ptxas application ptx input, line 7; error : Unknown symbol 'x'\n";
  Status status = load(image, 9, 0);
  EXPECT_EQ(status.code(), StatusCode::DeviceError);
  EXPECT_EQ(status.message(), "expects cuModuleLoadDataEx of ptx for sm_90 to succeed, but got "
                              "CUDA_ERROR_INVALID_PTX (a PTX JIT compilation failed): ptxas application ptx input, "
                              "line 7; error : Unknown symbol 'x'");
  fake->jitLog = std::string(100000, 'x');
  EXPECT_THAT(load(image, 9, 0).message(), testing::EndsWith(std::string(8191, 'x')));
  fake->jitLog.clear();
  fake->failures["cuModuleLoadDataEx ptx"] = CudaResult::UnsupportedPtxVersion;
  EXPECT_EQ(load(image, 9, 0).code(), StatusCode::Unsupported);
}

TEST_F(CudaDevice, KernelThatIsMissing) {
  DeviceImage image = makeImage();
  image.symbol = "decoding";
  Status status = load(image, 9, 0);
  EXPECT_EQ(status.code(), StatusCode::DeviceError);
  EXPECT_EQ(status.message(), "expects cuModuleGetFunction to succeed, but got CUDA_ERROR_NOT_FOUND "
                              "(named symbol not found)");
}

TEST_F(CudaDevice, TooMuchSharedMemory) {
  fake->attributes[CudaDeviceAttribute::MaxSharedBytesOptIn] = 101376;
  Status status = load(makeImage(), 9, 0);
  EXPECT_EQ(status.code(), StatusCode::Unsupported);
  EXPECT_EQ(status.message(), "expects a device with 204800 bytes of shared memory a block, but "
                              "got 101376 (Fake GPU)");
  EXPECT_TRUE(fake->calls.empty());
  fake->attributes[CudaDeviceAttribute::MaxSharedBytesOptIn] = 204800;
  EXPECT_TRUE(load(makeImage(), 9, 0).isOk());
}

TEST_F(CudaDevice, OutOfMemory) {
  std::shared_ptr<const Accelerator> accelerator = open();
  fake->failures["cuMemAlloc_v2"] = CudaResult::OutOfMemory;
  Status status = accelerator->allocate(123456).status();
  EXPECT_EQ(status.code(), StatusCode::OutOfMemory);
  EXPECT_EQ(status.message(),
            "expects cuMemAlloc of 123456 bytes to succeed, but got CUDA_ERROR_OUT_OF_MEMORY (out of memory)");
}

TEST_F(CudaDevice, OutOfMemoryOfAnyCall) {
  for (const char *call : {"cuModuleLoadDataEx cubin", "cuModuleGetFunction", "cuFuncLoad", "cuFuncSetAttribute"}) {
    fake->failures = {{call, CudaResult::OutOfMemory}};
    EXPECT_EQ(load(makeImage(), 9, 0).code(), StatusCode::OutOfMemory) << call;
    EXPECT_EQ(std::count(fake->calls.begin(), fake->calls.end(), "cuModuleLoadDataEx ptx"), 0) << call;
  }
  fake->failures = {{"cuDevicePrimaryCtxRetain", CudaResult::OutOfMemory}};
  setCurrent(nullptr);
  EXPECT_EQ(openFailure().code(), StatusCode::OutOfMemory);
}

TEST_F(CudaDevice, CopiesThatFail) {
  std::shared_ptr<const Accelerator> accelerator = open();
  Result<std::shared_ptr<DeviceBuffer>> buffer = accelerator->allocate(8);
  ASSERT_TRUE(buffer.isOk());
  char bytes[16] = {};
  Status status = accelerator->copyToDevice((*buffer)->data(), bytes, 16);
  EXPECT_EQ(status.code(), StatusCode::DeviceError);
  EXPECT_THAT(status.message(), HasSubstr("expects cuMemcpyHtoDAsync of 16 bytes to 0x"));
  EXPECT_THAT(status.message(), HasSubstr("but got CUDA_ERROR_INVALID_VALUE (invalid argument)"));
  EXPECT_THAT(accelerator->copyToHost(bytes, (*buffer)->data(), 16).message(),
              HasSubstr("expects cuMemcpyDtoH of 16 bytes from 0x"));
}

TEST_F(CudaDevice, LaunchThatFails) {
  std::shared_ptr<const Accelerator> accelerator = open();
  Result<std::shared_ptr<const DeviceKernel>> kernel = accelerator->load(makeImage());
  ASSERT_TRUE(kernel.isOk());
  fake->failures["cuLaunchKernel"] = CudaResult{701};
  TensorMap maps[2] = {};
  uint64_t block[3] = {};
  Status status = accelerator->launch(**kernel, 5, maps, block, nullptr);
  EXPECT_EQ(status.code(), StatusCode::DeviceError);
  EXPECT_EQ(status.message(), "expects cuLaunchKernel of 5 blocks of 384 threads with 204800 bytes "
                              "of shared memory to succeed, but got error 701");
}

TEST_F(CudaDevice, KernelThatFailsIsSeenLater) {
  std::shared_ptr<const Accelerator> accelerator = open();
  Result<std::shared_ptr<const DeviceKernel>> kernel = accelerator->load(makeImage());
  ASSERT_TRUE(kernel.isOk());
  fake->kernelFailure = illegalAddress;
  TensorMap maps[2] = {};
  uint64_t block[3] = {};
  EXPECT_TRUE(accelerator->launch(**kernel, 5, maps, block, nullptr).isOk());
  for (int i = 0; i < 2; ++i) {
    Status status = accelerator->synchronize();
    EXPECT_EQ(status.code(), StatusCode::DeviceError);
    EXPECT_EQ(status.message(), "expects cuCtxSynchronize to succeed, but got CUDA_ERROR_ILLEGAL_ADDRESS (an illegal "
                                "memory access was encountered)");
  }
  EXPECT_EQ(accelerator->allocate(8).status().code(), StatusCode::DeviceError);
}

TEST_F(CudaDevice, ContextThatIsGone) {
  std::shared_ptr<const Accelerator> accelerator = open();
  setCurrent(otherContext);
  fake->failures["cuCtxSetCurrent"] = CudaResult{709};
  EXPECT_EQ(accelerator->synchronize().message(), "expects cuCtxSetCurrent to succeed, but got error 709");
  EXPECT_EQ(accelerator->allocate(8).status().code(), StatusCode::DeviceError);
  fake->failures.clear();
}

TEST_F(CudaDevice, ReleasesNothingOfADestroyedContext) {
  for (bool another : {false, true}) {
    setCurrent(otherContext);
    std::shared_ptr<const Accelerator> accelerator = open();
    Result<std::shared_ptr<DeviceBuffer>> buffer = accelerator->allocate(16);
    Result<std::shared_ptr<const DeviceKernel>> kernel = accelerator->load(makeImage());
    ASSERT_TRUE(buffer.isOk() && kernel.isOk());
    std::map<CudaAddress, FakeAllocation> old = fake->allocations;
    setCurrent(nullptr);
    destroyContext(otherContext);
    EXPECT_TRUE(fake->allocations.empty());
    if (another) {
      // All its addresses are somebody else's.
      createContext(otherContext);
      for (const auto &[start, allocation] : old)
        fake->allocations[start] = {allocation.bytes, allocation.context, ++fake->allocationCount};
    }
    fake->calls.clear();
    *buffer = nullptr;
    *kernel = nullptr;
    accelerator = nullptr;
    EXPECT_THAT(fake->calls, ElementsAre());
    EXPECT_EQ(fake->allocations.size(), another ? old.size() : 0u);
    fake->allocations.clear();
    createContext(otherContext);
  }
}

TEST_F(CudaDevice, EncodesTensorMaps) {
  TensorMapRequest request = makeRequest();
  // Heads inside of positions, as in [batch, length, heads, head size].
  request.array = makeArray(address, DType::BF16, Shape{4, {2, 8, 1000, 128}}, {1024000, 128, 1024, 1});
  request.boxRows = 80;
  request.boxColumns = 32;
  TensorMap map{};
  Status status = open()->encode(request, map);
  ASSERT_TRUE(status.isOk()) << status.message();
  EXPECT_EQ(map.bytes[127], 0xab);
  ASSERT_EQ(fake->encodings.size(), 1u);
  const FakeEncoding &encoding = fake->encodings[0];
  EXPECT_EQ(encoding.type, CudaElementType::BF16);
  EXPECT_EQ(encoding.address, address);
  EXPECT_THAT(encoding.sizes, ElementsAre(128, 1000, 8, 2));
  EXPECT_THAT(encoding.strides, ElementsAre(2048, 256, 2048000));
  EXPECT_THAT(encoding.box, ElementsAre(32, 80, 1, 1));
  EXPECT_THAT(encoding.steps, ElementsAre(1, 1, 1, 1));
  EXPECT_EQ(encoding.interleave, CudaInterleave::None);
  EXPECT_EQ(encoding.swizzle, CudaSwizzle::Bytes64);
  EXPECT_EQ(encoding.promotion, CudaL2Promotion::Bytes128);
  EXPECT_EQ(encoding.fill, CudaOutOfBoundsFill::Zero);

  request.boxColumns = 64;
  ASSERT_TRUE(open()->encode(request, map).isOk());
  EXPECT_EQ(fake->encodings[1].swizzle, CudaSwizzle::Bytes128);
}

TEST_F(CudaDevice, EncodesResidueClasses) {
  std::shared_ptr<const Accelerator> accelerator = open();
  TensorMapRequest request = makeRequest();
  request.array = makeArray(address, DType::F16, Shape{4, {2, 8, 1003, 64}}, {600000, 65000, 72, 1});
  request.boxRows = 80;
  request.modulo = 8;
  TensorMap map;
  // 1003 = 8 * 125 + 3: three classes have 126 rows, and five have 125.
  request.rows = MapRows::LongClasses;
  ASSERT_TRUE(accelerator->encode(request, map).isOk());
  EXPECT_EQ(fake->encodings[0].address, address);
  EXPECT_THAT(fake->encodings[0].sizes, ElementsAre(64, 3, 126, 8, 2));
  EXPECT_THAT(fake->encodings[0].strides, ElementsAre(144, 1152, 130000, 1200000));
  EXPECT_THAT(fake->encodings[0].box, ElementsAre(64, 1, 80, 1, 1));
  EXPECT_THAT(fake->encodings[0].steps, ElementsAre(1, 1, 1, 1, 1));
  request.rows = MapRows::ShortClasses;
  ASSERT_TRUE(accelerator->encode(request, map).isOk());
  EXPECT_EQ(fake->encodings[1].address, static_cast<char *>(address) + 3 * 144);
  EXPECT_THAT(fake->encodings[1].sizes, ElementsAre(64, 5, 125, 8, 2));
  // The stride of a class's rows has the limit, too.
  request.array.stride[2] = int64_t{1} << 37;
  EXPECT_EQ(accelerator->encode(request, map).message(),
            "expects a length stride from 0 to 68719476735 elements, but got 137438953472");
}

TEST(TensorMapRequest, ReachesEveryRowOnce) {
  for (int64_t length : {1, 2, 7, 8, 9, 24, 29})
    for (int64_t modulo : {2, 3, 8}) {
      std::vector<int> reached(static_cast<size_t>(length));
      std::vector<char> memory(static_cast<size_t>(length) * 32);
      TensorMapRequest request{makeArray(memory.data(), DType::F16, Shape{4, {1, 1, length, 16}}), 8, 16};
      request.modulo = modulo;
      for (MapRows rows : {MapRows::LongClasses, MapRows::ShortClasses}) {
        request.rows = rows;
        TiledArray tiled = request.tile();
        EXPECT_EQ(tiled.rank, 5);
        for (int64_t c = 0; c < tiled.size[1]; ++c)
          for (int64_t row = 0; row < tiled.size[2]; ++row) {
            int64_t offset = tiled.address - memory.data() + 2 * (c * tiled.stride[1] + row * tiled.stride[2]);
            ASSERT_LT(offset, static_cast<int64_t>(memory.size()));
            ++reached[static_cast<size_t>(offset / 32)];
          }
      }
      EXPECT_THAT(reached, testing::Each(1)) << length << " modulo " << modulo;
    }
}

TEST_F(CudaDevice, EncodesDimensionsOfOne) {
  std::shared_ptr<const Accelerator> accelerator = open();
  TensorMapRequest request = makeRequest();
  TensorMap map;
  // Nobody steps along these dimensions, so that their strides may be anything.
  request.array = makeArray(address, DType::F16, Shape{4, {1, 1, 1000, 64}}, {-7, int64_t{1} << 62, 64, 1});
  ASSERT_TRUE(accelerator->encode(request, map).isOk());
  EXPECT_EQ(fake->encodings[0].type, CudaElementType::F16);
  EXPECT_THAT(fake->encodings[0].strides, ElementsAre(128, 128000, 128000));
  request.array = makeArray(address, DType::F16, Shape{4, {1, 3, 1, 20}}, {3, 24, 3, 1});
  ASSERT_TRUE(accelerator->encode(request, map).isOk());
  EXPECT_THAT(fake->encodings[1].strides, ElementsAre(48, 48, 144));
  // Contiguous strides would be too large for the driver.
  request.array = makeArray(address, DType::F16, Shape{4, {1, 1, int64_t{1} << 32, 64}}, {0, 0, int64_t{1} << 38, 1});
  ASSERT_TRUE(accelerator->encode(request, map).isOk());
  EXPECT_THAT(fake->encodings[2].strides,
              ElementsAre(uint64_t{1} << 39, (uint64_t{1} << 40) - 16, (uint64_t{1} << 40) - 16));
  // One key for all heads.
  request.array = makeArray(address, DType::F16, Shape{4, {1, 8, 16, 64}}, {0, 0, 64, 1});
  ASSERT_TRUE(accelerator->encode(request, map).isOk());
  EXPECT_THAT(fake->encodings[3].strides, ElementsAre(128, 0, 16));
}

TEST_F(CudaDevice, TensorMapLimits) {
  TensorMapRequest good = makeRequest(), request = good;
  request.array.data = static_cast<char *>(address) + 8;
  EXPECT_EQ(encodeFailure(request), "expects an address that is a multiple of 16 bytes, but got 1879048200");
  request.array.data = nullptr;
  EXPECT_EQ(encodeFailure(request), "expects an address that is a multiple of 16 bytes, but got 0");
  request = good;
  request.array.stride[2] = 132;
  EXPECT_EQ(encodeFailure(request), "expects a length stride that is a multiple of 16 bytes, but got 264");
  request = good;
  request.array.stride[1] = -128;
  EXPECT_EQ(encodeFailure(request), "expects a heads stride from 0 to 549755813880 elements, but got -128");
  request.array.stride[1] = int64_t{1} << 39;
  EXPECT_EQ(encodeFailure(request), "expects a heads stride from 0 to 549755813880 elements, but got 549755813888");
  request = good;
  request.array.stride[3] = 2;
  EXPECT_EQ(encodeFailure(request), "expects a head size stride of 1, but got 2");
  request = good;
  request.array.size[2] = 0;
  EXPECT_EQ(encodeFailure(request), "expects a length from 1 to 4294967296, but got 0");
  request.array.size[2] = (int64_t{1} << 32) + 1;
  EXPECT_EQ(encodeFailure(request), "expects a length from 1 to 4294967296, but got 4294967297");
  request = good;
  request.array.dtype = SPARSE_ATTN_F32;
  EXPECT_EQ(encodeFailure(request), "expects elements of f16 or bf16, but got dtype 0");
  request = good;
  request.array.rank = 3;
  EXPECT_EQ(encodeFailure(request), "expects an array of rank 4, but got rank 3");
}

TEST_F(CudaDevice, BoxLimits) {
  TensorMapRequest request = makeRequest();
  for (int32_t rows : {-1, 0, 257}) {
    request.boxRows = rows;
    EXPECT_EQ(encodeFailure(request), "expects a box of 1 to 256 rows, but got " + std::to_string(rows));
  }
  request.boxRows = 256;
  for (int32_t columns : {-8, 0, 12, 72}) {
    request.boxColumns = columns;
    EXPECT_EQ(encodeFailure(request),
              "expects a box of 1 to 64 columns, a multiple of 8, but got " + std::to_string(columns));
  }
}

TEST_F(CudaDevice, TensorMapsThatTheDriverRefuses) {
  fake->failures["cuTensorMapEncodeTiled"] = invalidValue;
  TensorMap map;
  Status status = open()->encode(makeRequest(), map);
  EXPECT_EQ(status.code(), StatusCode::DeviceError);
  EXPECT_EQ(status.message(), "expects cuTensorMapEncodeTiled of [2, 8, 1024, 128] in boxes of 64 x 64 to succeed, but "
                              "got CUDA_ERROR_INVALID_VALUE (invalid argument)");
}

TEST_F(CudaDevice, TensorMapsNeedHopper) {
  setCapability(8, 0);
  TensorMap map;
  Status status = open()->encode(makeRequest(), map);
  EXPECT_EQ(status.code(), StatusCode::Unsupported);
  EXPECT_EQ(status.message(), "expects a device of sm_90 or later for tensor maps, but got sm_80 (Fake GPU)");
}

TEST_F(CudaDevice, OldDriver) {
  useLibrary(SPARSE_ATTN_TEST_OLD_FAKE_CUDA);
  fake->version = 11080;
  std::shared_ptr<const Accelerator> accelerator = open();
  TensorMap map;
  Status status = accelerator->encode(makeRequest(), map);
  EXPECT_EQ(status.code(), StatusCode::Unsupported);
  EXPECT_EQ(status.message(), "expects a driver with cuTensorMapEncodeTiled (CUDA 12.0), but got 11.8 without it");
  EXPECT_TRUE(accelerator->load(makeImage(8, 0)).isOk());
  EXPECT_THAT(fake->calls, ElementsAre("cuModuleLoadDataEx ptx", "cuModuleGetFunction attention", "cuModuleUnload"));
}

TEST_F(CudaDevice, TooOldDriver) {
  fake->version = 10020;
  Status status = openFailure();
  EXPECT_EQ(status.code(), StatusCode::Unsupported);
  EXPECT_EQ(status.message(), "expects a driver of CUDA 11.0 or later, but got 10.2");
}

TEST_F(CudaDevice, NoDriver) {
  setenv("SPARSE_ATTN_CUDA_LIBRARY", "/no/such/libcuda.so.1", 1);
  Status status = openFailure();
  EXPECT_EQ(status.code(), StatusCode::Unsupported);
  EXPECT_THAT(status.message(), testing::StartsWith("expects a CUDA driver (/no/such/libcuda.so.1), but got: "));
  EXPECT_THAT(status.message(), HasSubstr("No such file"));
}

TEST_F(CudaDevice, LibraryThatIsNoDriver) {
  setenv("SPARSE_ATTN_CUDA_LIBRARY", SPARSE_ATTN_TEST_ARTIFACT, 1);
  Status status = openFailure();
  EXPECT_EQ(status.code(), StatusCode::Unsupported);
  EXPECT_THAT(status.message(), testing::StartsWith("expects a CUDA driver with cuInit, but got /"));
}

TEST_F(CudaDevice, NoDevice) {
  fake->failures["cuInit"] = CudaResult::NoDevice;
  EXPECT_EQ(openFailure().code(), StatusCode::Unsupported);
  EXPECT_EQ(openFailure().message(),
            "expects a CUDA device, but got CUDA_ERROR_NO_DEVICE (no CUDA-capable device is detected)");
  fake->failures.clear();
  fake->devices = 0;
  EXPECT_EQ(openFailure().code(), StatusCode::Unsupported);
  EXPECT_EQ(openFailure().message(), "expects a CUDA device, but got 0 devices");
  fake->failures["cuInit"] = CudaResult::StubLibrary;
  EXPECT_EQ(openFailure().code(), StatusCode::Unsupported);
}

TEST_F(CudaDevice, OpeningFailsWithTheCall) {
  for (const char *call : {"cuInit", "cuDriverGetVersion", "cuCtxGetCurrent", "cuDeviceGetCount", "cuDeviceGet",
                           "cuDevicePrimaryCtxRetain", "cuCtxSetCurrent", "cuCtxGetDevice", "cuDeviceGetName",
                           "cuDeviceGetAttribute", "cuMemAlloc_v2", "cuPointerGetAttribute", "cuStreamCreate"}) {
    setCurrent(nullptr);
    fake->failures[call] = CudaResult{999};
    Status status = openFailure();
    fake->failures.clear();
    EXPECT_EQ(status.code(), StatusCode::DeviceError) << call;
    std::string name = call;
    EXPECT_THAT(status.message(), testing::StartsWith("expects " + name.substr(0, name.find("_v2"))));
    EXPECT_THAT(status.message(), HasSubstr("to succeed, but got error 999"));
  }
}

} // namespace
