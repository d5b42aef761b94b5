//===- NumericTypesTest.cpp - Conversions of 16-bit floats ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/NumericTypes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

using namespace sparse_attn;

namespace {

/// The representable value nearest to `value`, ties to the even code, by search among all codes.
template <typename ToFloat> uint16_t nearest(float value, uint16_t infinity, const ToFloat &toFloat) {
  uint16_t low = 0, high = infinity;
  double magnitude = std::fabs(value);
  // Infinity stands for the next power of two here.
  auto number = [&](uint16_t code) {
    return code == infinity ? 2.0 * toFloat(uint16_t(infinity - 1)) - toFloat(uint16_t(infinity - 2)) + 0.0
                            : double(toFloat(code));
  };
  while (high - low > 1) {
    uint16_t middle = uint16_t((low + high) / 2);
    (number(middle) <= magnitude ? low : high) = middle;
  }
  double below = magnitude - number(low), above = number(high) - magnitude;
  uint16_t code = below < above || (below == above && low % 2 == 0) ? low : high;
  if (magnitude >= number(infinity))
    code = infinity;
  return std::signbit(value) ? uint16_t(code | 0x8000) : code;
}

TEST(NumericTypes, EveryCodeRoundTrips) {
  for (uint32_t code = 0; code < 0x10000; ++code) {
    uint16_t bits = uint16_t(code);
    float half = f16ToFloat(bits), brain = bf16ToFloat(bits);
    if ((bits & 0x7c00) == 0x7c00 && (bits & 0x3ff) != 0) {
      EXPECT_TRUE(std::isnan(half));
      EXPECT_EQ(floatToF16(half), bits | 0x200);
    } else {
      EXPECT_EQ(floatToF16(half), bits);
    }
    if ((bits & 0x7f80) == 0x7f80 && (bits & 0x7f) != 0) {
      EXPECT_TRUE(std::isnan(brain));
      EXPECT_EQ(floatToBf16(brain), bits | 0x40);
    } else {
      EXPECT_EQ(floatToBf16(brain), bits);
    }
  }
  EXPECT_EQ(f16ToFloat(0x3c00), 1.0f);
  EXPECT_EQ(f16ToFloat(0x0001), std::ldexp(1.0f, -24));
  EXPECT_EQ(f16ToFloat(0x7bff), 65504.0f);
  EXPECT_EQ(bf16ToFloat(0x3f80), 1.0f);
}

TEST(NumericTypes, RoundsToNearestEven) {
  std::mt19937 generator(3);
  for (int i = 0; i < 500000; ++i) {
    float value = floatOfBits(static_cast<uint32_t>(generator()));
    if (std::isnan(value))
      continue;
    ASSERT_EQ(floatToF16(value), nearest(value, 0x7c00, f16ToFloat)) << value;
    ASSERT_EQ(floatToBf16(value), nearest(value, 0x7f80, bf16ToFloat)) << value;
  }
  // Halfway between every two neighbours, and one float beside it.
  for (uint16_t code = 0; code < 0x7bff; ++code) {
    float middle = (f16ToFloat(code) + f16ToFloat(uint16_t(code + 1))) / 2;
    ASSERT_EQ(floatToF16(middle), code + code % 2);
    ASSERT_EQ(floatToF16(std::nextafter(middle, 0.0f)), code);
    ASSERT_EQ(floatToF16(std::nextafter(middle, 1e9f)), code + 1);
  }
  EXPECT_EQ(floatToF16(65519.996f), 0x7bff);
  EXPECT_EQ(floatToF16(65520.0f), 0x7c00);
  EXPECT_EQ(floatToF16(-1e30f), 0xfc00);
  EXPECT_EQ(floatToF16(std::numeric_limits<float>::denorm_min()), 0);
  EXPECT_EQ(floatToBf16(std::numeric_limits<float>::max()), 0x7f80);
}

} // namespace
