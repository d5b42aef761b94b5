//===- SimulatorCopiesTest.cpp - Asynchronous copies and their bugs -------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SimulatedKernels.h"

#include <algorithm>
#include <cstring>

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

/// A bug planted in a kernel; the kernels below know some of them each.
enum class Bug : uint64_t {
  None,
  NoWait,            ///< Data are used without waiting for the copy.
  LateWait,          ///< One group too many may be pending.
  NoBarrier,         ///< Threads use what others have copied without a barrier.
  WrongStage,        ///< The other buffer is read.
  WrongBytes,        ///< Half of the bytes are expected.
  WrongParity,       ///< The phase before is waited for.
  NoInit,            ///< One mbarrier is not initialised.
  NoInitFence,       ///< Nor made visible to copies.
  NoEmptyWait,       ///< The producer does not wait until a buffer is free.
  TooManyArrivals,   ///< A consumer gives a buffer back twice.
  ExtraLoad,         ///< A load that nobody waits for.
  OverwrittenTarget, ///< A thread writes to where a copy is to land.
  OverwrittenSource, ///< A thread writes to what a store still reads.
  NoStoreWait,       ///< The block ends before its store has read.
  MisalignedBox,     ///< A box at an offset that is no multiple of 128.
  NoMap,             ///< Contents that are no tensor map.
};

constexpr int32_t tiles = 6;

/// Two buffers of 64 numbers each, filled by cp.async one tile ahead; each thread sums what its neighbour copied.
void sumTiles(const void *const *calls, void *thread, const void *, const uint64_t *block) {
  Gpu gpu(calls, thread);
  Bug bug = static_cast<Bug>(block[2]);
  const float *tilesOfFour = reinterpret_cast<const float *>(block[0]);
  int32_t index = gpu.thread_id();
  auto *buffers = reinterpret_cast<float (*)[256]>(gpu.shared());
  auto load = [&](int32_t tile) {
    // The last of the tiles has 12 bytes a thread; the rest is zeros.
    const float *from = tilesOfFour + tile * 256 + index * 4;
    gpu.copy_async(static_cast<void *>(buffers[tile % 2] + index * 4),
                   const_cast<void *>(static_cast<const void *>(from)), tile == tiles - 1 ? 12 : 16);
  };
  float sum = 0;
  load(0);
  gpu.copy_async_commit();
  for (int32_t tile = 0; tile < tiles; ++tile) {
    if (tile + 1 < tiles)
      load(tile + 1);
    gpu.copy_async_commit();
    if (bug == Bug::OverwrittenTarget && tile == 2)
      buffers[1][index * 4] = 1;
    if (bug != Bug::NoWait)
      gpu.copy_async_wait(bug == Bug::LateWait ? 2 : 1);
    if (bug != Bug::NoBarrier)
      gpu.barrier(0, 0);
    const float *mine = buffers[bug == Bug::WrongStage ? (tile + 1) % 2 : tile % 2] + (index + 32) % 64 * 4;
    for (int32_t i = 0; i < 4; ++i)
      sum += mine[i];
    if (bug != Bug::NoBarrier)
      gpu.barrier(0, 0);
  }
  reinterpret_cast<float *>(block[1])[index] = sum;
}

struct Outcome {
  Status status;
  bool isRight;
};

Outcome sumByThreadCopies(const SimulatorOptions &options, Bug bug) {
  alignas(16) static float numbers[tiles * 256];
  for (size_t i = 0; i < std::size(numbers); ++i)
    numbers[i] = static_cast<float>(i * 7 % 31);
  std::vector<float> sums(64);
  Status status = run(*openSimulator(options), {sumTiles, 64, 2048},
                      {word(numbers), word(sums.data()), static_cast<uint64_t>(bug)});
  bool isRight = true;
  for (size_t t = 0; t < 64; ++t) {
    float expected = 0;
    for (size_t tile = 0; tile < tiles; ++tile)
      for (size_t i = 0; i < (tile == tiles - 1 ? 3 : 4); ++i)
        expected += numbers[tile * 256 + (t + 32) % 64 * 4 + i];
    isRight &= sums[t] == expected;
  }
  return {status, isRight};
}

TEST(SimulatorCopies, PipelinesOfThreadCopiesAreRight) {
  for (const SimulatorOptions &options : allSchedules()) {
    Outcome outcome = sumByThreadCopies(options, Bug::None);
    ASSERT_TRUE(outcome.status.isOk()) << outcome.status.message();
    EXPECT_TRUE(outcome.isRight);
  }
}

