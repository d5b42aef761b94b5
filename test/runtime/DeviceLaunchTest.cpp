//===- DeviceLaunchTest.cpp - Plans of artifacts for a GPU ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A recording accelerator, whose memory is the host's, shows what plans upload
// and launch; the simulated device runs the same kernels for their results.
//
//===----------------------------------------------------------------------===//

#include "MaskProblem.h"
#include "Problem.h"
#include "RecordingAccelerator.h"

#include "sparse_attn/MaskCache.h"
#include "sparse_attn/NumericTypes.h"

#include <atomic>
#include <functional>
#include <set>
#include <thread>

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

std::shared_ptr<const Artifact> gpuArtifact() {
  Result<std::shared_ptr<const Artifact>> artifact = Artifact::fromImage(&handwritten_gpu_sparse_attn_image);
  EXPECT_TRUE(artifact.isOk()) << artifact.status().message();
  return *artifact;
}

/// Words of the kernels' blocks that tests look at; docs/artifact.md has all.
constexpr size_t captureWord = 27;
constexpr size_t windowEnd = captureWord + 2 + 16;
constexpr size_t packedLists = captureWord + 5 + 9, packedPyramid = packedLists + 6, packedEnd = packedPyramid + 3;
constexpr size_t blocksLists = captureWord + 3 + 1 + 9, blocksEnd = blocksLists + 8;
constexpr size_t outputWords = 9;

/// A bf16 array of normal numbers, and what they are as floats.
struct HalfTensor {
  HalfTensor(std::array<int64_t, 4> sizes, uint32_t seed) : floats(sizes, false, seed) {
    for (float &element : floats.elements) {
      bits.push_back(floatToBf16(element));
      element = bf16ToFloat(bits.back());
    }
  }
  Value on(const void *data) const { return makeArray(data, DType::BF16, Shape{4, floats.size}, floats.stride); }

  Tensor floats;
  std::vector<uint16_t> bits;
};

/// An attention problem whose arrays are on an accelerator.
struct DeviceProblem {
  DeviceProblem(std::shared_ptr<const Accelerator> device, Sizes sizes)
      : device(std::move(device)), sizes(sizes), query({sizes.batch, sizes.queryHeads, sizes.queries, headSize}, 1),
        key({sizes.batch, sizes.keyHeads, sizes.keys, headSize}, 2),
        value({sizes.batch, sizes.keyHeads, sizes.keys, headSize}, 3), output(query),
        lse(static_cast<size_t>(sizes.batch * sizes.queryHeads * sizes.queries)) {
    for (const HalfTensor *tensor : {&query, &key, &value, &output})
      buffers.push_back(upload(tensor->bits.data(), tensor->bits.size() * sizeof(uint16_t)));
    buffers.push_back(upload(lse.data(), lse.size() * sizeof(float)));
  }

  std::shared_ptr<DeviceBuffer> upload(const void *data, size_t bytes) const {
    Result<std::shared_ptr<DeviceBuffer>> buffer = device->allocate(bytes);
    EXPECT_TRUE(buffer.isOk()) << buffer.status().message();
    EXPECT_TRUE(device->copyToDevice((*buffer)->data(), data, bytes).isOk());
    return *buffer;
  }

  std::vector<Value> arguments(const std::vector<Value> &captures) const {
    std::vector<Value> all = {query.on(buffers[0]->data()), key.on(buffers[1]->data()), value.on(buffers[2]->data())};
    all.insert(all.end(), captures.begin(), captures.end());
    return all;
  }
  std::vector<Value> results(bool withLse) const {
    std::vector<Value> all = {output.on(buffers[3]->data())};
    if (withLse)
      all.push_back(
          makeArray(buffers[4]->data(), DType::F32, Shape{3, {sizes.batch, sizes.queryHeads, sizes.queries, 0}}));
    return all;
  }

  Result<std::shared_ptr<const Plan>> prepare(const std::string &function, const std::vector<Value> &captures,
                                              MaskCache *cache = nullptr) const {
    PrepareOptions options;
    options.accelerator = device;
    options.cache = cache;
    return Plan::prepare(gpuArtifact(), function, arguments(captures), options);
  }

