//===- NumericTypes.h - f16 and bf16 as bits ------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// C++17 has no 16-bit floating-point types. Tools and tests convert through
// these functions, which need no CPU feature. All round to nearest even, keep
// signs, infinities and subnormals, and turn a NaN into a quiet NaN with the
// leading bits of its payload.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_NUMERICTYPES_H
#define SPARSE_ATTN_NUMERICTYPES_H

#include <cstdint>
#include <cstring>

namespace sparse_attn {

inline uint32_t bitsOfFloat(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

inline float floatOfBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

/// bf16 is the upper half of a float.
inline float bf16ToFloat(uint16_t bits) { return floatOfBits(uint32_t(bits) << 16); }

inline uint16_t floatToBf16(float value) {
  uint32_t bits = bitsOfFloat(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return uint16_t((bits >> 16) | 0x40);
  // Half a unit, less one where the last kept bit is even, so that ties go to even.
  return uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/// IEEE binary16: 1 sign, 5 exponent (bias 15), 10 mantissa bits.
inline float f16ToFloat(uint16_t half) {
  uint32_t sign = uint32_t(half & 0x8000) << 16;
  uint32_t exponent = (half >> 10) & 0x1f;
  uint32_t mantissa = half & 0x3ff;
  if (exponent == 31)
    return floatOfBits(sign | 0x7f800000u | (mantissa << 13) | (mantissa != 0 ? 0x400000u : 0));
  if (exponent != 0)
    return floatOfBits(sign | ((exponent + 112) << 23) | (mantissa << 13));
  // Subnormal: mantissa * 2^-24, which a float holds exactly.
  float magnitude = float(mantissa) * floatOfBits(103u << 23);
  return floatOfBits(sign | bitsOfFloat(magnitude));
}

inline uint16_t floatToF16(float value) {
  uint32_t bits = bitsOfFloat(value);
  uint16_t sign = uint16_t((bits >> 16) & 0x8000);
  uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u)
    return uint16_t(sign | 0x7e00 | ((magnitude >> 13) & 0x1ff));
  // 65520 and above round to infinity.
  if (magnitude >= 0x477ff000u)
    return uint16_t(sign | 0x7c00);
  // Below 2^-14 the result counts units of 2^-24. Adding 0.5, whose last bit is 2^-24, rounds to such a unit.
  if (magnitude < 0x38800000u) {
    uint32_t rounded = bitsOfFloat(floatOfBits(magnitude) + 0.5f);
    return uint16_t(sign | (rounded - bitsOfFloat(0.5f)));
  }
  uint32_t rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
  return uint16_t(sign | ((rounded - (112u << 23)) >> 13));
}

} // namespace sparse_attn

#endif // SPARSE_ATTN_NUMERICTYPES_H
