//===- RoaringValidatorTest.cpp - Good and bad Roaring bytes ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/RoaringValidator.h"

#include "mask/RoaringEncoder.h"
#include "mask/RoaringFormat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>

using namespace sparse_attn;
using namespace sparse_attn::mask;

namespace {

using Bytes = std::vector<uint8_t>;

/// Validates a copy of exactly that size, so that a sanitizer sees reads past its end. The content's data are gone
/// then.
Result<RoaringContent> validate(const Bytes &bytes, const RoaringBounds &bounds = {}) {
  std::unique_ptr<uint8_t[]> copy(new uint8_t[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), copy.get());
  return validateRoaring(copy.get(), bytes.size(), bounds);
}

template <typename Number> void append(Bytes &bytes, std::initializer_list<Number> numbers) {
  for (Number number : numbers) {
    bytes.resize(bytes.size() + sizeof(Number));
    storeNumber<Number>(bytes.data() + bytes.size() - sizeof(Number), number);
  }
}

Bytes bytesOf(const RoaringEncoder &encoder) {
  Bytes bytes(encoder.bytes());
  encoder.write(bytes.data());
  return bytes;
}

/// Rows 3 and 7 as arrays: {1, 5, 9} and {65535}.
Bytes twoArrays() {
  Bytes bytes;
  append<uint32_t>(bytes, {12346, 2});
  append<uint16_t>(bytes, {3, 2, 7, 0});
  append<uint32_t>(bytes, {24, 30});
  append<uint16_t>(bytes, {1, 5, 9, 65535});
  return bytes;
}

/// Row 2 as runs: [10, 20] and [22, 22]; row 4 as the array {8}. Too few containers for offsets.
Bytes runsAndArray() {
  Bytes bytes;
  append<uint32_t>(bytes, {12347 | 1 << 16});
  append<uint8_t>(bytes, {1});
  append<uint16_t>(bytes, {2, 11, 4, 0});
  append<uint16_t>(bytes, {2, 10, 10, 22, 0});
  append<uint16_t>(bytes, {8});
  return bytes;
}

/// Row 0 as a bitset: the even keys.
Bytes bitset() {
  Bytes bytes;
  append<uint32_t>(bytes, {12346, 1});
  append<uint16_t>(bytes, {0, 32767});
  append<uint32_t>(bytes, {16});
  bytes.resize(16 + RoaringFormat::bitsetBytes, 0x55);
  return bytes;
}

void addRanges(RoaringEncoder &encoder, uint16_t row, const std::vector<BlockRange> &ranges) {
  encoder.addRow(row, RowPiece{0, ranges.data(), ranges.size(), nullptr, 0});
}

/// `bytes` with the number at `position` replaced.
template <typename Number> Bytes with(Bytes bytes, size_t position, Number number) {
  storeNumber<Number>(bytes.data() + position, number);
  return bytes;
}

TEST(RoaringValidator, GoodBitmapsAreTakenApart) {
  const Bytes bytes = twoArrays();
  Result<RoaringContent> content = validateRoaring(bytes.data(), bytes.size());
  ASSERT_TRUE(content.isOk()) << content.status().message();
  EXPECT_EQ(content->cardinality, 4u);
  ASSERT_EQ(content->containers.size(), 2u);
  EXPECT_EQ(content->containers[1].row, 7);
  EXPECT_EQ(content->containers[1].kind, RoaringContainer::Kind::Array);
  EXPECT_EQ(loadNumber<uint16_t>(content->containers[1].data), 65535);

  content = validate(runsAndArray());
  ASSERT_TRUE(content.isOk()) << content.status().message();
  EXPECT_EQ(content->containers[0].kind, RoaringContainer::Kind::Runs);
  EXPECT_EQ(content->containers[0].runs, 2u);
  EXPECT_EQ(content->containers[0].cardinality, 12u);

  content = validate(bitset());
  ASSERT_TRUE(content.isOk()) << content.status().message();
  EXPECT_EQ(content->containers[0].kind, RoaringContainer::Kind::Bitset);
  EXPECT_TRUE(validate(bytesOf(RoaringEncoder())).isOk());
}

TEST(RoaringValidator, BoundsAreExact) {
  EXPECT_TRUE(validate(twoArrays(), {8, 65536}).isOk());
  EXPECT_EQ(validate(twoArrays(), {7, 65536}).status().message(),
            "roaring bitmap: container 1 (row 7): expects a row below 7, but got 7");
  EXPECT_EQ(validate(twoArrays(), {8, 65535}).status().message(),
            "roaring bitmap: container 1 (row 7): expects keys below 65535, but got 65535");
  EXPECT_EQ(validate(twoArrays(), {1, 65536}).status().message(),
            "roaring bitmap: expects at most 1 containers, but got 2");
  EXPECT_TRUE(validate(runsAndArray(), {5, 23}).isOk());
  EXPECT_EQ(validate(runsAndArray(), {5, 22}).status().message(),
            "roaring bitmap: container 0 (row 2): expects keys below 22, but got 22");
  EXPECT_TRUE(validate(bitset(), {1, 65535}).isOk());
  EXPECT_EQ(validate(bitset(), {1, 65534}).status().message(),
            "roaring bitmap: container 0 (row 0): expects keys below 65534, but got 65534");
  EXPECT_FALSE(validate(bytesOf(RoaringEncoder()), {0, 0}).status().code() != StatusCode::Ok);
}

TEST(RoaringValidator, ErrorsNameTheField) {
  struct Case {
    Bytes bytes;
    const char *message;
  };
  Bytes longer = twoArrays();
  longer.push_back(0);
  Bytes noRuns;
  append<uint32_t>(noRuns, {12347});
  append<uint8_t>(noRuns, {1});
  append<uint16_t>(noRuns, {0, 0, 0});
  const Case cases[] = {
      {{}, "expects a cookie of 4 bytes at offset 0, but got 0"},
      {with<uint32_t>(twoArrays(), 0, 12345), "expects the cookie 12346 or 12347, but got 12345"},
      {with<uint32_t>(twoArrays(), 0, 12346 | 1 << 16), "expects the cookie 12346 or 12347, but got 77882"},
      {with<uint32_t>(twoArrays(), 4, 65537), "expects at most 65536 containers, but got 65537"},
      {with<uint32_t>(twoArrays(), 4, 0xffffffff), "expects at most 65536 containers, but got 4294967295"},
      {with<uint32_t>(twoArrays(), 4, 65536), "expects descriptors of 65536 containers at offset 8, but got 24 bytes"},
      {with<uint16_t>(twoArrays(), 12, 3), "container 1 (row 3): expects a row of at least 4, but got 3"},
      {with<uint32_t>(twoArrays(), 16, 25), "container 0 (row 3): expects offset 24, but got 25"},
      {with<uint32_t>(twoArrays(), 20, 0xffffffff), "container 1 (row 7): expects offset 30, but got 4294967295"},
      {with<uint16_t>(twoArrays(), 10, 1), "container 1 (row 7): expects offset 28, but got 30"},
      {with<uint16_t>(twoArrays(), 14, 1), "expects an array of 4 bytes at offset 30, but got 2"},
      {with<uint16_t>(twoArrays(), 14, 65535), "expects a bitset of 8192 bytes at offset 30, but got 2"},
      {with<uint16_t>(twoArrays(), 26, 1), "container 0 (row 3): expects keys that rise, but got one that does not"},
      {with<uint16_t>(twoArrays(), 28, 2), "container 0 (row 3): expects keys that rise, but got one that does not"},
      {longer, "expects to end after 32 bytes, but got 33"},
      {with<uint8_t>(runsAndArray(), 4, 5), "expects no flag behind container 1, but got one"},
      {with<uint32_t>(runsAndArray(), 0, 12347 | 100 << 16), "expects descriptors of 101 containers at offset 17"},
      {with<uint16_t>(runsAndArray(), 13, 3), "expects runs of 12 bytes at offset 15, but got 10"},
      {with<uint16_t>(runsAndArray(), 13, 9), "expects runs of 36 bytes at offset 15, but got 10"},
      {with<uint16_t>(runsAndArray(), 19, 21),
       "container 0 (row 2): expects run 1 to start at 22 or later, but got 21"},
      {with<uint16_t>(runsAndArray(), 19, 9), "container 0 (row 2): expects run 1 to start at 22 or later, but got 9"},
      {with<uint16_t>(runsAndArray(), 21, 65514), "container 0 (row 2): expects run 1 to end by 65535, but got 65536"},
      {with<uint16_t>(runsAndArray(), 21, 1), "container 0 (row 2): expects 12 keys, but got 13"},
      {with<uint16_t>(runsAndArray(), 7, 12), "container 0 (row 2): expects 13 keys, but got 12"},
      {noRuns, "container 0 (row 0): expects 1 keys, but got 0"},
      {with<uint8_t>(bitset(), 100, 0x54), "container 0 (row 0): expects 32768 keys, but got 32767"},
      {with<uint16_t>(bitset(), 10, 32768), "container 0 (row 0): expects 32769 keys, but got 32768"},
  };
  for (const Case &each : cases) {
    Status status = validate(each.bytes).status();
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
    EXPECT_THAT(status.message(), testing::HasSubstr(each.message));
  }
}

/// Rows in all three forms, with runs and without.
void addMixedRows(RoaringEncoder &encoder, bool withRuns) {
  std::vector<uint16_t> keys;
  for (uint16_t key = 3; key < 300; key += 7)
    keys.push_back(key);
  EXPECT_TRUE(encoder.addRow(0, keys.data(), keys.size()));
  if (withRuns) {
    addRanges(encoder, 5, {{5, 901}, {1000, 1001}, {65000, 65536}});
  }
  for (uint16_t row = 10; row < 13; ++row)
    EXPECT_TRUE(encoder.addRow(row, keys.data(), row));
}

Bytes mixedRows(bool withRuns) {
  RoaringEncoder encoder;
  addMixedRows(encoder, withRuns);
  return bytesOf(encoder);
}

TEST(RoaringValidator, EveryTruncationIsNoticed) {
  for (bool withRuns : {false, true}) {
    const Bytes bytes = mixedRows(withRuns);
    ASSERT_TRUE(validate(bytes).isOk());
    for (size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(validate(Bytes(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size))).isOk()) << size;
  }
}

/// A flipped bit may give another valid bitmap, but nothing that contradicts itself.
TEST(RoaringValidator, WhatPassesIsConsistent) {
  for (bool withRuns : {false, true}) {
    const Bytes bytes = mixedRows(withRuns);
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      Bytes flipped = bytes;
      flipped[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
      Result<RoaringContent> content = validateRoaring(flipped.data(), flipped.size());
      if (!content.isOk())
        continue;
      uint64_t cardinality = 0;
      for (const RoaringContainer &container : content->containers) {
        EXPECT_GE(container.data, flipped.data());
        EXPECT_LT(container.data, flipped.data() + flipped.size());
        cardinality += container.cardinality;
      }
      EXPECT_EQ(cardinality, content->cardinality);
    }
  }
}

TEST(RoaringEncoder, ChoosesTheSmallestForm) {
  std::vector<uint16_t> dense;
  for (uint32_t key = 0; key < 65536; key += 2)
    dense.push_back(static_cast<uint16_t>(key));
  std::vector<BlockRange> pairs;
  for (uint32_t key = 0; key < 8193; key += 3)
    pairs.push_back({key, key + 2});
  RoaringEncoder encoder;
  EXPECT_TRUE(encoder.addRow(0, dense.data(), dense.size()));
  addRanges(encoder, 1, {{0, 65536}});
  addRanges(encoder, 2, {{7, 10}});
  addRanges(encoder, 3, {{7, 9}});
  addRanges(encoder, 4, pairs);
  EXPECT_TRUE(encoder.addRow(5, dense.data(), 4096));
  const Bytes bytes = bytesOf(encoder);
  Result<RoaringContent> content = validateRoaring(bytes.data(), bytes.size());
  ASSERT_TRUE(content.isOk()) << content.status().message();
  std::vector<RoaringContainer::Kind> kinds;
  for (const RoaringContainer &container : content->containers)
    kinds.push_back(container.kind);
  using Kind = RoaringContainer::Kind;
  // Three keys and a run of them take 6 bytes each; a tie goes to the array.
  EXPECT_EQ(kinds, (std::vector<Kind>{Kind::Bitset, Kind::Runs, Kind::Array, Kind::Array, Kind::Bitset, Kind::Array}));
}

/// Rows given as keys and as ranges are the same bytes.
TEST(RoaringEncoder, KeysAndRangesAgree) {
  std::mt19937 generator(23);
  for (int round = 0; round < 200; ++round) {
    std::set<uint16_t> set;
    for (uint32_t i = generator() % 40; i > 0; --i) {
      uint32_t first = generator() % 65536, length = generator() % (round % 2 == 0 ? 4 : 700);
      for (uint32_t key = first; key <= first + length && key < 65536; ++key)
        set.insert(static_cast<uint16_t>(key));
    }
    std::vector<uint16_t> keys(set.begin(), set.end());
    std::vector<BlockRange> ranges;
    for (uint16_t key : keys)
      if (!ranges.empty() && ranges.back().past == key)
        ++ranges.back().past;
      else
        ranges.push_back({key, key + 1u});
    // A part of the keys as they are, the rest as ranges.
    std::vector<BlockRange> someRanges;
    std::vector<uint16_t> someKeys;
    for (BlockRange range : ranges)
      if (generator() % 2 == 0)
        someRanges.push_back(range);
      else
        for (uint32_t key = range.first; key < range.past; ++key)
          someKeys.push_back(static_cast<uint16_t>(key));
    RoaringEncoder fromKeys, fromRanges, fromBoth;
    EXPECT_TRUE(fromKeys.addRow(9, keys.data(), keys.size()));
    addRanges(fromRanges, 9, ranges);
    fromBoth.addRow(9, RowPiece{0, someRanges.data(), someRanges.size(), someKeys.data(), someKeys.size()});
    const Bytes bytes = bytesOf(fromKeys);
    EXPECT_EQ(bytes, bytesOf(fromRanges));
    EXPECT_EQ(bytes, bytesOf(fromBoth));
    Result<RoaringContent> content = validate(bytes);
    ASSERT_TRUE(content.isOk()) << content.status().message();
    EXPECT_EQ(content->cardinality, keys.size());
  }
}

/// Right and wrong guesses of what is to come give the same bytes behind the prefix.
TEST(RoaringEncoder, GuessesChangeNothing) {
  const Bytes prefix = {7, 8, 9};
  for (bool withRuns : {false, true})
    for (bool guessedRuns : {false, true})
      for (size_t guessedRows : {0u, 1u, 4u, 5u, 100u}) {
        RoaringEncoder encoder(prefix, guessedRows, guessedRuns);
        addMixedRows(encoder, withRuns);
        Bytes expected = prefix;
        const Bytes bitmap = bytesOf(encoder);
        expected.insert(expected.end(), bitmap.begin(), bitmap.end());
        EXPECT_EQ(std::move(encoder).finish(), expected) << guessedRows << guessedRuns;
      }
}

TEST(RoaringEncoder, RowsThatDoNotRiseAreRefused) {
  std::vector<uint16_t> keys;
  for (uint16_t key = 0; key < 3000; ++key)
    keys.push_back(key);
  for (size_t at : {1u, 2u, 1024u, 1025u, 2999u}) {
    std::vector<uint16_t> bad = keys;
    bad[at] = bad[at - 1];
    RoaringEncoder encoder;
    EXPECT_FALSE(encoder.addRow(0, bad.data(), bad.size())) << at;
    EXPECT_EQ(encoder.size(), 0u);
    EXPECT_EQ(encoder.cardinality(), 0u);
  }
}

} // namespace
