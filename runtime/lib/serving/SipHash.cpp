//===- SipHash.cpp - A keyed hash of 128 bits -----------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "serving/SipHash.h"

#include "serving/Bytes.h"

namespace sparse_attn::serving {

namespace {

uint64_t rotate(uint64_t word, int bits) { return word << bits | word >> (64 - bits); }

/// The state of section 2 of the paper.
struct State {
  uint64_t v0, v1, v2, v3;

  explicit State(const SipValue &key)
      : v0(key.low ^ 0x736f6d6570736575u), v1(key.high ^ 0x646f72616e646f6du ^ 0xee), v2(key.low ^ 0x6c7967656e657261u),
        v3(key.high ^ 0x7465646279746573u) {}

  void rounds(int count) {
    for (int i = 0; i < count; ++i) {
      v0 += v1;
      v2 += v3;
      v1 = rotate(v1, 13) ^ v0;
      v3 = rotate(v3, 16) ^ v2;
      v0 = rotate(v0, 32);
      v2 += v1;
      v0 += v3;
      v1 = rotate(v1, 17) ^ v2;
      v3 = rotate(v3, 21) ^ v0;
      v2 = rotate(v2, 32);
    }
  }

  void absorb(uint64_t word) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }

  uint64_t squeeze() {
    rounds(4);
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

} // namespace

SipValue sipHash(const SipValue &key, const uint8_t *bytes, size_t size) {
  State state(key);
  size_t whole = size / 8 * 8;
  for (size_t i = 0; i < whole; i += 8)
    state.absorb(readWord64(bytes + i));
  // The last word holds the bytes that are left, and the size.
  uint64_t last = uint64_t(size) << 56;
  for (size_t i = whole; i < size; ++i)
    last |= uint64_t(bytes[i]) << 8 * (i - whole);
  state.absorb(last);
  SipValue hash;
  state.v2 ^= 0xee;
  hash.low = state.squeeze();
  state.v1 ^= 0xdd;
  hash.high = state.squeeze();
  return hash;
}

} // namespace sparse_attn::serving
