//===- RoaringBitmapTest.cpp - Roaring bitmaps against sorted sets ---------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/RoaringBitmap.h"

#include "mask/RoaringEncoder.h"
#include "mask/RoaringValidator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <random>
#include <set>

using namespace sparse_attn;
using mask::RoaringEncoder;

namespace {

/// What a bitmap is compared with: the values, rising.
using Values = std::vector<uint32_t>;

Values valuesOf(const RoaringBitmap &bitmap) {
  Values values(bitmap.cardinality());
  bitmap.copyValues(values.data());
  return values;
}

RoaringBitmap fromRanges(const std::vector<ValueRange> &ranges) {
  Result<RoaringBitmap> bitmap = RoaringBitmap::fromRanges(ranges.data(), ranges.size());
  EXPECT_TRUE(bitmap.isOk()) << bitmap.status().message();
  return bitmap.isOk() ? *bitmap : RoaringBitmap();
}

RoaringBitmap fromValues(const Values &values) { return RoaringBitmap::fromValues(values.data(), values.size()); }

/// Writes and reads back, from memory of exactly the right size, so that a sanitizer sees reads past its end.
RoaringBitmap roundTrip(const RoaringBitmap &bitmap) {
  std::vector<uint8_t> bytes = {1, 2, 3};
  Status status = bitmap.serialize(bytes);
  EXPECT_TRUE(status.isOk()) << status.message();
  EXPECT_EQ(bytes.size(), 3 + bitmap.serializedBytes());
  std::unique_ptr<uint8_t[]> exact(new uint8_t[bytes.size() - 3]);
  std::memcpy(exact.get(), bytes.data() + 3, bytes.size() - 3);
  Result<RoaringBitmap> result = RoaringBitmap::deserialize(exact.get(), bytes.size() - 3);
  EXPECT_TRUE(result.isOk()) << result.status().message();
  return result.isOk() ? *result : RoaringBitmap();
}

/// `count` different values below `bound`, rising.
Values scattered(std::mt19937 &generator, size_t count, uint32_t bound) {
  std::set<uint32_t> values;
  while (values.size() < count)
    values.insert(generator() % bound);
  return Values(values.begin(), values.end());
}

Values rangeValues(uint64_t begin, uint64_t end) {
  Values values;
  for (uint64_t value = begin; value < end; ++value)
    values.push_back(static_cast<uint32_t>(value));
  return values;
}

Values unionOf(const Values &a, const Values &b) {
  Values result;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(result));
  return result;
}

Values intersectionOf(const Values &a, const Values &b) {
  Values result;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(result));
  return result;
}

Values differenceOf(const Values &a, const Values &b) {
  Values result;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(result));
  return result;
}

TEST(RoaringBitmap, EmptySet) {
  RoaringBitmap empty;
  EXPECT_TRUE(empty.isEmpty());
  EXPECT_EQ(empty.cardinality(), 0u);
  EXPECT_EQ(roundTrip(empty), empty);
  EXPECT_EQ(fromRanges({}), empty);
  EXPECT_EQ(fromRanges({{5, 5}, {9, 3}}), empty);
  EXPECT_EQ(fromValues({}), empty);
  std::vector<uint16_t> row;
  empty.appendRow(0, row);
  EXPECT_TRUE(row.empty());
}

TEST(RoaringBitmap, OwnsItsContent) {
  RoaringBitmap bitmap = fromValues({7, 1, 7, 0xffffffff});
  RoaringBitmap copy = bitmap;
  copy.unite(fromValues({2}));
  EXPECT_EQ(valuesOf(bitmap), (Values{1, 7, 0xffffffff}));
  EXPECT_EQ(valuesOf(copy), (Values{1, 2, 7, 0xffffffff}));
  RoaringBitmap moved = std::move(copy);
  bitmap = moved;
  EXPECT_EQ(bitmap, moved);
  EXPECT_TRUE(bitmap.contains(0xffffffff));
  EXPECT_FALSE(bitmap.contains(0xfffffffe));
}

TEST(RoaringBitmap, CombinesWithItself) {
  RoaringBitmap bitmap = fromRanges({{10, 5000}, {70000, 70001}});
  const RoaringBitmap before = bitmap;
  bitmap.unite(bitmap);
  EXPECT_EQ(bitmap, before);
  bitmap.intersect(bitmap);
  EXPECT_EQ(bitmap, before);
  bitmap.subtract(bitmap);
  EXPECT_TRUE(bitmap.isEmpty());
}

