//===- Crc32c.cpp - A checksum against accidents ---------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/Crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace sparse_attn::mask {

namespace {

constexpr std::array<uint32_t, 256> makeTable() {
  constexpr uint32_t polynomial = 0x82f63b78; // 0x1edc6f41, bits reversed.
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = value >> 1 ^ (value % 2 != 0 ? polynomial : 0);
    table[i] = value;
  }
  return table;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t instructionCrc32c(const uint8_t *bytes, size_t size) {
  uint64_t crc = ~uint32_t(0);
  for (; size >= sizeof(uint64_t); bytes += sizeof(uint64_t), size -= sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, bytes, sizeof(word));
    crc = _mm_crc32_u64(crc, word);
  }
  uint32_t narrow = static_cast<uint32_t>(crc);
  for (; size > 0; ++bytes, --size)
    narrow = _mm_crc32_u8(narrow, *bytes);
  return ~narrow;
}
#endif

} // namespace

uint32_t portableCrc32c(const uint8_t *bytes, size_t size) {
  static constexpr std::array<uint32_t, 256> table = makeTable();
  uint32_t crc = ~uint32_t(0);
  for (size_t i = 0; i < size; ++i)
    crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
  return ~crc;
}

uint32_t crc32c(const uint8_t *bytes, size_t size) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2"))
    return instructionCrc32c(bytes, size);
#endif
  return portableCrc32c(bytes, size);
}

} // namespace sparse_attn::mask
