//===- Random.h - The dice of a schedule ------------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_RANDOM_H
#define SPARSE_ATTN_LIB_SIM_RANDOM_H

#include <cstddef>
#include <cstdint>

namespace sparse_attn::sim {

/// SplitMix64 (Steele, Lea, Flood 2014): every seed is good, and a step is cheap.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}

  /// A number in [0, limit); `limit` is small and positive.
  size_t below(size_t limit) { return static_cast<size_t>((next() >> 32) * limit >> 32); }
  bool oneIn(size_t number) { return below(number) == 0; }

private:
  uint64_t next() {
    state += 0x9e3779b97f4a7c15u;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  uint64_t state;
};

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_RANDOM_H