TEST(RoaringBitmap, RangesAreCutIntoContainers) {
  const std::vector<std::vector<ValueRange>> cases = {
      {{0, 1}},
      {{65535, 65537}},
      {{0, 65536}, {65536, 65537}},
      {{100, 200000}},
      {{3, 5}, {5, 9}, {9, 9}, {10, 70000}, {140000, 140001}},
      {{(uint64_t(1) << 32) - 70000, uint64_t(1) << 32}},
  };
  for (const std::vector<ValueRange> &ranges : cases) {
    Values expected;
    for (ValueRange range : ranges)
      expected = unionOf(expected, rangeValues(range.begin, range.end));
    EXPECT_EQ(valuesOf(fromRanges(ranges)), expected);
    EXPECT_EQ(valuesOf(roundTrip(fromRanges(ranges))), expected);
  }
  EXPECT_EQ(fromRanges({{0, uint64_t(1) << 32}}).cardinality(), uint64_t(1) << 32);
}

TEST(RoaringBitmap, BadRangesAreRefused) {
  const ValueRange falling[] = {{10, 20}, {19, 30}};
  EXPECT_EQ(RoaringBitmap::fromRanges(falling, 2).status().message(),
            "expects range 1 within [20, 4294967296), but got [19, 30)");
  const ValueRange large[] = {{10, (uint64_t(1) << 32) + 1}};
  EXPECT_EQ(RoaringBitmap::fromRanges(large, 1).status().message(),
            "expects range 0 within [0, 4294967296), but got [10, 4294967297)");
}

TEST(RoaringBitmap, RowsOfASlab) {
  const uint16_t keys[] = {0, 9, 65535, 4, 5};
  RoaringEncoder encoder;
  EXPECT_TRUE(encoder.addRow(0, keys, 3));
  EXPECT_TRUE(encoder.addRow(1, keys, 0));
  EXPECT_TRUE(encoder.addRow(2, keys + 3, 2));
  RoaringBitmap bitmap = RoaringBitmap::fromEncoded(encoder);
  EXPECT_EQ(valuesOf(bitmap), (Values{0, 9, 65535, 2 << 16 | 4, 2 << 16 | 5}));
  std::vector<uint16_t> row = {1};
  bitmap.appendRow(0, row);
  EXPECT_EQ(row, (std::vector<uint16_t>{1, 0, 9, 65535}));
  row.clear();
  bitmap.appendRow(1, row);
  EXPECT_TRUE(row.empty());
  bitmap.appendRow(2, row);
  EXPECT_EQ(row, (std::vector<uint16_t>{4, 5}));
}

/// A range, scattered values, then another range: this order makes CRoaring 0.2.66 write another set than it holds, if
/// the ranges are added to the bitmap in place.
TEST(RoaringBitmap, RangesAroundScatteredValuesAreNotCorrupted) {
  std::mt19937 generator(3);
  for (size_t count : {2000, 2048, 2100, 3000, 3500, 4000, 4096}) {
    const Values random = scattered(generator, count, 65536);
    RoaringBitmap bitmap = fromRanges({{0, 64}});
    bitmap.unite(fromValues(random));
    bitmap.unite(fromRanges({{60000, 60032}}));
    Values expected = unionOf(unionOf(rangeValues(0, 64), random), rangeValues(60000, 60032));
    EXPECT_EQ(valuesOf(bitmap), expected) << count;
    EXPECT_EQ(valuesOf(roundTrip(bitmap)), expected) << count;

    bitmap.subtract(fromRanges({{20000, 20100}}));
    expected = differenceOf(expected, rangeValues(20000, 20100));
    EXPECT_EQ(valuesOf(roundTrip(bitmap)), expected) << count;
    bitmap.optimize();
    EXPECT_EQ(valuesOf(roundTrip(bitmap)), expected) << count;
  }
}

/// What 0.2.66 then writes: the descriptor of an array, and a bitset.
TEST(RoaringBitmap, WhatTheCorruptionWritesIsRefused) {
  std::mt19937 generator(4);
  const Values random = scattered(generator, 3000, 65536);
  std::vector<uint8_t> bytes(16 + 8192);
  const uint32_t header[] = {12346, 1, (3000u - 1) << 16, 16};
  std::memcpy(bytes.data(), header, sizeof(header));
  for (uint32_t value : random)
    bytes[16 + value / 8] |= static_cast<uint8_t>(1u << value % 8);
  EXPECT_EQ(RoaringBitmap::deserialize(bytes.data(), bytes.size()).status().code(), StatusCode::InvalidArgument);
}

