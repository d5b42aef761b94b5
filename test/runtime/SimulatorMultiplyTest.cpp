//===- SimulatorMultiplyTest.cpp - Products of matrices -------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SimulatedKernels.h"

#include <cmath>
#include <cstring>

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

/// One 16x16 matrix times another one: ldmatrix and mma.sync.
struct WarpProduct {
  bool bfloat16;
  bool transposed; ///< B is [16 of the depth][16 columns], not [16 columns][16].
};

void multiplyInWarp(const void *const *calls, void *thread, const void *, const uint64_t *block) {
  Gpu gpu(calls, thread);
  int32_t bfloat16 = static_cast<int32_t>(block[3]), transposed = static_cast<int32_t>(block[4]);
  int32_t lane = gpu.thread_id(), matrix = lane / 8, row = lane % 8;
  char *left = gpu.shared(), *right = left + 512;
  std::memcpy(left + lane * 16, reinterpret_cast<const char *>(block[0]) + lane * 16, 16);
  std::memcpy(right + lane * 16, reinterpret_cast<const char *>(block[1]) + lane * 16, 16);
  gpu.barrier(0, 0);
  // Matrices 0 to 3 of A: the upper and the lower rows of the first 8 of the depth, then of the others. Of B: the
  // depths of the first 8 columns, then of the others.
  int32_t a[4], b[4];
  gpu.load_matrix(a, left + (matrix % 2 * 8 + row) * 32 + matrix / 2 * 16, 0);
  char *address = transposed ? right + (matrix % 2 * 8 + row) * 32 + matrix / 2 * 16
                             : right + (matrix / 2 * 8 + row) * 32 + matrix % 2 * 16;
  gpu.load_matrix(b, address, transposed);
  float *result = reinterpret_cast<float *>(block[2]);
  for (int32_t half = 0; half < 2; ++half) {
    float sums[4] = {1, 2, 3, 4};
    gpu.multiply(sums, a[0], a[1], a[2], a[3], b[2 * half], b[2 * half + 1], bfloat16);
    for (int32_t i = 0; i < 4; ++i)
      result[(lane / 4 + i / 2 * 8) * 16 + half * 8 + lane % 4 * 2 + i % 2] = sums[i];
  }
}

class SimulatorWarpProduct : public testing::TestWithParam<WarpProduct> {};

TEST_P(SimulatorWarpProduct, EqualsThePlainOne) {
  auto [bfloat16, transposed] = GetParam();
  std::vector<uint16_t> a = randomHalves(256, bfloat16, 1), b = randomHalves(256, bfloat16, 2);
  std::vector<double> expected(256);
  for (size_t i = 0; i < 16; ++i)
    for (size_t j = 0; j < 16; ++j) {
      expected[i * 16 + j] = double(i / 8 * 2 + j % 2 + 1);
      for (size_t k = 0; k < 16; ++k)
        expected[i * 16 + j] +=
            double(widen(a[i * 16 + k], bfloat16)) * widen(transposed ? b[k * 16 + j] : b[j * 16 + k], bfloat16);
    }
  for (const SimulatorOptions &options : allSchedules()) {
    std::vector<float> result(256);
    Status status = run(*openSimulator(options), {multiplyInWarp, 32, 1024},
                        {word(a.data()), word(b.data()), word(result.data()), bfloat16, transposed});
    ASSERT_TRUE(status.isOk()) << status.message();
    EXPECT_TRUE(isClose(result, expected));
  }
}

INSTANTIATE_TEST_SUITE_P(Types, SimulatorWarpProduct,
                         testing::Values(WarpProduct{false, false}, WarpProduct{false, true}, WarpProduct{true, false},
                                         WarpProduct{true, true}));

/// What a kernel of wgmma does wrong.
enum class Mistake : uint64_t {
  None,
  UseBeforeWait,       ///< Results are stored, and only then waited for.
  OverwriteInFlight,   ///< A changes between the issue and the wait.
  WrongDescriptor,     ///< Half the stride between groups of 8 rows.
  WrongLayout,         ///< A descriptor without swizzle.
  BeyondMemory,        ///< A descriptor of what lies behind the shared memory.
  NoFence,             ///< Before the first multiply.
  NoFenceAfterWait,    ///< Before a multiply after a wait.
  ShuffledAccumulator, ///< Two results of a pending multiply change places before the next one adds to them.
  WaitForTooFew,       ///< One group may still be pending when results are used.
  Disagreement,        ///< One thread multiplies another number of columns.
};