  Status tryLaunch(const Plan &plan, const std::vector<Value> &captures, bool withLse, void *stream = nullptr) {
    std::vector<uint8_t> poison(std::max(plan.workspaceBytes(), output.bits.size() * sizeof(uint16_t)), 0xff);
    std::shared_ptr<DeviceBuffer> workspace = upload(poison.data(), plan.workspaceBytes());
    EXPECT_TRUE(device->copyToDevice(buffers[3]->data(), poison.data(), output.bits.size() * sizeof(uint16_t)).isOk());
    Status status =
        plan.launch(arguments(captures), results(withLse), workspace->data(), plan.workspaceBytes(), stream);
    EXPECT_TRUE(device->synchronize().isOk());
    return status;
  }

  /// Launches and reads the results back.
  void launch(const Plan &plan, const std::vector<Value> &captures, bool withLse) {
    Status status = tryLaunch(plan, captures, withLse);
    ASSERT_TRUE(status.isOk()) << status.message();
    size_t bytes = output.bits.size() * sizeof(uint16_t);
    ASSERT_TRUE(device->copyToHost(output.bits.data(), buffers[3]->data(), bytes).isOk());
    ASSERT_TRUE(device->copyToHost(lse.data(), buffers[4]->data(), lse.size() * sizeof(float)).isOk());
  }

  std::shared_ptr<const Plan> run(const std::string &function, const std::vector<Value> &captures, bool withLse) {
    Result<std::shared_ptr<const Plan>> plan = prepare(function, captures);
    EXPECT_TRUE(plan.isOk()) << plan.status().message();
    if (!plan.isOk())
      return nullptr;
    launch(**plan, captures, withLse);
    return *plan;
  }

  /// Compares with the reference under `mask`, which gets the aligned position of q.
  void expectReference(const std::function<bool(int64_t b, int64_t h, int64_t q, int64_t k)> &mask, bool withLse) {
    MaskFunction rows = [&](int64_t b, int64_t h, int64_t row, uint8_t *attends) {
      for (int64_t k = 0; k < sizes.keys; ++k)
        attends[k] = mask(b, h, row + sizes.keys - sizes.queries, k);
    };
    std::vector<double> wanted(output.bits.size()), wantedLse(lse.size());
    referenceAttention(query.floats.view(), key.floats.view(), value.floats.view(), scale, rows, wanted.data(),
                       wantedLse.data());
    for (size_t i = 0; i < wanted.size(); ++i)
      ASSERT_NEAR(bf16ToFloat(output.bits[i]), wanted[i], 0.03) << i;
    for (size_t i = 0; withLse && i < lse.size(); ++i)
      if (std::isinf(wantedLse[i]))
        ASSERT_EQ(double(lse[i]), wantedLse[i]);
      else
        ASSERT_NEAR(lse[i], wantedLse[i], 1e-4);
  }

  std::shared_ptr<const Accelerator> device;
  Sizes sizes;
  HalfTensor query, key, value, output;
  std::vector<float> lse;
  std::vector<std::shared_ptr<DeviceBuffer>> buffers; ///< Of query, key, value, output, lse.
};

auto windowMask(int64_t left, int64_t right) {
  return [=](int64_t, int64_t, int64_t q, int64_t k) { return q - left <= k && k <= q + right; };
}

auto documentMask(const Documents &documents) {
  return [&](int64_t b, int64_t, int64_t q, int64_t k) { return documents.attends(b, q, k); };
}

template <typename T> const T *pointer(uint64_t word) { return reinterpret_cast<const T *>(word); }

//===----------------------------------------------------------------------===//
// What is loaded, uploaded and launched
//===----------------------------------------------------------------------===//

TEST(DeviceLaunch, LoadsTheImagesOnceForAllPlans) {
  auto device = std::make_shared<RecordingAccelerator>();
  DeviceProblem problem(device, {1, 2, 2, 20, 20});
  PrepareOptions options;
  options.accelerator = device;
  std::vector<Value> arguments = problem.arguments({makeScalar(3), makeScalar(3)});
  std::shared_ptr<const Artifact> artifact = gpuArtifact();
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(Plan::prepare(artifact, "window", arguments, options).isOk());
  ASSERT_EQ(device->images.size(), 1u);
  const DeviceImage &image = device->images[0];
  EXPECT_EQ(image.symbol, "window_kernel");
  EXPECT_STREQ(image.ptx, ".version 7.0");
  EXPECT_EQ(image.cubin, handwritten_gpu_sparse_attn_image.blobs[1].data);
  EXPECT_EQ(image.cubinBytes, handwritten_gpu_sparse_attn_image.blobs[1].bytes);
  EXPECT_TRUE(image.simulated);
  EXPECT_EQ(image.major, 8);
  EXPECT_EQ(image.minor, 0);
  EXPECT_FALSE(image.exact);
  EXPECT_EQ(image.threads, 64);
  EXPECT_EQ(image.sharedBytes, 1024);
  EXPECT_EQ(image.mapCount, 4u);
  EXPECT_EQ(image.blockBytes, (windowEnd + 4) * 8);
}

