//===- SimulatorTest.cpp - Threads, blocks and reports --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SimulatedKernels.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <thread>

using namespace sparse_attn;
using namespace sparse_attn::test;
using testing::AllOf;
using testing::HasSubstr;

namespace {

/// Sums of each block's 32 numbers, in every lane.
void reduceByShuffles(const void *const *calls, void *thread, const void *, const uint64_t *block) {
  Gpu gpu(calls, thread);
  const float *numbers = reinterpret_cast<const float *>(block[0]);
  float *sums = reinterpret_cast<float *>(block[1]);
  int32_t place = gpu.block_id() * 32 + gpu.thread_id();
  float sum = numbers[place];
  for (int32_t mask = 16; mask > 0; mask /= 2)
    sum += gpu.shuffle_xor(sum, mask);
  sums[place] = sum;
}

TEST(Simulator, ReducesByShuffles) {
  std::vector<float> numbers(5 * 32), sums(5 * 32);
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = static_cast<float>(i * i % 37);
  for (const SimulatorOptions &options : allSchedules()) {
    std::fill(sums.begin(), sums.end(), 0.0f);
    Status status =
        run(*openSimulator(options), {reduceByShuffles, 32, 0, 5}, {word(numbers.data()), word(sums.data())});
    ASSERT_TRUE(status.isOk()) << status.message();
    for (size_t i = 0; i < sums.size(); ++i) {
      float expected = 0;
      for (size_t j = i / 32 * 32; j < i / 32 * 32 + 32; ++j)
        expected += numbers[j];
      EXPECT_EQ(sums[i], expected);
    }
  }
}

/// The value of the lane below, around the warp; and who is elected.
void rotateAndElect(const void *const *calls, void *thread, const void *, const uint64_t *block) {
  Gpu gpu(calls, thread);
  int32_t *results = reinterpret_cast<int32_t *>(block[0]);
  int32_t index = gpu.thread_id();
  results[index] = gpu.shuffle_index(100 + index, (index + 31) % 32);
  results[64 + index] = gpu.elect();
}

TEST(Simulator, ShufflesByIndexAndElectsOneLane) {
  std::vector<int32_t> results(128);
  ASSERT_TRUE(run(*inOrder(), {rotateAndElect, 64}, {word(results.data())}).isOk());
  for (int32_t i = 0; i < 64; ++i) {
    EXPECT_EQ(results[static_cast<size_t>(i)], 100 + i / 32 * 32 + (i + 31) % 32);
    EXPECT_EQ(results[static_cast<size_t>(64 + i)], i % 32 == 0);
  }
}

void computeFunctions(const void *const *calls, void *thread, const void *, const uint64_t *block) {
  Gpu gpu(calls, thread);
  const float *numbers = reinterpret_cast<const float *>(block[0]);
  float *powers = reinterpret_cast<float *>(block[1]);
  uint32_t *packed = reinterpret_cast<uint32_t *>(block[2]);
  int32_t i = gpu.thread_id();
  powers[i] = gpu.exp2(numbers[i]);
  powers[32 + i] = gpu.log2(numbers[i]);
  packed[i] = static_cast<uint32_t>(gpu.pack_halves(numbers[i], 1.5f, i % 2));
}

TEST(Simulator, ComputesPowersAndPacksHalves) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> numbers(32, 0.25f), powers(64);
  numbers[0] = -infinity;
  numbers[2] = 1e6f;
  numbers[4] = std::nanf("");
  numbers[6] = 1 + 0x1p-11f; // A tie in f16, whose even neighbour is 1.
  std::vector<uint32_t> packed(32);
  ASSERT_TRUE(
      run(*inOrder(), {computeFunctions}, {word(numbers.data()), word(powers.data()), word(packed.data())}).isOk());
  EXPECT_EQ(powers[0], 0.0f);
  EXPECT_EQ(powers[1], std::exp2(0.25f));
  EXPECT_EQ(powers[33], -2.0f);
  EXPECT_EQ(packed[0], 0xfc003e00u);
  EXPECT_EQ(packed[1], 0x3e803fc0u);
  EXPECT_EQ(packed[2], 0x7c003e00u);
  EXPECT_TRUE(std::isnan(f16ToFloat(static_cast<uint16_t>(packed[4] >> 16))));
  EXPECT_EQ(packed[6], 0x3c003e00u);
}