TEST(SimulatorCopies, BugsOfThreadCopiesGiveWrongResults) {
  for (Bug bug : {Bug::NoWait, Bug::LateWait, Bug::NoBarrier, Bug::WrongStage})
    for (const SimulatorOptions &options : allSchedules())
      EXPECT_FALSE(sumByThreadCopies(options, bug).isRight) << static_cast<uint64_t>(bug);
}

TEST(SimulatorCopies, WritesBelowAThreadCopyAreRaces) {
  for (const SimulatorOptions &options : allSchedules())
    EXPECT_THAT(sumByThreadCopies(options, Bug::OverwrittenTarget).status,
                failsWith(StatusCode::DeviceError, "race: the destination of a copy_async at offset "));
}

// Boxes of 16 rows of 64 numbers of bf16.
constexpr int32_t boxRows = 16;
constexpr int32_t boxBytes = boxRows * 128;
constexpr int32_t stages = 2;
constexpr int32_t barrierOffset = stages * boxBytes;

/// Offset of a number in a box that is swizzled over 128 bytes.
int32_t placeInBox(int32_t row, int32_t column) {
  int32_t offset = row * 128 + column * 2;
  return offset ^ ((offset >> 7 & 7) << 4);
}

char *fullBarrier(const Gpu &gpu, int32_t stage) { return gpu.shared() + barrierOffset + stage * 16; }
char *emptyBarrier(const Gpu &gpu, int32_t stage) { return fullBarrier(gpu, stage) + 8; }

void initialise(const Gpu &gpu, Bug bug) {
  for (int32_t stage = 0; stage < stages; ++stage) {
    if (bug != Bug::NoInit || stage == 0)
      gpu.mbarrier_init(fullBarrier(gpu, stage), 1);
    gpu.mbarrier_init(emptyBarrier(gpu, stage), 64);
  }
  if (bug != Bug::NoInitFence)
    gpu.fence_mbarrier_init();
}

void produce(const Gpu &gpu, const TensorMap *map, Bug bug) {
  void *description = const_cast<TensorMap *>(map);
  if (bug == Bug::NoMap)
    description = gpu.shared();
  for (int32_t tile = 0; tile < tiles + (bug == Bug::ExtraLoad); ++tile) {
    int32_t stage = tile % stages;
    if (bug != Bug::NoEmptyWait)
      gpu.mbarrier_wait(emptyBarrier(gpu, stage), (tile / stages + 1) % 2);
    gpu.mbarrier_arrive_expect(fullBarrier(gpu, stage), bug == Bug::WrongBytes ? boxBytes / 2 : boxBytes);
    int32_t place = bug == Bug::MisalignedBox ? 64 : stage * boxBytes;
    gpu.tensor_load(gpu.shared() + place, description, fullBarrier(gpu, stage), 0, tile * boxRows, 1, 0, 0);
  }
}

/// Each of 64 threads adds one column of all tiles, the first once, the second twice and so on.
float consume(const Gpu &gpu, int32_t column, Bug bug) {
  float sum = 0;
  for (int32_t tile = 0; tile < tiles; ++tile) {
    int32_t stage = tile % stages, parity = tile / stages % 2;
    if (bug != Bug::NoWait)
      gpu.mbarrier_wait(fullBarrier(gpu, stage), bug == Bug::WrongParity ? 1 - parity : parity);
    const char *box = gpu.shared() + (bug == Bug::WrongStage ? 1 - stage : stage) * boxBytes;
    if (bug == Bug::OverwrittenTarget && tile == 0 && column == 0)
      gpu.shared()[boxBytes + 4] = 0;
    for (int32_t row = 0; row < boxRows; ++row) {
      uint16_t bits;
      std::memcpy(&bits, box + placeInBox(row, column), 2);
      sum += float(tile + 1) * bf16ToFloat(bits);
    }
    gpu.mbarrier_arrive(emptyBarrier(gpu, stage));
    if (bug == Bug::TooManyArrivals)
      gpu.mbarrier_arrive(emptyBarrier(gpu, stage));
  }
  return sum;
}

/// Warp 0 loads boxes to a ring of two; warps 1 and 2 add them up.
void sumBoxes(const void *const *calls, void *thread, const void *maps, const uint64_t *block) {
  Gpu gpu(calls, thread);
  Bug bug = static_cast<Bug>(block[1]);
  int32_t index = gpu.thread_id();
  if (index == 0)
    initialise(gpu, bug);
  gpu.barrier(0, 0);
  if (index >= 32)
    reinterpret_cast<float *>(block[0])[index - 32] = consume(gpu, index - 32, bug);
  else if (gpu.elect() == 1)
    produce(gpu, static_cast<const TensorMap *>(maps), bug);
}