struct WarpgroupProduct {
  int32_t columns;
  bool transposed, fromWords, bfloat16;
};

constexpr int32_t depth = 64;
constexpr int32_t slabBytes = 64 * 128;

/// Arrays A [64][64], B [columns][64] or [64][columns], and the result [64][columns].
struct WarpgroupArguments {
  const char *a, *b;
  float *result;
  WarpgroupProduct product;
  Mistake mistake;

  explicit WarpgroupArguments(const uint64_t *block)
      : a(reinterpret_cast<const char *>(block[0])), b(reinterpret_cast<const char *>(block[1])),
        result(reinterpret_cast<float *>(block[2])),
        product{static_cast<int32_t>(block[3]), block[4] != 0, block[5] != 0, block[6] != 0},
        mistake(static_cast<Mistake>(block[7])) {}
};

/// Copies [rows][columns] of 2 bytes to slabs of 64 columns and `slabRows` rows, swizzled over 128 bytes.
void storeSlabs(int32_t index, const char *from, int32_t rows, int32_t columns, char *to) {
  for (int32_t chunk = index; chunk < rows * columns / 8; chunk += 128) {
    int32_t row = chunk / (columns / 8), column = chunk % (columns / 8);
    int32_t offset = column / 8 * rows * 128 + row * 128 + column % 8 * 16;
    std::memcpy(to + (offset ^ ((offset >> 7 & 7) << 4)), from + chunk * 16, 16);
  }
}

uint64_t descriptor(const char *shared, const char *address, uint64_t leading, uint64_t stride, uint64_t layout = 1) {
  uint64_t offset = static_cast<uint64_t>(address - shared);
  return offset >> 4 | leading >> 4 << 16 | stride >> 4 << 32 | layout << 62;
}

void multiplyInWarpgroup(const void *const *calls, void *thread, const void *, const uint64_t *block) {
  Gpu gpu(calls, thread);
  WarpgroupArguments with(block);
  auto [columns, transposed, fromWords, bfloat16] = with.product;
  Mistake mistake = with.mistake;
  int32_t index = gpu.thread_id(), row = index / 32 * 16 + index % 32 / 4, pair = index % 4 * 2;
  char *shared = gpu.shared(), *a = shared, *b = shared + slabBytes;
  storeSlabs(index, with.a, 64, depth, a);
  storeSlabs(index, with.b, transposed ? depth : columns, transposed ? columns : depth, b);
  gpu.fence_async();
  gpu.barrier(0, 0);
  float sums[128];
  int32_t count = columns / 2;
  if (mistake != Mistake::NoFence)
    gpu.warpgroup_fence();
  for (int32_t step = 0; step < depth / 16; ++step) {
    int32_t words[4];
    for (int32_t i = 0; i < 4; ++i)
      std::memcpy(words + i, with.a + ((row + i % 2 * 8) * depth + step * 16 + i / 2 * 8 + pair) * 2, 4);
    uint64_t left = descriptor(shared, a + step * 32, 16, mistake == Mistake::WrongDescriptor ? 512 : 1024,
                               mistake == Mistake::WrongLayout ? 0 : 1);
    if (mistake == Mistake::BeyondMemory)
      left = descriptor(shared, shared + 200 * 1024, 16, 1024);
    uint64_t right =
        transposed ? descriptor(shared, b + step * 2048, slabBytes, 1024) : descriptor(shared, b + step * 32, 16, 1024);
    if (mistake == Mistake::ShuffledAccumulator && step == 1)
      std::swap(sums[0], sums[1]);
    int32_t flags = (step > 0) + 2 * transposed + 4 * bfloat16;
    int32_t asked = mistake == Mistake::Disagreement && index == 77 ? columns - 8 : columns;
    gpu.warpgroup_multiply(sums, asked, flags, fromWords ? words : nullptr, static_cast<int64_t>(left),
                           static_cast<int64_t>(right));
    if (mistake == Mistake::NoFenceAfterWait) {
      gpu.warpgroup_commit();
      gpu.warpgroup_wait(sums, count, 0);
    }
  }
  gpu.warpgroup_commit();
  if (mistake == Mistake::OverwriteInFlight && index == 5)
    a[6] = char(a[6] ^ 1);
  if (mistake != Mistake::UseBeforeWait)
    gpu.warpgroup_wait(sums, count, mistake == Mistake::WaitForTooFew ? 1 : 0);
  for (int32_t i = 0; i < count; ++i)
    with.result[(row + i / 2 % 2 * 8) * columns + i / 4 * 8 + pair + i % 2] = sums[i] + 0.5f;
  if (mistake == Mistake::UseBeforeWait)
    gpu.warpgroup_wait(sums, count, 0);
}