TEST(DeviceLaunch, ClosedFormsNeedNoMemory) {
  auto device = std::make_shared<RecordingAccelerator>();
  DeviceProblem problem(device, {1, 2, 2, 20, 20});
  // All tiles weigh the same, so that items come by number.
  std::shared_ptr<const Plan> plan = problem.run("window", {makeScalar(100), makeScalar(100)}, true);
  ASSERT_TRUE(plan);
  problem.expectReference(windowMask(100, 100), true);
  EXPECT_EQ(plan->deviceBytes(), 0u);
  EXPECT_EQ(plan->step(0).deviceBytes, 0u);
  ASSERT_EQ(device->launches.size(), 1u);
  const Launch &launch = device->launches[0];
  EXPECT_EQ(launch.blocks, 2 * 3);
  EXPECT_EQ(launch.stream, nullptr);
  ASSERT_EQ(launch.words.size(), windowEnd + 4);
  EXPECT_EQ(launch.words[0], reinterpret_cast<uintptr_t>(problem.buffers[0]->data()));
  EXPECT_EQ(std::vector<uint64_t>(launch.words.begin() + windowEnd, launch.words.end()),
            (std::vector<uint64_t>{6, 0, 0, 0}));
}

TEST(DeviceLaunch, MapsHaveTheBoxesOfTheManifest) {
  auto device = std::make_shared<RecordingAccelerator>();
  DeviceProblem problem(device, {1, 4, 2, 20, 30});
  ASSERT_TRUE(problem.run("window", {makeScalar(3), makeScalar(3)}, true));
  ASSERT_EQ(device->requests.size(), 4u);
  const int32_t rows[] = {8, 24, 40, 56}, columns[] = {16, 8, 16, 16};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(device->requests[i].boxRows, rows[i]);
    EXPECT_EQ(device->requests[i].boxColumns, columns[i]);
    EXPECT_EQ(device->requests[i].array.data, problem.buffers[i]->data());
    EXPECT_EQ(device->requests[i].array.size[2], i == 1 || i == 2 ? 30 : 20);
  }
  // Each map is at its place when the kernel starts.
  EXPECT_EQ(device->launches[0].maps, (std::vector<unsigned char>{1, 2, 3, 4}));
}

TEST(DeviceLaunch, MapsOfEmptyArraysStayBlank) {
  auto device = std::make_shared<RecordingAccelerator>();
  DeviceProblem problem(device, {1, 4, 2, 20, 0});
  ASSERT_TRUE(problem.run("window", {makeScalar(3), makeScalar(3)}, true));
  problem.expectReference(windowMask(3, 3), true);
  EXPECT_EQ(device->requests.size(), 2u);
  EXPECT_EQ(device->launches[0].maps, (std::vector<unsigned char>{1, 0, 0, 2}));
}

TEST(DeviceLaunch, OrderNamesTheItemOfEachPosition) {
  auto device = std::make_shared<RecordingAccelerator>();
  DeviceProblem problem(device, {1, 2, 2, 40, 40});
  // Later queries see more keys, so that they come first.
  std::shared_ptr<const Plan> plan = problem.run("window", {makeScalar(1000), makeScalar(0)}, true);
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->step(0).reordered);
  EXPECT_GE(plan->deviceBytes(), 10 * sizeof(uint32_t));
  const std::vector<uint64_t> &words = device->launches[0].words;
  EXPECT_TRUE(device->holds(words[windowEnd + 1], 10 * sizeof(uint32_t)));
  const uint32_t *order = pointer<uint32_t>(words[windowEnd + 1]);
  EXPECT_EQ(std::vector<uint32_t>(order, order + 10), (std::vector<uint32_t>{4, 3, 2, 1, 0, 9, 8, 7, 6, 5}));
  problem.expectReference(windowMask(1000, 0), true);
}