/// An array [1][2][length][64] of bf16, aligned as maps want it.
class Array {
public:
  explicit Array(int64_t length) : length(length), buffer(*inOrder()->allocate(size_t(length) * 2 * 64 * 2)) {
    for (int64_t row = 0; row < 2 * length; ++row)
      for (int64_t column = 0; column < 64; ++column)
        numbers()[row * 64 + column] = floatToBf16(float((row * 5 + column * 3) % 17));
  }
  uint16_t *numbers() const { return static_cast<uint16_t *>(buffer->data()); }
  /// Of head 1, zero behind the end.
  float at(int64_t row, int64_t column) const {
    return row < length ? bf16ToFloat(numbers()[(length + row) * 64 + column]) : 0;
  }
  TensorMap map() const {
    TensorMap map;
    Value value = makeArray(numbers(), DType::BF16, Shape{4, {1, 2, length, 64}});
    Status status = inOrder()->encode({value, boxRows, 64}, map);
    EXPECT_TRUE(status.isOk()) << status.message();
    return map;
  }

private:
  int64_t length;
  std::shared_ptr<DeviceBuffer> buffer;
};

Outcome sumByTensorLoads(const SimulatorOptions &options, Bug bug) {
  // The last box ends 7 rows behind the array.
  Array array(tiles * boxRows - 7);
  std::vector<float> sums(64);
  Status status = run(*openSimulator(options), {sumBoxes, 96, barrierOffset + stages * 16, 1, {array.map()}},
                      {word(sums.data()), static_cast<uint64_t>(bug)});
  bool isRight = true;
  for (int64_t column = 0; column < 64; ++column) {
    float expected = 0;
    for (int64_t row = 0; row < tiles * boxRows; ++row)
      expected += float(row / boxRows + 1) * array.at(row, column);
    isRight &= sums[static_cast<size_t>(column)] == expected;
  }
  return {status, isRight};
}

TEST(SimulatorCopies, RingsOfTensorLoadsAreRight) {
  for (const SimulatorOptions &options : allSchedules()) {
    Outcome outcome = sumByTensorLoads(options, Bug::None);
    ASSERT_TRUE(outcome.status.isOk()) << outcome.status.message();
    EXPECT_TRUE(outcome.isRight);
  }
}

TEST(SimulatorCopies, BugsOfTensorLoadsAreFound) {
  for (Bug bug : {Bug::NoWait, Bug::WrongStage, Bug::WrongParity, Bug::NoEmptyWait, Bug::TooManyArrivals})
    for (const SimulatorOptions &options : allSchedules()) {
      Outcome outcome = sumByTensorLoads(options, bug);
      EXPECT_FALSE(outcome.status.isOk() && outcome.isRight) << static_cast<uint64_t>(bug);
    }
}

TEST(SimulatorCopies, BugsOfTensorLoadsAreReported) {
  const std::pair<Bug, const char *> reports[] = {
      {Bug::WrongBytes, "of parity 0 (offset 4096, phase 0, 0 of 1 arrivals and -1024 bytes pending)"},
      {Bug::NoInit, "expects an initialised mbarrier, but got other contents at offset 4112"},
      {Bug::NoInitFence, "race: expects fence_mbarrier_init in thread 0 before a copy names the mbarrier"},
      {Bug::ExtraLoad, "race: expects the tensor_load to offset 0 to land before the block ends"},
      {Bug::MisalignedBox, "expects an offset in shared memory that is a multiple of 128, but got 64"},
      {Bug::NoMap, "expects a tensor map of the simulated device"},
  };
  for (auto [bug, report] : reports)
    EXPECT_THAT(sumByTensorLoads(SimulatorOptions(), bug).status, failsWith(StatusCode::DeviceError, report));
  EXPECT_THAT(sumByTensorLoads(scheduled(SimulatorOptions::Schedule::InOrder), Bug::OverwrittenTarget).status,
              failsWith(StatusCode::DeviceError, "race: the destination of a tensor_load at offset 2048"));
}

/// A box of 32 columns, swizzled over 64 bytes, written by all threads and stored by one, at row block[0] and column
/// block[1].
void storeBox(const void *const *calls, void *thread, const void *maps, const uint64_t *block) {
  Gpu gpu(calls, thread);
  Bug bug = static_cast<Bug>(block[2]);
  int32_t index = gpu.thread_id();
  for (int32_t row = 0; row < boxRows; ++row) {
    uint16_t bits = floatToBf16(float(1 + row + index));
    int32_t offset = row * 64 + index * 2;
    std::memcpy(gpu.shared() + (offset ^ ((offset >> 7 & 3) << 4)), &bits, 2);
  }
  gpu.fence_async();
  gpu.barrier(0, 0);
  if (index != 0)
    return;
  gpu.tensor_store(const_cast<void *>(maps), gpu.shared(), static_cast<int32_t>(block[1]),
                   static_cast<int32_t>(block[0]), 0, 0, 0);
  gpu.tensor_store_commit();
  if (bug == Bug::OverwrittenSource)
    gpu.shared()[3] = 0x55;
  if (bug != Bug::NoStoreWait)
    gpu.tensor_store_wait(0);
}