/// Blocks take numbers from a counter until none is left.
void takeNumbers(const void *const *calls, void *thread, const void *, const uint64_t *block) {
  Gpu gpu(calls, thread);
  auto *counter = reinterpret_cast<std::atomic<int32_t> *>(block[0]);
  int32_t *owners = reinterpret_cast<int32_t *>(block[1]);
  int32_t *next = reinterpret_cast<int32_t *>(gpu.shared());
  while (true) {
    if (gpu.thread_id() == 0)
      *next = counter->fetch_add(1);
    gpu.barrier(0, 0);
    int32_t number = *next;
    if (number >= static_cast<int32_t>(block[2]))
      return;
    owners[number * 64 + gpu.thread_id()] = gpu.block_id() + gpu.grid_size() * 100;
    gpu.barrier(0, 0);
  }
}

TEST(Simulator, InterleavesPersistentBlocks) {
  for (SimulatorOptions options : allSchedules()) {
    options.multiprocessors = 3;
    std::atomic<int32_t> counter{0};
    std::vector<int32_t> owners(20 * 64, -1);
    Status status = run(*openSimulator(options), {takeNumbers, 64, 16, 3}, {word(&counter), word(owners.data()), 20});
    ASSERT_TRUE(status.isOk()) << status.message();
    EXPECT_EQ(counter, 23);
    std::vector<int32_t> blocks;
    for (size_t i = 0; i < owners.size(); ++i) {
      EXPECT_EQ(owners[i], owners[i / 64 * 64]);
      EXPECT_EQ(owners[i] / 100, 3);
      blocks.push_back(owners[i] % 100);
    }
    std::sort(blocks.begin(), blocks.end());
    blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
    if (options.schedule == SimulatorOptions::Schedule::InOrder) {
      EXPECT_THAT(blocks, testing::ElementsAre(0, 1, 2));
    }
  }
}

/// Each thread writes, and reads what its neighbour wrote; without the barrier where block[1] is set.
void exchange(const void *const *calls, void *thread, const void *, const uint64_t *block) {
  Gpu gpu(calls, thread);
  int32_t *shared = reinterpret_cast<int32_t *>(gpu.shared());
  int32_t index = gpu.thread_id();
  shared[index] = index;
  if (block[1] == 0)
    gpu.barrier(3, 128);
  reinterpret_cast<int32_t *>(block[0])[index] = shared[(index + 32) % 128];
}

TEST(Simulator, BarriersOrderWhatThreadsWrite) {
  for (const SimulatorOptions &options : allSchedules())
    for (uint64_t dropped : {0, 1}) {
      std::vector<int32_t> seen(128);
      ASSERT_TRUE(run(*openSimulator(options), {exchange, 128, 512}, {word(seen.data()), dropped}).isOk());
      bool right = true;
      for (int32_t i = 0; i < 128; ++i)
        right &= seen[static_cast<size_t>(i)] == (i + 32) % 128;
      EXPECT_EQ(right, dropped == 0);
    }
}

/// A barrier of half of the block, at which the other half only arrives.
void arriveAndSync(const void *const *calls, void *thread, const void *, const uint64_t *block) {
  Gpu gpu(calls, thread);
  int32_t *shared = reinterpret_cast<int32_t *>(gpu.shared());
  if (gpu.thread_id() >= 32) {
    shared[gpu.thread_id() - 32] = gpu.thread_id();
    gpu.barrier_arrive(5, 64);
  } else {
    gpu.barrier(5, 64);
    reinterpret_cast<int32_t *>(block[0])[gpu.thread_id()] = shared[gpu.thread_id()];
  }
}

TEST(Simulator, ArrivalsDoNotWait) {
  for (const SimulatorOptions &options : allSchedules()) {
    std::vector<int32_t> seen(32);
    ASSERT_TRUE(run(*openSimulator(options), {arriveAndSync, 64, 128}, {word(seen.data())}).isOk());
    for (int32_t i = 0; i < 32; ++i)
      EXPECT_EQ(seen[static_cast<size_t>(i)], 32 + i);
  }
}