TEST(DeviceLaunch, ListsCountsAndCapturesAreOnTheDevice) {
  auto device = std::make_shared<RecordingAccelerator>();
  Sizes sizes{2, 4, 2, 61, 90};
  DeviceProblem problem(device, sizes);
  Documents documents(sizes.batch, sizes.keys, 30);
  // Rows of the captured array lie apart.
  std::vector<int32_t> spaced(2 * 100, -7);
  for (int64_t b = 0; b < 2; ++b)
    std::copy_n(documents.ids.begin() + b * 90, 90, spaced.begin() + b * 100);
  Value ids = makeArray(spaced.data(), DType::I32, Shape{2, {2, 90}}, {100, 1, 0, 0});
  std::shared_ptr<const Plan> plan = problem.run("packed", {ids}, false);
  ASSERT_TRUE(plan);
  problem.expectReference(documentMask(documents), false);

  const std::vector<uint64_t> &words = device->launches[0].words;
  ASSERT_EQ(words.size(), packedEnd + 4);
  // The capture: address, sizes, strides.
  ASSERT_TRUE(device->holds(words[captureWord], 180 * sizeof(int32_t)));
  EXPECT_EQ(std::vector<uint64_t>(&words[captureWord + 1], &words[captureWord + 5]),
            (std::vector<uint64_t>{2, 90, 90, 1}));
  const int32_t *uploaded = pointer<int32_t>(words[captureWord]);
  EXPECT_EQ(std::vector<int32_t>(uploaded, uploaded + 180), documents.ids);
  // Lists of one row a batch and query tile; heads share them.
  constexpr int64_t rows = 2 * 8;
  for (size_t list : {0, 2}) {
    ASSERT_TRUE(device->holds(words[packedLists + list], (rows + 1) * sizeof(int64_t)));
    const int64_t *offsets = pointer<int64_t>(words[packedLists + list]);
    ASSERT_TRUE(device->holds(words[packedLists + list + 1], static_cast<size_t>(offsets[rows]) * 8));
  }
  EXPECT_EQ(words[packedLists + 4], 8u);
  EXPECT_EQ(words[packedLists + 5], 0u);
  for (size_t i = 0; i < 3; ++i)
    EXPECT_EQ(words[packedPyramid + i], 0u);
  // Counts of each row are those of its items.
  EXPECT_EQ(words[packedEnd], 2u * 4 * 8);
  ASSERT_TRUE(device->holds(words[packedEnd + 3], rows * 2 * sizeof(uint32_t)));
  const uint32_t *counts = pointer<uint32_t>(words[packedEnd + 3]);
  int64_t visited = 0;
  for (int64_t row = 0; row < rows; ++row) {
    Result<TileCounts> tiles = plan->itemTiles(0, row / 8 * 32 + row % 8);
    ASSERT_TRUE(tiles.isOk());
    EXPECT_EQ(counts[2 * row], tiles->partial);
    EXPECT_EQ(counts[2 * row + 1], tiles->full);
    visited += tiles->partial + tiles->full;
  }
  EXPECT_GT(visited, 0);
}

TEST(DeviceLaunch, EmptyCapturesHaveTheAddressOfAZero) {
  auto device = std::make_shared<RecordingAccelerator>();
  DeviceProblem problem(device, {1, 1, 1, 8, 8});
  int32_t none = 0;
  std::shared_ptr<const Plan> plan = problem.run("packed", {makeArray(&none, DType::I32, Shape{2, {1, 0}})}, false);
  ASSERT_TRUE(plan);
  const std::vector<uint64_t> &words = device->launches[0].words;
  ASSERT_TRUE(device->holds(words[captureWord], sizeof(int32_t)));
  EXPECT_EQ(*pointer<int32_t>(words[captureWord]), 0);
  EXPECT_EQ(words[captureWord + 2], 0u);
  EXPECT_EQ(words[captureWord + 3], 0u);
}

TEST(DeviceLaunch, MasksAreReadByTheirWords) {
  auto device = std::make_shared<RecordingAccelerator>();
  Sizes sizes{2, 4, 2, 70, 200};
  DeviceProblem problem(device, sizes);
  std::mt19937 generator(3);
  MaskTable masks(1, 4, gridOf(sizes.queries, sizes.keys, {4, 4}), 0.5, generator);
  std::shared_ptr<const Plan> plan = problem.run("blocks", {masks.value(), makeScalar(120)}, false);
  ASSERT_TRUE(plan);
  problem.expectReference(
      [&](int64_t b, int64_t h, int64_t q, int64_t k) {
        int64_t row = q - sizes.keys + sizes.queries;
        return q - 120 <= k && masks.of(b, h).contains(static_cast<uint32_t>(row / 4), static_cast<uint32_t>(k / 4));
      },
      false);
  const std::vector<uint64_t> &words = device->launches[0].words;
  for (size_t i = 0; i < 3; ++i)
    EXPECT_EQ(words[captureWord + i], 0u);
  EXPECT_TRUE(device->holds(words[blocksLists + 6], (4 * 5 + 1) * sizeof(int64_t)));
  EXPECT_TRUE(device->holds(words[blocksLists + 7], sizeof(uint32_t)));
  EXPECT_TRUE(device->holds(words[blocksEnd + 3], 4 * 5 * 2 * sizeof(uint32_t)));
}

