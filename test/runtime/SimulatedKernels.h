//===- SimulatedKernels.h - Kernels written by hand -------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the tests of the simulated device share: the table of calls as methods,
// launches under every schedule, and random matrices.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_TEST_SIMULATEDKERNELS_H
#define SPARSE_ATTN_TEST_SIMULATEDKERNELS_H

#include "sparse_attn/Accelerator.h"
#include "sparse_attn/NumericTypes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

namespace sparse_attn::test {

template <typename Entry> struct CallSignature;
template <typename Result, typename... Arguments> struct CallSignature<Result(Arguments...)> {
  using Function = Result (*)(void *, Arguments...);
};

enum class CallIndex {
#define SPARSE_ATTN_SIMULATOR_CALL(name, result, ...) name,
#include "sparse_attn/SimulatorCalls.def"
};

/// What a kernel does, with the arguments of SimulatorCalls.def.
class Gpu {
public:
  Gpu(const void *const *calls, void *thread) : calls(calls), thread(thread) {}

  char *shared() const { return static_cast<char *>(shared_memory()); }

private:
  using i32 = int32_t;
  using i64 = int64_t;
  using f32 = float;
  using pointer = void *;
  using none = void;

public:
#define SPARSE_ATTN_SIMULATOR_CALL(name, result, ...)                                                                  \
  template <typename... Arguments> result name(Arguments... arguments) const {                                         \
    const void *function = calls[static_cast<size_t>(CallIndex::name)];                                                \
    return reinterpret_cast<CallSignature<result(__VA_ARGS__)>::Function>(const_cast<void *>(function))(thread,        \
                                                                                                        arguments...); \
  }
#include "sparse_attn/SimulatorCalls.def"

private:
  const void *const *calls;
  void *thread;
};

/// A kernel and how it is launched.
struct Program {
  SimulatedKernel kernel;
  int32_t threads = 32;
  int32_t sharedBytes = 0;
  int64_t blocks = 1;
  std::vector<TensorMap> maps{};
};

template <typename T> uint64_t word(const T *pointer) { return reinterpret_cast<uintptr_t>(pointer); }

inline Status run(const Accelerator &device, const Program &program, const std::vector<uint64_t> &arguments) {
  DeviceImage image;
  image.symbol = "by_hand";
  image.simulated = program.kernel;
  image.threads = program.threads;
  image.sharedBytes = program.sharedBytes;
  Result<std::shared_ptr<const DeviceKernel>> kernel = device.load(image);
  if (!kernel.isOk())
    return kernel.status();
  return device.launch(**kernel, program.blocks, program.maps.data(), arguments.data(), nullptr);
}

inline SimulatorOptions scheduled(SimulatorOptions::Schedule schedule, uint64_t seed = 1) {
  SimulatorOptions options;
  options.schedule = schedule;
  options.seed = seed;
  return options;
}

/// Every schedule, and several seeds where they matter.
inline std::vector<SimulatorOptions> allSchedules() {
  std::vector<SimulatorOptions> all{scheduled(SimulatorOptions::Schedule::InOrder)};
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    all.push_back(scheduled(SimulatorOptions::Schedule::Random, seed));
    all.push_back(scheduled(SimulatorOptions::Schedule::Reverse, seed));
  }
  return all;
}

inline std::shared_ptr<const Accelerator> inOrder() { return openSimulator(SimulatorOptions()); }

inline uint16_t narrow(float value, bool bfloat16) { return bfloat16 ? floatToBf16(value) : floatToF16(value); }
inline float widen(uint16_t bits, bool bfloat16) { return bfloat16 ? bf16ToFloat(bits) : f16ToFloat(bits); }

/// 16-bit numbers of f16 or bf16, normally distributed.
inline std::vector<uint16_t> randomHalves(size_t count, bool bfloat16, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<uint16_t> halves(count);
  for (uint16_t &half : halves)
    half = narrow(normal(generator), bfloat16);
  return halves;
}

/// Whether all of `got` is within a rounding of f32 sums; NaN never is.
inline bool isClose(const std::vector<float> &got, const std::vector<double> &expected) {
  for (size_t i = 0; i < expected.size(); ++i)
    if (!(std::abs(got[i] - expected[i]) <= 1e-4))
      return false;
  return got.size() == expected.size();
}

inline testing::Matcher<const Status &> failsWith(StatusCode code, const std::string &text) {
  return testing::AllOf(testing::Property(&Status::code, code),
                        testing::Property(&Status::message, testing::HasSubstr(text)));
}

} // namespace sparse_attn::test

#endif // SPARSE_ATTN_TEST_SIMULATEDKERNELS_H