/// One mistake, which block[0] picks.
void makeMistake(const void *const *calls, void *thread, const void *, const uint64_t *block) {
  Gpu gpu(calls, thread);
  int32_t index = gpu.thread_id();
  uint32_t words[4];
  switch (block[0]) {
  case 0: // Not all threads of the block come.
    if (index >= 32)
      gpu.barrier(1, 0);
    break;
  case 1: // Not all lanes make the same call.
    if (index == 3)
      gpu.load_matrix(words, gpu.shared(), 0);
    else
      gpu.shuffle_xor(1.0f, 1);
    break;
  case 2:
    gpu.barrier(16, 64);
    break;
  case 3:
    gpu.barrier(1, 48);
    break;
  case 4:
    gpu.barrier(1, index < 32 ? 64 : 32);
    break;
  case 5:
    gpu.shared()[1024 + index] = 0;
    break;
  case 6:
    gpu.load_matrix(words, gpu.shared() + 8, 0);
    break;
  case 7:
    gpu.mbarrier_init(gpu.shared(), 0);
    break;
  case 8:
    if (index == 0)
      gpu.mbarrier_init(gpu.shared(), 1);
    gpu.barrier(0, 0);
    gpu.mbarrier_wait(gpu.shared(), 0);
    break;
  case 9:
    if (index == 0) {
      gpu.mbarrier_init(gpu.shared(), 2);
      gpu.mbarrier_arrive_expect(gpu.shared(), 16);
      gpu.mbarrier_arrive(gpu.shared());
      gpu.mbarrier_arrive(gpu.shared());
    }
    break;
  case 10:
    if (index == 0) {
      gpu.mbarrier_init(gpu.shared(), 2);
      gpu.mbarrier_arrive_expect(gpu.shared(), (1 << 20) - 1);
      gpu.mbarrier_arrive_expect(gpu.shared(), 1);
    }
    break;
  case 11:
    gpu.mbarrier_wait(gpu.shared() + 64, 0);
    break;
  case 12:
    gpu.copy_async(gpu.shared() + 1020, gpu.shared(), 16);
    break;
  case 13:
    gpu.set_max_registers(25, 1);
    break;
  case 14:
    gpu.warpgroup_fence();
    break;
  case 15: // A lane leaves its warp.
    if (index != 7)
      gpu.elect();
    break;
  default:
    break;
  }
}

TEST(Simulator, ReportsMistakes) {
  const char *const reports[] = {
      "deadlock: block 0: threads 0 to 31 ended, threads 32 to 63 in barrier 1 (32 of 64 threads have arrived)",
      "expects all threads of a warp in shuffle_xor as thread 0, but got load_matrix (load_matrix of block 0, thread "
      "3)",
      "expects a barrier from 0 to 15, but got 16 (barrier of block 0, thread 0)",
      "but got 48",
      "expects all threads at barrier 1 to name one number of threads, but got 64 and 32",
      "expects writes within the 1024 bytes of shared memory, but byte 1024 was written",
      "expects an offset in shared memory that is a multiple of 16, but got 8",
      "expects a count of an mbarrier from 1 to 1048575, but got 0",
      "deadlock: block 0: threads 0 to 63 in mbarrier_wait of parity 0 (offset 0, phase 0, 1 of 1 arrivals and 0 "
      "bytes pending)",
      "expects 2 arrivals in a phase, but got one more",
      "expects at most 1048575 pending bytes of the mbarrier at offset 0, but got 1048576",
      "expects an initialised mbarrier, but got other contents at offset 64",
      "expects 16 bytes within the 1024 bytes of shared memory, but got offset 1020",
      "expects a multiple of 8 from 24 to 256 registers, but got 25",
      "expects a warpgroup of 128 threads, but got the last 64 threads of a block",
      "threads 0 to 6 in elect, thread 7 ended, threads 8 to 31 in elect",
  };
  std::shared_ptr<const Accelerator> device = inOrder();
  for (uint64_t mistake = 0; mistake < std::size(reports); ++mistake) {
    EXPECT_THAT(run(*device, {makeMistake, 64, 1024}, {mistake}), failsWith(StatusCode::DeviceError, reports[mistake]));
    // The device has forgotten it.
    EXPECT_TRUE(run(*device, {makeMistake, 64, 1024}, {std::size(reports)}).isOk());
  }
}

/// Block 1 waits for ever, and the others end.
void waitInOneBlock(const void *const *calls, void *thread, const void *, const uint64_t *) {
  Gpu gpu(calls, thread);
  if (gpu.block_id() == 1 && gpu.thread_id() < 32)
    gpu.barrier(0, 64);
}

TEST(Simulator, ReportsTheBlockThatIsStuck) {
  for (const SimulatorOptions &options : allSchedules())
    EXPECT_THAT(run(*openSimulator(options), {waitInOneBlock, 64, 0, 6}, {}),
                failsWith(StatusCode::DeviceError, "deadlock: block 1: threads 0 to 31 in"));
}

TEST(Simulator, SharedMemoryStartsAsPoisonInEachBlock) {
  auto kernel = [](const void *const *calls, void *thread, const void *, const uint64_t *block) {
    Gpu gpu(calls, thread);
    int32_t *shared = reinterpret_cast<int32_t *>(gpu.shared());
    reinterpret_cast<int32_t *>(block[0])[gpu.block_id() * 32 + gpu.thread_id()] = shared[gpu.thread_id()];
    shared[gpu.thread_id()] = 5;
  };
  std::vector<int32_t> seen(4 * 32);
  ASSERT_TRUE(run(*inOrder(), {kernel, 32, 128, 4}, {word(seen.data())}).isOk());
  EXPECT_THAT(seen, testing::Each(-1));
}