TEST(DeviceLaunch, CountersTakeTurns) {
  auto device = std::make_shared<RecordingAccelerator>();
  DeviceProblem problem(device, {1, 2, 2, 30, 30});
  Documents documents(1, 30, 10);
  std::vector<Value> captures = {documents.captured()};
  std::shared_ptr<const Plan> plan = problem.run("packed", captures, false);
  ASSERT_TRUE(plan);
  for (int i = 0; i < 64; ++i)
    problem.launch(*plan, captures, false);
  problem.expectReference(documentMask(documents), false);
  std::set<uint64_t> counters;
  for (const Launch &launch : device->launches) {
    uint64_t counter = launch.words[packedEnd + 2];
    counters.insert(counter);
    ASSERT_TRUE(device->holds(counter, sizeof(uint32_t)));
    EXPECT_EQ(*pointer<uint32_t>(counter), 0u);
  }
  EXPECT_EQ(counters.size(), 64u);
  EXPECT_EQ(device->launches[64].words, device->launches[0].words);
}

TEST(DeviceLaunch, PersistentKernelsFillTheDevice) {
  auto device = std::make_shared<RecordingAccelerator>(5);
  Documents documents(1, 100, 10);
  // The kernel has two blocks a multiprocessor.
  for (auto [queries, blocks] : {std::pair<int64_t, int64_t>(100, 10), {80, 10}, {17, 3}}) {
    DeviceProblem problem(device, {1, 1, 1, queries, 100});
    ASSERT_TRUE(problem.run("packed", {documents.captured()}, false));
    problem.expectReference(documentMask(documents), false);
    EXPECT_EQ(device->launches.back().blocks, blocks);
  }
}

TEST(DeviceLaunch, NothingToDoIsNoLaunch) {
  auto device = std::make_shared<RecordingAccelerator>();
  for (Sizes sizes : {Sizes{0, 2, 2, 5, 5}, Sizes{1, 0, 0, 5, 5}, Sizes{1, 2, 2, 0, 5}}) {
    DeviceProblem problem(device, sizes);
    ASSERT_TRUE(problem.run("window", {makeScalar(3), makeScalar(3)}, true));
    Documents documents(sizes.batch, 5, 3);
    ASSERT_TRUE(problem.run("packed", {documents.captured()}, false));
  }
  EXPECT_TRUE(device->launches.empty());
}

TEST(DeviceLaunch, StepsShareTheStreamAndTheWorkspace) {
  auto device = std::make_shared<RecordingAccelerator>();
  Sizes sizes{2, 4, 2, 50, 90};
  DeviceProblem problem(device, sizes);
  Documents documents(sizes.batch, sizes.keys, 30);
  std::vector<Value> captures = {makeScalar(6), makeScalar(6), documents.captured()};
  Result<std::shared_ptr<const Plan>> plan = problem.prepare("two_steps", captures);
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  // The buffers alone: there is no scratch memory.
  EXPECT_EQ((*plan)->workspaceBytes(), 2u * 4 * 50 * 4 + 2 * 4 * 50 * 16 * 2);
  int stream = 0;
  Status status = problem.tryLaunch(**plan, captures, false, &stream);
  EXPECT_TRUE(status.isOk()) << status.message();
  ASSERT_EQ(device->launches.size(), 2u);
  EXPECT_EQ(device->launches[0].stream, &stream);
  EXPECT_EQ(device->launches[1].stream, &stream);
  // What the first step writes is what the second reads.
  EXPECT_EQ(device->launches[0].words[captureWord + 2], device->launches[1].words[0]);
  EXPECT_EQ((*plan)->deviceBytes(), (*plan)->step(0).deviceBytes + (*plan)->step(1).deviceBytes);
}

