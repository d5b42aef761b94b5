//===- Random.cpp - Normally distributed inputs ----------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Random.h"

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

namespace sparse_attn::tools::run {

namespace {

/// The output function of SplitMix64 (Steele, Lea and Flood 2014): a bijection of well mixed bits.
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// The sum of twelve uniform 16-bit numbers has a standard deviation of 2^16 and is exact in a float (Irwin-Hall).
float normal(uint64_t key, uint64_t index) {
  int32_t sum = 0;
  for (uint64_t word = 0; word < 3; ++word)
    for (uint64_t bits = mix(key + 3 * index + word), half = 0; half < 4; ++half, bits >>= 16)
      sum += static_cast<int32_t>(bits & 0xffff);
  constexpr float mean = 12 * 65535 / 2;
  return (static_cast<float>(sum) - mean) / 65536.0f;
}

} // namespace

void fillNormal(Array &array, uint64_t seed, uint64_t stream) {
  uint64_t key = mix(mix(seed) + stream);
  tbb::parallel_for(tbb::blocked_range<int64_t>(0, array.elements(), 1 << 14), [&](const auto &range) {
    for (int64_t i = range.begin(); i < range.end(); ++i)
      array.set(i, normal(key, static_cast<uint64_t>(i)));
  });
}

} // namespace sparse_attn::tools::run