/// Random rows in all three forms, whole containers included.
Values randomSet(std::mt19937 &generator) {
  Values values;
  for (uint32_t row = 0; row < 5; ++row) {
    uint32_t base = row << 16;
    switch (generator() % 6) {
    case 0:
      break;
    case 1:
      for (uint32_t value : scattered(generator, 1 + generator() % 300, 65536))
        values.push_back(base + value);
      break;
    case 2: // about 2000 to 6600 short runs
      for (uint32_t value = 0, gap = 10 + generator() % 22; value < 65536; value += 1 + generator() % gap)
        values.push_back(base + value);
      break;
    case 3:
      for (uint32_t begin = 0; begin < 65000;) {
        uint32_t length = generator() % 500;
        for (uint32_t i = 0; i < length && begin + i < 65536; ++i)
          values.push_back(base + begin + i);
        begin += length + 1 + generator() % 9000;
      }
      break;
    case 4:
      for (uint32_t value = 0; value < 65536; ++value)
        values.push_back(base + value);
      break;
    case 5:
      for (uint32_t value = generator() % 2; value < 65536; value += 1 + generator() % 2)
        values.push_back(base + value);
      break;
    }
  }
  return values;
}

/// The same set made in one of several ways.
RoaringBitmap make(std::mt19937 &generator, const Values &values) {
  if (generator() % 3 == 0)
    return fromValues(values);
  std::vector<ValueRange> ranges;
  for (uint32_t value : values)
    if (!ranges.empty() && ranges.back().end == value)
      ++ranges.back().end;
    else
      ranges.push_back({value, uint64_t(value) + 1});
  if (generator() % 2 == 0)
    return fromRanges(ranges);
  RoaringEncoder encoder;
  for (uint32_t row = 0; row < 5; ++row) {
    std::vector<uint16_t> keys;
    for (uint32_t value : values)
      if (value >> 16 == row)
        keys.push_back(static_cast<uint16_t>(value));
    EXPECT_TRUE(encoder.addRow(static_cast<uint16_t>(row), keys.data(), keys.size()));
  }
  EXPECT_EQ(encoder.cardinality(), values.size());
  return RoaringBitmap::fromEncoded(encoder);
}

TEST(RoaringBitmap, AlgebraMatchesSortedSets) {
  std::mt19937 generator(17);
  for (int round = 0; round < 30; ++round) {
    Values expected = randomSet(generator);
    RoaringBitmap bitmap = make(generator, expected);
    ASSERT_EQ(valuesOf(bitmap), expected);
    for (int step = 0; step < 6; ++step) {
      const Values values = randomSet(generator);
      const RoaringBitmap other = make(generator, values);
      ASSERT_EQ(bitmap.intersectionCount(other), intersectionOf(expected, values).size());
      switch (generator() % 7) {
      case 0:
        bitmap.unite(other);
        expected = unionOf(expected, values);
        break;
      case 1:
        bitmap.intersect(other);
        expected = intersectionOf(expected, values);
        break;
      case 2:
        bitmap.subtract(other);
        expected = differenceOf(expected, values);
        break;
      case 3:
        bitmap = bitmap.unionWith(other);
        expected = unionOf(expected, values);
        break;
      case 4:
        bitmap = other.differenceWith(bitmap);
        expected = differenceOf(values, expected);
        break;
      case 5:
        bitmap = bitmap.intersectionWith(other);
        expected = intersectionOf(expected, values);
        break;
      case 6:
        bitmap.optimize();
        break;
      }
      ASSERT_EQ(valuesOf(bitmap), expected) << "round " << round << " step " << step;
      ASSERT_EQ(valuesOf(roundTrip(bitmap)), expected) << "round " << round << " step " << step;
    }
    Values rows;
    for (uint32_t row = 0; row < 6; ++row) {
      std::vector<uint16_t> keys;
      bitmap.appendRow(static_cast<uint16_t>(row), keys);
      for (uint16_t key : keys)
        rows.push_back(row << 16 | key);
    }
    ASSERT_EQ(rows, expected) << "round " << round;
  }
}

} // namespace