struct WarpgroupOutcome {
  Status status;
  bool isRight;
};

WarpgroupOutcome runWarpgroup(const SimulatorOptions &options, const WarpgroupProduct &product, Mistake mistake) {
  size_t columns = static_cast<size_t>(product.columns);
  std::vector<uint16_t> a = randomHalves(64 * depth, product.bfloat16, 1);
  std::vector<uint16_t> b = randomHalves(columns * depth, product.bfloat16, 2);
  std::vector<double> expected(64 * columns, 0.5);
  for (size_t i = 0; i < 64; ++i)
    for (size_t j = 0; j < columns; ++j)
      for (size_t k = 0; k < depth; ++k)
        expected[i * columns + j] +=
            double(widen(a[i * depth + k], product.bfloat16)) *
            widen(product.transposed ? b[k * columns + j] : b[j * depth + k], product.bfloat16);
  std::vector<float> result(64 * columns);
  Program program{multiplyInWarpgroup, 128, slabBytes * 5};
  Status status = run(*openSimulator(options), program,
                      {word(a.data()), word(b.data()), word(result.data()), uint64_t(product.columns),
                       product.transposed, product.fromWords, product.bfloat16, static_cast<uint64_t>(mistake)});
  return {status, isClose(result, expected)};
}

class SimulatorWarpgroupProduct : public testing::TestWithParam<WarpgroupProduct> {};

TEST_P(SimulatorWarpgroupProduct, EqualsThePlainOne) {
  for (const SimulatorOptions &options : allSchedules()) {
    WarpgroupOutcome outcome = runWarpgroup(options, GetParam(), Mistake::None);
    ASSERT_TRUE(outcome.status.isOk()) << outcome.status.message();
    EXPECT_TRUE(outcome.isRight);
  }
}

std::vector<WarpgroupProduct> warpgroupProducts() {
  std::vector<WarpgroupProduct> all;
  for (int32_t columns : {8, 64, 128, 256})
    for (bool transposed : {false, true})
      for (bool fromWords : {false, true})
        for (bool bfloat16 : {false, true})
          all.push_back({columns, transposed, fromWords, bfloat16});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Shapes, SimulatorWarpgroupProduct, testing::ValuesIn(warpgroupProducts()));

TEST(SimulatorWarpgroup, MistakesGiveWrongResults) {
  for (Mistake mistake : {Mistake::UseBeforeWait, Mistake::WrongDescriptor, Mistake::WaitForTooFew})
    for (const SimulatorOptions &options : allSchedules()) {
      WarpgroupOutcome outcome = runWarpgroup(options, {64, false, false, true}, mistake);
      EXPECT_TRUE(outcome.status.isOk()) << outcome.status.message();
      EXPECT_FALSE(outcome.isRight);
    }
}

TEST(SimulatorWarpgroup, MistakesAreReported) {
  const std::pair<Mistake, const char *> reports[] = {
      {Mistake::OverwriteInFlight, "race: the operands of a warpgroup_multiply in shared memory changed"},
      {Mistake::WrongLayout, "expects layout 1 or 2, the swizzle over 128 or 64 bytes, in a matrix descriptor, but got 0"},
      {Mistake::BeyondMemory, "expects the matrix of a descriptor within the 40960 bytes of shared memory, but got"},
      {Mistake::NoFence, "race: expects warpgroup_fence between warpgroup_wait, or the start, and warpgroup_multiply"},
      {Mistake::NoFenceAfterWait, "but got a multiply without a fence"},
      {Mistake::ShuffledAccumulator, "race: expects an accumulator of numbers, or of all results of one multiply"},
      {Mistake::Disagreement, "expects all threads of a warpgroup to multiply the same matrices"},
  };
  for (auto [mistake, report] : reports)
    for (const SimulatorOptions &options : allSchedules()) {
      WarpgroupOutcome outcome = runWarpgroup(options, {64, false, false, true}, mistake);
      EXPECT_THAT(outcome.status, failsWith(StatusCode::DeviceError, report));
    }
}

} // namespace