TEST(Simulator, LaunchesOfSeveralThreadsShareNothing) {
  std::shared_ptr<const Accelerator> device = openSimulator(scheduled(SimulatorOptions::Schedule::Random));
  std::vector<std::thread> threads;
  std::atomic<int32_t> right{0};
  for (int32_t t = 0; t < 4; ++t)
    threads.emplace_back([&device, &right, t] {
      for (int32_t i = 0; i < 8; ++i) {
        std::atomic<int32_t> counter{0};
        std::vector<int32_t> owners(20 * 64);
        Status status = run(*device, {takeNumbers, 64, 16, 2}, {word(&counter), word(owners.data()), 20});
        Status failure = run(*device, {makeMistake, 64, 1024}, {uint64_t(t)});
        right += status.isOk() && counter == 22 && failure.code() == StatusCode::DeviceError;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(right, 32);
}

TEST(Simulator, CopiesToAndFromItsMemory) {
  std::shared_ptr<const Accelerator> device = inOrder();
  EXPECT_STREQ(device->name(), "sim");
  EXPECT_EQ(device->multiprocessors(), 2);
  EXPECT_THAT(device->description(), HasSubstr("in_order"));
  Result<std::shared_ptr<DeviceBuffer>> buffer = device->allocate(100);
  ASSERT_TRUE(buffer.isOk());
  EXPECT_EQ((*buffer)->bytes(), 100u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>((*buffer)->data()) % 256, 0u);
  std::vector<char> sent(100, 'x'), received(100);
  ASSERT_TRUE(device->copyToDevice((*buffer)->data(), sent.data(), 100).isOk());
  ASSERT_TRUE(device->copyToHost(received.data(), (*buffer)->data(), 100).isOk());
  EXPECT_EQ(sent, received);
  EXPECT_TRUE(device->synchronize().isOk());
  EXPECT_TRUE(device->allocate(0).isOk());
  EXPECT_EQ(device->allocate(std::numeric_limits<size_t>::max()).status().code(), StatusCode::OutOfMemory);
}

TEST(Simulator, RefusesWhatItCannotRun) {
  std::shared_ptr<const Accelerator> device = inOrder();
  EXPECT_THAT(run(*device, {nullptr}, {}), failsWith(StatusCode::Unsupported, "--simulate"));
  EXPECT_THAT(run(*device, {makeMistake, 33}, {}), failsWith(StatusCode::Unsupported, "but got 33"));
  EXPECT_THAT(run(*device, {makeMistake, 2048}, {}), failsWith(StatusCode::Unsupported, "but got 2048"));
  EXPECT_THAT(run(*device, {makeMistake, 32, 232449}, {}),
              failsWith(StatusCode::Unsupported, "expects at most 232448 bytes of shared memory, but got 232449"));
  EXPECT_THAT(run(*device, {makeMistake, 32, 0, -1}, {}), failsWith(StatusCode::InvalidArgument, "but got -1"));
  EXPECT_TRUE(run(*device, {makeMistake, 32, 0, 0}, {}).isOk());

  class OtherKernel final : public DeviceKernel {};
  EXPECT_THAT(device->launch(OtherKernel(), 1, nullptr, nullptr, nullptr),
              failsWith(StatusCode::InvalidArgument, "another device"));
}

/// Sets a variable for its lifetime.
struct VariableScope {
  VariableScope(const char *name, const char *value) : name(name) { setenv(name, value, 1); }
  ~VariableScope() { unsetenv(name); }
  const char *name;
};

TEST(Simulator, ReadsScheduleAndSeedOfTheEnvironment) {
  {
    VariableScope schedule("SPARSE_ATTN_SIM_SCHEDULE", "reverse");
    VariableScope seed("SPARSE_ATTN_SIM_SEED", "42");
    Result<std::shared_ptr<const Accelerator>> device = openSimulator();
    ASSERT_TRUE(device.isOk());
    EXPECT_THAT((*device)->description(), AllOf(HasSubstr("reverse"), HasSubstr("42")));
  }
  EXPECT_TRUE(openSimulator().isOk());
  VariableScope seed("SPARSE_ATTN_SIM_SEED", "1x");
  EXPECT_THAT(openSimulator().status(), failsWith(StatusCode::InvalidArgument, "but got '1x'"));
  VariableScope schedule("SPARSE_ATTN_SIM_SCHEDULE", "forwards");
  EXPECT_THAT(openSimulator().status(), failsWith(StatusCode::InvalidArgument, "but got 'forwards'"));
}

} // namespace
