//===- RoaringFormat.h - Numbers of the portable format -------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// https://github.com/RoaringBitmap/RoaringFormatSpec, all numbers
// little-endian:
//
//   with runs      u32 cookie = runCookie | (containers - 1) << 16
//                  u8 flags[(containers + 7) / 8], bit i: container i is runs
//   without runs   u32 cookie = plainCookie, u32 containers
//   then           {u16 key, u16 cardinality - 1} a container, keys rising
//                  u32 offset a container, from the start; left out with runs
//                  and fewer than offsetThreshold containers
//                  the containers, one behind another:
//     array        u16 values, rising; for at most maxArray values
//     bitset       1024 u64; for more than maxArray values
//     runs         u16 number, then {u16 first, u16 length - 1} a run
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_ROARINGFORMAT_H
#define SPARSE_ATTN_LIB_MASK_ROARINGFORMAT_H

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sparse_attn::mask {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are read and written as they lie in memory");

struct RoaringFormat {
  static constexpr uint32_t plainCookie = 12346;
  static constexpr uint32_t runCookie = 12347;
  static constexpr uint32_t offsetThreshold = 4;
  static constexpr uint32_t maxContainers = uint32_t(1) << 16;
  static constexpr uint32_t containerValues = uint32_t(1) << 16;
  static constexpr uint32_t maxArray = 4096;
  static constexpr size_t bitsetBytes = containerValues / 8;
  static constexpr size_t descriptorBytes = 4;
  static constexpr size_t runBytes = 4;

  static constexpr size_t arrayBytes(uint32_t cardinality) { return size_t(cardinality) * sizeof(uint16_t); }
  static constexpr size_t runsBytes(size_t runs) { return sizeof(uint16_t) + runs * runBytes; }
};

/// A number that need not be aligned.
template <typename Number> Number loadNumber(const uint8_t *bytes) {
  Number number;
  std::memcpy(&number, bytes, sizeof(number));
  return number;
}

template <typename Number> void storeNumber(uint8_t *bytes, Number number) {
  std::memcpy(bytes, &number, sizeof(number));
}

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_ROARINGFORMAT_H