TEST(DeviceLaunch, CachedListsAreUploadedAgain) {
  auto device = std::make_shared<RecordingAccelerator>();
  DeviceProblem problem(device, {1, 2, 2, 61, 90});
  Documents documents(1, 90, 30);
  std::vector<Value> captures = {documents.captured()};
  MaskCache cache(1 << 20);
  std::shared_ptr<const Artifact> artifact = gpuArtifact();
  PrepareOptions options;
  options.accelerator = device;
  options.cache = &cache;
  for (int i = 0; i < 2; ++i) {
    Result<std::shared_ptr<const Plan>> plan = Plan::prepare(artifact, "packed", problem.arguments(captures), options);
    ASSERT_TRUE(plan.isOk()) << plan.status().message();
    problem.launch(**plan, captures, false);
    problem.expectReference(documentMask(documents), false);
  }
  EXPECT_EQ(cache.stats().hits, 1u);
}

//===----------------------------------------------------------------------===//
// On the simulated device
//===----------------------------------------------------------------------===//

TEST(SimulatedLaunch, MatchesReference) {
  std::shared_ptr<const Accelerator> device = openSimulator(SimulatorOptions());
  Sizes sizes{2, 4, 2, 50, 90};
  Documents documents(sizes.batch, sizes.keys, 30);
  DeviceProblem problem(device, sizes);
  ASSERT_TRUE(problem.run("window", {makeScalar(5), makeScalar(3)}, true));
  problem.expectReference(windowMask(5, 3), true);
  ASSERT_TRUE(problem.run("packed", {documents.captured()}, false));
  problem.expectReference(documentMask(documents), false);
}

TEST(SimulatedLaunch, TwoStepsMatchTheRecordingDevice) {
  Sizes sizes{2, 4, 2, 50, 90};
  Documents documents(sizes.batch, sizes.keys, 30);
  std::vector<Value> captures = {makeScalar(6), makeScalar(6), documents.captured()};
  DeviceProblem simulated(openSimulator(SimulatorOptions()), sizes),
      recorded(std::make_shared<RecordingAccelerator>(), sizes);
  ASSERT_TRUE(simulated.run("two_steps", captures, false));
  ASSERT_TRUE(recorded.run("two_steps", captures, false));
  EXPECT_EQ(simulated.output.bits, recorded.output.bits);
}