TEST(SimulatorCopies, TensorStoresKeepWithinTheArray) {
  constexpr int64_t length = 40, columns = 40;
  for (const SimulatorOptions &options : allSchedules())
    for (int32_t row : {-5, 0, 30, 40})
      for (int32_t column : {-3, 0, 13}) {
        std::shared_ptr<DeviceBuffer> buffer = *inOrder()->allocate(length * columns * 2);
        auto *numbers = static_cast<uint16_t *>(buffer->data());
        std::fill_n(numbers, length * columns, uint16_t(0));
        TensorMap map;
        Value value = makeArray(numbers, DType::BF16, Shape{4, {1, 1, length, columns}});
        ASSERT_TRUE(inOrder()->encode({value, boxRows, 32}, map).isOk());
        Status status = run(*openSimulator(options), {storeBox, 32, 1024, 1, {map}},
                            {static_cast<uint64_t>(row), static_cast<uint64_t>(column), 0});
        ASSERT_TRUE(status.isOk()) << status.message();
        for (int32_t i = 0; i < length; ++i)
          for (int32_t j = 0; j < columns; ++j) {
            bool inBox = i >= row && i < row + boxRows && j >= column && j < column + 32;
            EXPECT_EQ(bf16ToFloat(numbers[i * columns + j]), inBox ? float(1 + i - row + j - column) : 0.0f);
          }
      }
}

TEST(SimulatorCopies, BugsOfTensorStoresAreRaces) {
  Array array(16);
  for (const SimulatorOptions &options : allSchedules()) {
    auto store = [&](Bug bug) {
      TensorMap map;
      Value value = makeArray(array.numbers(), DType::BF16, Shape{4, {1, 1, 16, 64}});
      EXPECT_TRUE(inOrder()->encode({value, boxRows, 32}, map).isOk());
      return run(*openSimulator(options), {storeBox, 32, 1024, 1, {map}}, {0, 0, static_cast<uint64_t>(bug)});
    };
    EXPECT_THAT(store(Bug::OverwrittenSource),
                failsWith(StatusCode::DeviceError, "race: the source of a tensor_store at offset 0 changed"));
    EXPECT_THAT(store(Bug::NoStoreWait),
                failsWith(StatusCode::DeviceError, "race: expects tensor_store_wait before a thread ends"));
  }
}

TEST(SimulatorCopies, MapsWantAlignedArrays) {
  Array array(16);
  auto encode = [](const Value &value, int32_t rows, int32_t columns) {
    TensorMap map;
    return inOrder()->encode({value, rows, columns}, map);
  };
  Shape shape{4, {1, 2, 8, 60}};
  Value good = makeArray(array.numbers(), DType::BF16, shape, {1024, 512, 64, 1});
  EXPECT_TRUE(encode(good, 16, 64).isOk());
  EXPECT_THAT(encode(makeArray(array.numbers() + 1, DType::BF16, shape, {1024, 512, 64, 1}), 16, 64),
              failsWith(StatusCode::InvalidArgument, "expects an address that is a multiple of 16 bytes, but got"));
  EXPECT_THAT(
      encode(makeArray(array.numbers(), DType::BF16, shape, {1024, 512, 60, 1}), 16, 64),
      failsWith(StatusCode::InvalidArgument, "expects a length stride that is a multiple of 16 bytes, but got 120"));
  EXPECT_THAT(encode(makeArray(array.numbers(), DType::F32, shape, {1024, 512, 64, 1}), 16, 64),
              failsWith(StatusCode::InvalidArgument, "f16 or bf16"));
  EXPECT_THAT(encode(makeArray(array.numbers(), DType::F16, shape, {1024, 512, 64, 2}), 16, 64),
              failsWith(StatusCode::InvalidArgument, "expects a head size stride of 1, but got 2"));
  EXPECT_THAT(encode(good, 257, 64), failsWith(StatusCode::InvalidArgument, "but got 257"));
  EXPECT_THAT(encode(good, 16, 72), failsWith(StatusCode::InvalidArgument, "but got 72"));
  EXPECT_THAT(encode(good, 16, 12), failsWith(StatusCode::InvalidArgument, "but got 12"));
}

} // namespace