TEST(SimulatedLaunch, ConcurrentLaunchesOfOnePlan) {
  std::shared_ptr<const Accelerator> device = openSimulator(SimulatorOptions());
  Sizes sizes{1, 2, 1, 40, 40};
  Documents documents(sizes.batch, sizes.keys, 12);
  std::vector<Value> captures = {documents.captured()};
  DeviceProblem first(device, sizes);
  std::shared_ptr<const Plan> plan = first.run("packed", captures, false);
  ASSERT_TRUE(plan);
  first.expectReference(documentMask(documents), false);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      DeviceProblem problem(device, sizes);
      for (int repeat = 0; repeat < 5; ++repeat) {
        problem.launch(*plan, captures, false);
        wrong += problem.output.bits != first.output.bits;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(SimulatedLaunch, TakesNoStream) {
  DeviceProblem problem(openSimulator(SimulatorOptions()), {1, 1, 1, 8, 8});
  std::vector<Value> captures = {makeScalar(6), makeScalar(6)};
  Result<std::shared_ptr<const Plan>> plan = problem.prepare("window", captures);
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  int stream = 0;
  Status status = problem.tryLaunch(**plan, captures, true, &stream);
  EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
  EXPECT_THAT(status.message(), testing::HasSubstr("expects no stream on the simulated device, but got 0x"));
}

TEST(SimulatedLaunch, NeedsASimulatedKernel) {
  DeviceProblem problem(openSimulator(SimulatorOptions()), {1, 1, 1, 8, 8});
  Status status = problem.prepare("machine_code", {makeScalar(6), makeScalar(6)}).status();
  EXPECT_EQ(status.code(), StatusCode::Unsupported);
  EXPECT_THAT(status.message(), testing::HasSubstr("kernel 'machine_code_0': expects"));
}

//===----------------------------------------------------------------------===//
// Which device
//===----------------------------------------------------------------------===//

/// Sets an environment variable, or unsets it for null.
struct VariableScope {
  VariableScope(const char *name, const char *value) : name(name) { value ? setenv(name, value, 1) : unsetenv(name); }
  ~VariableScope() { unsetenv(name); }
  const char *name;
};

TEST(DeviceChoice, EnvironmentNamesTheDevice) {
  DeviceProblem problem(openSimulator(SimulatorOptions()), {1, 1, 1, 8, 8});
  std::vector<Value> arguments = problem.arguments({makeScalar(6), makeScalar(6)});
  {
    VariableScope scope("SPARSE_ATTN_DEVICE", "sim");
    Result<std::shared_ptr<const Plan>> plan = Plan::prepare(gpuArtifact(), "window", arguments);
    ASSERT_TRUE(plan.isOk()) << plan.status().message();
    problem.launch(**plan, {makeScalar(6), makeScalar(6)}, true);
    problem.expectReference(windowMask(6, 6), true);
  }
  VariableScope scope("SPARSE_ATTN_DEVICE", "tpu");
  Status status = Plan::prepare(gpuArtifact(), "window", arguments).status();
  EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
  EXPECT_EQ(status.message(), "function 'window': expects SPARSE_ATTN_DEVICE to be cuda or sim, but got 'tpu'");
  // The CPU is no such choice.
  Problem onCpu({1, 1, 1, 8, 8});
  EXPECT_TRUE(Plan::prepare(linkedArtifact(), "window", onCpu.arguments({makeScalar(6), makeScalar(6)})).isOk());
}

TEST(DeviceChoice, CpuArtifactsTakeNoAccelerator) {
  Problem problem({1, 1, 1, 8, 8});
  PrepareOptions options;
  options.accelerator = std::make_shared<RecordingAccelerator>();
  Status status =
      Plan::prepare(linkedArtifact(), "window", problem.arguments({makeScalar(6), makeScalar(6)}), options).status();
  EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
  EXPECT_EQ(status.message(),
            "function 'window': expects no accelerator for an artifact for the CPU, but got 'recording'");
}

TEST(DeviceChoice, CpuLevelsDoNotConcernAGpu) {
  VariableScope scope("SPARSE_ATTN_CPU_LEVEL", "x86-64-v4");
  DeviceProblem problem(std::make_shared<RecordingAccelerator>(), {1, 1, 1, 8, 8});
  EXPECT_TRUE(problem.prepare("window", {makeScalar(6), makeScalar(6)}).isOk());
}

//===----------------------------------------------------------------------===//
// Failures
//===----------------------------------------------------------------------===//

TEST(DeviceErrors, ArraysMustBeAligned) {
  using Values = std::vector<Value>;
  auto move = [](Value &value, ptrdiff_t bytes) { value.data = static_cast<char *>(value.data) + bytes; };
  struct Case {
    std::function<void(Values &, Values &)> change;
    const char *message;
  };
  const Case cases[] = {
      {[](Values &, Values &) {}, ""},
      {[&](Values &arguments, Values &) { move(arguments[0], 8); },
       "argument 'q': expects data aligned to 16 bytes on a GPU, but got an address 8 past a multiple"},
      {[&](Values &arguments, Values &) { move(arguments[1], 2); },
       "argument 'k': expects data aligned to 16 bytes on a GPU, but got an address 2 past a multiple"},
      {[&](Values &arguments, Values &) { move(arguments[2], 4); }, "argument 'v': expects data aligned to 16 bytes"},
      {[&](Values &, Values &results) { move(results[0], 8); }, "result 0: expects data aligned to 16 bytes"},
      // A log-sum-exp is written element by element.
      {[&](Values &, Values &results) { move(results[1], 4); }, ""},
      {[](Values &arguments, Values &) { arguments[0].stride[2] = 20; },
       "argument 'q': expects stride 2 to be a multiple of 8 elements on a GPU, but got 20"},
      {[](Values &arguments, Values &) { arguments[1].stride[1] = 324; },
       "argument 'k': expects stride 1 to be a multiple of 8 elements on a GPU, but got 324"},
      // There is one batch.
      {[](Values &arguments, Values &) { arguments[1].stride[0] = 647; }, ""},
      {[](Values &, Values &results) { results[0].stride[1] = 321; },
       "result 0: expects stride 1 to be a multiple of 8 elements on a GPU, but got 321"},
  };
  DeviceProblem problem(std::make_shared<RecordingAccelerator>(), {1, 2, 2, 19, 19});
  std::vector<Value> captures = {makeScalar(3), makeScalar(3)};
  Result<std::shared_ptr<const Plan>> plan = problem.prepare("window", captures);
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  ASSERT_EQ((*plan)->workspaceBytes(), 0u);
  // Room for what the changes reach.
  std::vector<char> memory(1 << 16);
  void *start = &memory[64 - reinterpret_cast<uintptr_t>(memory.data()) % 64];
  for (const Case &each : cases) {
    std::vector<Value> arguments = problem.arguments(captures), results = problem.results(true);
    for (std::vector<Value> *list : {&arguments, &results})
      for (Value &value : *list)
        value.data = value.rank > 0 ? start : nullptr;
    results[1].data = static_cast<char *>(start) + (1 << 14);
    each.change(arguments, results);
    Status status = (*plan)->launch(arguments, results, nullptr, 0);
    EXPECT_EQ(status.code(), *each.message ? StatusCode::InvalidArgument : StatusCode::Ok) << each.message;
    EXPECT_THAT(status.message(), testing::StartsWith(each.message));
  }
}

TEST(DeviceErrors, TooManyItemsAreRefused) {
  DeviceProblem problem(std::make_shared<RecordingAccelerator>(), {1, 1, 1, 8, 8});
  std::vector<Value> arguments = problem.arguments({makeScalar(0), makeScalar(0)});
  for (int i = 0; i < 3; ++i)
    arguments[static_cast<size_t>(i)].size[0] = INT32_MAX - 65535;
  PrepareOptions options;
  options.accelerator = problem.device;
  Status status = Plan::prepare(gpuArtifact(), "window", arguments, options).status();
  EXPECT_EQ(status.code(), StatusCode::ShapeMismatch);
  EXPECT_EQ(status.message(), "function 'window': kernel 'window_0': expects at most 2147418111 query tiles of all "
                              "batches and heads on a GPU, but got 2147418112");
}

TEST(DeviceErrors, FailuresOfTheDeviceArePassedOn) {
  struct Case {
    RecordingAccelerator::Call call;
    StatusCode code;
    const char *message;
  };
  const std::string kernel = "function 'packed': kernel 'packed_0': ";
  Documents documents(1, 30, 10);
  std::vector<Value> captures = {documents.captured()};
  for (auto call :
       {RecordingAccelerator::Call::Allocate, RecordingAccelerator::Call::Copy, RecordingAccelerator::Call::Load}) {
    auto device = std::make_shared<RecordingAccelerator>();
    DeviceProblem problem(device, {1, 2, 2, 30, 30});
    device->failing = call;
    Status status = problem.prepare("packed", captures).status();
    EXPECT_EQ(status.code(), StatusCode::OutOfMemory);
    EXPECT_EQ(status.message(), kernel + "the device fails");
  }
  auto device = std::make_shared<RecordingAccelerator>();
  DeviceProblem problem(device, {1, 2, 2, 30, 30});
  std::vector<Value> numbers = {makeScalar(3), makeScalar(3)};
  Result<std::shared_ptr<const Plan>> plan = problem.prepare("window", numbers);
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  for (auto call : {RecordingAccelerator::Call::Encode, RecordingAccelerator::Call::Launch}) {
    device->failing = call;
    Status status = problem.tryLaunch(**plan, numbers, true);
    EXPECT_EQ(status.code(), StatusCode::OutOfMemory);
    EXPECT_EQ(status.message(), call == RecordingAccelerator::Call::Launch
                                    ? "kernel 'window_0': the device fails"
                                    : "kernel 'window_0': query: the device fails");
  }
}

TEST(DeviceErrors, TensorMapsNameTheArray) {
  DeviceProblem problem(openSimulator(SimulatorOptions()), {1, 2, 2, 19, 19});
  std::vector<Value> captures = {makeScalar(3), makeScalar(3)};
  Result<std::shared_ptr<const Plan>> plan = problem.prepare("window", captures);
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  for (auto [place, name] :
       {std::pair(0, "query"), std::pair(1, "key"), std::pair(2, "value"), std::pair(3, "output")}) {
    std::vector<Value> arguments = problem.arguments(captures), results = problem.results(true);
    (place < 3 ? arguments[static_cast<size_t>(place)] : results[0]).stride[1] = int64_t{1} << 39;
    Status status = (*plan)->launch(arguments, results, nullptr, 0);
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
    EXPECT_EQ(status.message(), std::string("kernel 'window_0': ") + name +
                                    ": expects a heads stride from 0 to 549755813880 elements, but got 549755813888");
  }
}

} // namespace
