//===- MaskFileTest.cpp - Masks in files, good and bad ---------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/MaskFile.h"

#include "mask/Crc32c.h"
#include "mask/MaskFileFormat.h"
#include "mask/RoaringEncoder.h"
#include "sparse_attn/BlockMaskBuilder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <sstream>
#include <sys/resource.h>

using namespace sparse_attn;
using namespace sparse_attn::mask;

namespace {

using Bytes = std::vector<uint8_t>;

Bytes save(const BlockMask &mask) {
  Bytes bytes;
  Status status = saveMask(mask, bytes);
  EXPECT_TRUE(status.isOk()) << status.message();
  return bytes;
}

/// Loads a copy of exactly that size, so that a sanitizer sees reads past its end.
Result<BlockMask> load(const Bytes &bytes, const MaskLoadOptions &options = {}) {
  std::unique_ptr<uint8_t[]> copy(new uint8_t[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), copy.get());
  return loadMask(copy.get(), bytes.size(), options);
}

template <typename Part> Part partAt(const Bytes &bytes, size_t offset) {
  Part part;
  std::memcpy(&part, bytes.data() + offset, sizeof(part));
  return part;
}

/// A change of one part of a file.
template <typename Part> using Edit = std::function<void(Part &)>;

template <typename Part> void editAt(Bytes &bytes, size_t offset, const Edit<Part> &edit) {
  Part part = partAt<Part>(bytes, offset);
  edit(part);
  std::memcpy(bytes.data() + offset, &part, sizeof(part));
}

/// Makes the checksums fit the content again, as somebody who crafts a file would.
void sealHeader(Bytes &bytes) {
  editAt<MaskFileHeader>(bytes, 0, [](MaskFileHeader &header) { header.headerChecksum = header.computeChecksum(); });
}
void seal(Bytes &bytes) {
  editAt<MaskFileHeader>(bytes, 0, [&](MaskFileHeader &header) {
    header.payloadChecksum = crc32c(bytes.data() + sizeof(header), bytes.size() - sizeof(header));
  });
  sealHeader(bytes);
}

/// A window, two global columns, and some single blocks: two terms and one slab.
BlockMask smallMask() {
  BlockMaskBuilder builder({40, 50, 16, 32});
  EXPECT_TRUE(builder.addWindow(2, 1).isOk());
  EXPECT_TRUE(builder.addPrefix(2).isOk());
  EXPECT_TRUE(builder.addAttention(7, {20, 30, 31, 32, 33, 34, 35, 49}).isOk());
  EXPECT_TRUE(builder.addAttention(39, {25}).isOk());
  FreezeOptions options;
  options.representation = Representation::TermsAndRows;
  Result<BlockMask> mask = builder.freeze(options);
  EXPECT_TRUE(mask.isOk()) << mask.status().message();
  return *mask;
}

/// The places of the parts of that mask's file.
constexpr size_t termsOffset = sizeof(MaskFileHeader);
size_t recordsOffset(const Bytes &bytes) {
  return termsOffset + partAt<MaskFileHeader>(bytes, 0).termCount * sizeof(BandTerm);
}

BlockMask randomMask(std::mt19937 &generator, const BlockGrid &grid, const FreezeOptions &options) {
  BlockMaskBuilder builder(grid);
  auto below = [&](uint32_t bound) { return static_cast<uint32_t>(generator() % bound); };
  for (uint32_t i = below(4); i > 0; --i)
    EXPECT_TRUE(builder.addWindow(below(5), below(5), {below(grid.queryBlocks), grid.queryBlocks}).isOk());
  if (below(3) == 0) {
    EXPECT_TRUE(builder.addTerm({0, grid.queryBlocks, 0, grid.keyBlocks, -40, 40, 1 + below(6), 0}).isOk());
  }
  for (uint32_t i = below(30); i > 0; --i) {
    uint32_t first = below(grid.keyBlocks);
    uint32_t past = std::min(grid.keyBlocks, first + below(i % 3 == 0 ? grid.keyBlocks : 12));
    EXPECT_TRUE(builder.addRange(below(grid.queryBlocks), first, std::max(first, past)).isOk());
  }
  for (uint32_t i = below(200); i > 0; --i)
    EXPECT_TRUE(builder.addAttention(below(grid.queryBlocks), {below(grid.keyBlocks)}).isOk());
  Result<BlockMask> mask = builder.freeze(options);
  EXPECT_TRUE(mask.isOk()) << mask.status().message();
  return mask.isOk() ? *mask : BlockMask();
}

constexpr Representation representations[] = {Representation::Automatic, Representation::TermsAndRows,
                                              Representation::PackedBits, Representation::Roaring};

TEST(Crc32c, MatchesTheStandard) {
  const char *digits = "123456789";
  EXPECT_EQ(crc32c(reinterpret_cast<const uint8_t *>(digits), 9), 0xe3069283u);
  EXPECT_EQ(crc32c(nullptr, 0), 0u);
  // RFC 3720, appendix B.4.
  EXPECT_EQ(crc32c(Bytes(32, 0).data(), 32), 0x8a9136aau);
  EXPECT_EQ(crc32c(Bytes(32, 0xff).data(), 32), 0x62a8ab43u);
}

TEST(Crc32c, TableAndInstructionAgree) {
  std::mt19937 generator(2);
  Bytes bytes(300);
  for (uint8_t &byte : bytes)
    byte = static_cast<uint8_t>(generator());
  for (size_t size = 0; size < 200; ++size)
    EXPECT_EQ(crc32c(bytes.data() + size % 9, size), portableCrc32c(bytes.data() + size % 9, size)) << size;
}

TEST(MaskFile, EveryRepresentationComesBack) {
  std::mt19937 generator(31);
  const BlockGrid grids[] = {{1, 1, 1, 1},      {40, 50, 16, 32},   {300, 7, 64, 128},
                             {7, 70000, 1, 16}, {66000, 9, 16, 16}, {65546, 65550, 65536, 1}};
  for (const BlockGrid &grid : grids)
    for (Representation from : representations) {
      FreezeOptions options;
      options.representation = from;
      bool tooLarge = uint64_t(grid.queryBlocks) * grid.keyBlocks > (uint64_t(1) << 30);
      if (from == Representation::PackedBits && tooLarge)
        continue;
      BlockMask mask = randomMask(generator, grid, options);
      const Bytes bytes = save(mask);
      for (Representation to : representations) {
        if (to == Representation::PackedBits && tooLarge)
          continue;
        MaskLoadOptions loading;
        loading.freeze.representation = to;
        Result<BlockMask> loaded = load(bytes, loading);
        ASSERT_TRUE(loaded.isOk()) << loaded.status().message();
        EXPECT_EQ(*loaded, mask);
        EXPECT_EQ(loaded->grid(), grid);
        EXPECT_EQ(loaded->contentHash(), mask.contentHash());
        if (to != Representation::Automatic) {
          EXPECT_EQ(loaded->stats().representation, to);
        }
      }
    }
}

TEST(MaskFile, SavingAgainGivesTheSameBytes) {
  std::mt19937 generator(32);
  MaskLoadOptions loading;
  loading.freeze.representation = Representation::TermsAndRows;
  for (int round = 0; round < 50; ++round) {
    BlockMask mask = randomMask(generator, {200, 300, 16, 16}, loading.freeze);
    const Bytes bytes = save(mask);
    Result<BlockMask> loaded = load(bytes, loading);
    ASSERT_TRUE(loaded.isOk()) << loaded.status().message();
    EXPECT_EQ(loaded->terms(), mask.terms());
    EXPECT_EQ(save(*loaded), bytes);
  }
}

TEST(MaskFile, MasksWithoutPairs) {
  const BlockGrid grids[] = {
      {0, 0, 1, 1}, {0, 9, 1, 1}, {9, 0, 1, 1}, {BlockGrid::maxBlocks, BlockGrid::maxBlocks, 16, 16}};
  for (const BlockGrid &grid : grids) {
    Result<BlockMask> mask = BlockMask::fromTerms(grid, {});
    ASSERT_TRUE(mask.isOk()) << mask.status().message();
    const Bytes bytes = save(*mask);
    EXPECT_EQ(bytes.size(), sizeof(MaskFileHeader));
    Result<BlockMask> loaded = load(bytes);
    ASSERT_TRUE(loaded.isOk()) << loaded.status().message();
    EXPECT_EQ(*loaded, *mask);
  }
}

TEST(MaskFile, TheLargestGridIsNoTrouble) {
  const BlockGrid grid = {BlockGrid::maxBlocks, BlockGrid::maxBlocks, 16, 16};
  BlockMaskBuilder builder(grid);
  ASSERT_TRUE(builder.addWindow(8, 8).isOk());
  ASSERT_TRUE(builder.addAttention(BlockGrid::maxBlocks - 1, {0, BlockGrid::maxBlocks - 1}).isOk());
  ASSERT_TRUE(builder.addAttention(70000, {0, 65535, 65536}).isOk());
  Result<BlockMask> mask = builder.freeze();
  ASSERT_TRUE(mask.isOk()) << mask.status().message();
  const Bytes bytes = save(*mask);
  EXPECT_LT(bytes.size(), 400u);
  Result<BlockMask> loaded = load(bytes);
  ASSERT_TRUE(loaded.isOk()) << loaded.status().message();
  EXPECT_EQ(loaded->count(), mask->count());
  EXPECT_EQ(loaded->activeBlocks(70000), mask->activeBlocks(70000));
}

TEST(MaskFile, BufferIsAppendedTo) {
  const Bytes file = save(smallMask());
  Bytes bytes = {1, 2, 3};
  ASSERT_TRUE(saveMask(smallMask(), bytes).isOk());
  EXPECT_EQ(Bytes(bytes.begin() + 3, bytes.end()), file);
}

TEST(MaskFile, EveryTruncationIsNoticed) {
  const Bytes bytes = save(smallMask());
  ASSERT_TRUE(load(bytes).isOk());
  for (size_t size = 0; size < bytes.size(); ++size) {
    Bytes shorter(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_EQ(load(shorter).status().code(), StatusCode::InvalidArgument) << size;
    std::istringstream stream(std::string(shorter.begin(), shorter.end()));
    EXPECT_EQ(loadMask(stream).status().code(), StatusCode::InvalidArgument) << size;
    if (size < sizeof(MaskFileHeader))
      continue;
    // A header that says so does not help.
    editAt<MaskFileHeader>(shorter, 0, [&](MaskFileHeader &h) { h.payloadBytes = size - sizeof(MaskFileHeader); });
    seal(shorter);
    EXPECT_EQ(load(shorter).status().code(), StatusCode::InvalidArgument) << size;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_THAT(load(longer).status().message(), testing::HasSubstr("payloadBytes: expects"));
}

TEST(MaskFile, EveryFlippedBitIsNoticed) {
  const Bytes bytes = save(smallMask());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes flipped = bytes;
    flipped[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    Status status = load(flipped).status();
    EXPECT_FALSE(status.isOk()) << bit;
    EXPECT_FALSE(status.message().empty());
  }
}

/// With checksums that fit, a flipped bit may give another mask, but a good one: of the size it claims, and one that
/// can be used.
TEST(MaskFile, FlippedBitsUnderAGoodChecksumAreHarmless) {
  const Bytes bytes = save(smallMask());
  size_t accepted = 0;
  for (size_t bit = 0; bit < (bytes.size() - 8) * 8; ++bit) {
    Bytes flipped = bytes;
    flipped[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    seal(flipped);
    Result<BlockMask> mask = load(flipped);
    if (!mask.isOk())
      continue;
    ++accepted;
    uint64_t count = 0;
    for (uint32_t q = 0; q < std::min(mask->grid().queryBlocks, 100u); ++q)
      count += mask->activeBlocks(q).size();
    EXPECT_LE(count, mask->count());
    EXPECT_EQ(*load(save(*mask)), *mask);
  }
  EXPECT_GT(accepted, 0u);
}

TEST(MaskFile, HeaderFieldsAreChecked) {
  const Bytes good = save(smallMask());
  const MaskFileHeader header = partAt<MaskFileHeader>(good, 0);
  struct Case {
    Edit<MaskFileHeader> edit;
    const char *message;
    StatusCode code = StatusCode::InvalidArgument;
  };
  const Case cases[] = {
      {[](auto &h) { h.magic[7] = 'Q'; },
       "magic: expects a mask file, which starts with SPRSMASK, but got other bytes"},
      {[](auto &h) { h.version = 2; }, "version: expects 1, but got 2", StatusCode::VersionMismatch},
      {[](auto &h) { h.version = 0; }, "version: expects 1, but got 0", StatusCode::VersionMismatch},
      {[](auto &h) { h.reserved = 7; }, "reserved: expects 0, but got 7"},
      {[](auto &h) { h.queryBlocks = BlockGrid::maxBlocks + 1; }, "grid: expects a grid of at most 67108864 blocks"},
      {[](auto &h) { h.keyBlocks = UINT32_MAX; }, "grid: expects a grid of at most 67108864 blocks"},
      {[](auto &h) { h.queryBlockSize = 0; }, "grid: expects"},
      {[](auto &h) { h.keyBlockSize = 65537; }, "grid: expects"},
      {[](auto &h) { h.pairs = 2001; }, "pairs: expects at most 40 x 50, but got 2001"},
      {[](auto &h) { h.pairs = UINT64_MAX; }, "pairs: expects at most 40 x 50, but got 18446744073709551615"},
      {[](auto &h) { --h.pairs; }, "pairs: expects"},
      {[](auto &h) { h.termCount = 65537; }, "termCount: expects at most 65536, but got 65537"},
      {[](auto &h) { h.termCount = 60000; }, "payloadBytes: expects at least 2400024 for 60000 terms and 1 slabs"},
      {[](auto &h) { --h.termCount; }, "slab 0: keyFirst: expects a multiple of 65536 below 50, but got 40"},
      {[](auto &h) { ++h.termCount; }, "payloadBytes: expects at least 144 for 3 terms and 1 slabs, but got 133"},
      {[](auto &h) { h.slabCount = 2; }, "slabCount: expects at most 1, but got 2"},
      {[](auto &h) { h.slabCount = UINT32_MAX; }, "slabCount: expects at most 1, but got 4294967295"},
      {[](auto &h) { h.slabCount = 0; }, "payloadBytes: expects"},
      {[](auto &h) { --h.payloadBytes; }, "payloadBytes: expects"},
      {[](auto &h) { h.payloadBytes = UINT64_MAX; }, "payloadBytes: expects at most 4294967296 with the header"},
      {[](auto &h) { h.payloadBytes = 0; }, "payloadBytes: expects at least 104 for 2 terms and 1 slabs, but got 0"},
      {[](auto &h) { ++h.payloadChecksum; }, "payloadChecksum: expects"},
      {[](auto &h) { h.queryBlocks = 39; }, "expects"},
      {[](auto &h) { h.keyBlocks = 49; }, "expects"},
  };
  ASSERT_EQ(header.termCount, 2u);
  ASSERT_EQ(header.slabCount, 1u);
  for (const Case &each : cases) {
    Bytes bytes = good;
    editAt(bytes, 0, each.edit);
    sealHeader(bytes);
    Status status = load(bytes).status();
    EXPECT_EQ(status.code(), each.code) << each.message;
    EXPECT_THAT(status.message(), testing::HasSubstr(each.message));
    std::istringstream stream(std::string(bytes.begin(), bytes.end()));
    EXPECT_FALSE(loadMask(stream).isOk()) << each.message;
  }
  Bytes bytes = good;
  editAt<MaskFileHeader>(bytes, 0, [](MaskFileHeader &h) { ++h.headerChecksum; });
  EXPECT_THAT(load(bytes).status().message(), testing::HasSubstr("headerChecksum: expects"));
  // Where the header is wrong, nothing but the checksum has to be blamed.
  bytes = good;
  editAt<MaskFileHeader>(bytes, 0, [](MaskFileHeader &h) { h.keyBlocks = 51; });
  EXPECT_THAT(load(bytes).status().message(), testing::HasSubstr("headerChecksum: expects"));
}

TEST(MaskFile, TermsAreChecked) {
  const Bytes good = save(smallMask());
  struct Case {
    Edit<BandTerm> edit;
    const char *message;
  };
  const Case cases[] = {
      {[](auto &t) { t.queryPast = 41; }, "term 1: expects"},
      {[](auto &t) { t.keyPast = UINT32_MAX; }, "term 1: expects"},
      {[](auto &t) { t.lowest = -BandTerm::unbounded - 1; }, "term 1: expects"},
      {[](auto &t) { t.highest = INT64_MAX; }, "term 1: expects"},
      {[](auto &t) { t.lowest = INT64_MIN; }, "term 1: expects"},
      {[](auto &t) { t.step = 0; }, "term 1: expects"},
      {[](auto &t) { t.phase = 1; }, "term 1: expects"},
  };
  for (const Case &each : cases) {
    Bytes bytes = good;
    editAt(bytes, termsOffset + sizeof(BandTerm), each.edit);
    seal(bytes);
    Status status = load(bytes).status();
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
    EXPECT_THAT(status.message(), testing::HasSubstr(each.message));
  }
}

TEST(MaskFile, SlabRecordsAreChecked) {
  const Bytes good = save(smallMask());
  struct Case {
    Edit<SlabRecord> edit;
    const char *message;
  };
  const Case cases[] = {
      {[](auto &r) { r.queryFirst = 65536; },
       "slab 0: queryFirst: expects a multiple of 65536 below 40, but got 65536"},
      {[](auto &r) { r.queryFirst = 1; }, "slab 0: queryFirst: expects a multiple of 65536 below 40, but got 1"},
      {[](auto &r) { r.keyFirst = 3; }, "slab 0: keyFirst: expects a multiple of 65536 below 50, but got 3"},
      {[](auto &r) { ++r.offset; }, "slab 0: offset: expects 168, but got 169"},
      {[](auto &r) { r.offset = UINT64_MAX; }, "slab 0: offset: expects 168, but got 18446744073709551615"},
      {[](auto &r) { ++r.bytes; }, "slab 0: bytes: expects at most"},
      {[](auto &r) { r.bytes = UINT64_MAX; }, "slab 0: bytes: expects at most"},
      {[](auto &r) { --r.bytes; }, "slab 0: roaring bitmap: "},
      {[](auto &r) { r.bytes = 0; }, "slab 0: roaring bitmap: expects a cookie"},
  };
  for (const Case &each : cases) {
    Bytes bytes = good;
    editAt(bytes, recordsOffset(bytes), each.edit);
    seal(bytes);
    Status status = load(bytes).status();
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
    EXPECT_THAT(status.message(), testing::HasSubstr(each.message));
  }
}

template <typename Part> void append(Bytes &bytes, const Part &part) {
  const uint8_t *raw = reinterpret_cast<const uint8_t *>(&part);
  bytes.insert(bytes.end(), raw, raw + sizeof(part));
}

using PlacedSlab = std::pair<SlabRecord, RoaringEncoder>; ///< Of the record, only the place counts.

/// A file as another program may write it: `pairs` is the number that it claims.
Bytes fileOf(const BlockGrid &grid, const std::vector<BandTerm> &terms, const std::vector<PlacedSlab> &slabs,
             uint64_t pairs) {
  Bytes bytes(sizeof(MaskFileHeader));
  for (const BandTerm &term : terms)
    append(bytes, term);
  size_t offset = bytes.size() + slabs.size() * sizeof(SlabRecord);
  for (const auto &[place, encoder] : slabs) {
    append(bytes, SlabRecord{place.queryFirst, place.keyFirst, offset, encoder.bytes()});
    offset += encoder.bytes();
  }
  for (const auto &[place, encoder] : slabs) {
    bytes.resize(bytes.size() + encoder.bytes());
    encoder.write(bytes.data() + bytes.size() - encoder.bytes());
  }
  MaskFileHeader header = {};
  std::memcpy(header.magic, MaskFileHeader::expectedMagic, sizeof(header.magic));
  header.version = MaskFileHeader::currentVersion;
  header.queryBlocks = grid.queryBlocks;
  header.keyBlocks = grid.keyBlocks;
  header.queryBlockSize = grid.queryBlockSize;
  header.keyBlockSize = grid.keyBlockSize;
  header.termCount = static_cast<uint32_t>(terms.size());
  header.slabCount = static_cast<uint32_t>(slabs.size());
  header.pairs = pairs;
  header.payloadBytes = bytes.size() - sizeof(header);
  std::memcpy(bytes.data(), &header, sizeof(header));
  seal(bytes);
  return bytes;
}

RoaringEncoder oneRow(uint16_t row, const std::vector<uint16_t> &keys) {
  RoaringEncoder encoder;
  EXPECT_TRUE(encoder.addRow(row, keys.data(), keys.size()));
  return encoder;
}

TEST(MaskFile, SlabsOfOtherWriters) {
  const BlockGrid grid = {65546, 65550, 16, 16};
  Result<BlockMask> mask = load(fileOf(grid, {},
                                       {{{0, 65536, 0, 0}, oneRow(3, {5, 13})},
                                        {{65536, 0, 0, 0}, oneRow(9, {0, 65535})},
                                        {{65536, 65536, 0, 0}, RoaringEncoder()}},
                                       4));
  ASSERT_TRUE(mask.isOk()) << mask.status().message();
  EXPECT_EQ(mask->count(), 4u);
  EXPECT_EQ(mask->activeBlocks(3), (std::vector<uint32_t>{65541, 65549}));
  EXPECT_EQ(mask->activeBlocks(65545), (std::vector<uint32_t>{0, 65535}));
}

TEST(MaskFile, PlacesOfPairsAreChecked) {
  const BlockGrid grid = {65546, 65550, 16, 16};
  struct Case {
    Bytes bytes;
    const char *message;
  };
  const Case cases[] = {
      {fileOf(grid, {}, {{{65536, 0, 0, 0}, oneRow(10, {0})}}, 1),
       "slab 0: roaring bitmap: container 0 (row 10): expects a row below 10, but got 10"},
      {fileOf(grid, {}, {{{0, 65536, 0, 0}, oneRow(0, {14})}}, 1),
       "slab 0: roaring bitmap: container 0 (row 0): expects keys below 14, but got 14"},
      {fileOf(grid, {}, {{{65536, 0, 0, 0}, oneRow(0, {0})}, {{0, 65536, 0, 0}, oneRow(0, {0})}}, 2),
       "slab 1: expects a place behind that of the slab before, but got (0, 65536)"},
      {fileOf(grid, {}, {{{0, 0, 0, 0}, oneRow(0, {0})}, {{0, 0, 0, 0}, oneRow(0, {1})}}, 2),
       "slab 1: expects a place behind that of the slab before, but got (0, 0)"},
      {fileOf(grid, {}, {{{0, 131072, 0, 0}, oneRow(0, {0})}}, 1),
       "slab 0: keyFirst: expects a multiple of 65536 below 65550, but got 131072"},
  };
  for (const Case &each : cases)
    EXPECT_EQ(load(each.bytes).status().message(), each.message);
}

TEST(MaskFile, PairsInTermsAndSlabsAreRefused) {
  const BandTerm diagonal = {0, 10, 0, 10, 0, 0, 1, 0};
  auto file = [&](const std::vector<uint16_t> &keys, uint64_t pairs) {
    return fileOf({10, 10, 1, 1}, {diagonal}, {{{0, 0, 0, 0}, oneRow(4, keys)}}, pairs);
  };
  Result<BlockMask> mask = load(file({3, 5, 9}, 13));
  ASSERT_TRUE(mask.isOk()) << mask.status().message();
  EXPECT_EQ(mask->activeBlocks(4), (std::vector<uint32_t>{3, 4, 5, 9}));
  EXPECT_EQ(load(file({3, 4, 9}, 12)).status().message(),
            "slab 0: expects pairs that are in no term, but got one in row 4");
  EXPECT_EQ(load(file({3, 4, 5, 6, 7}, 14)).status().message(),
            "slab 0: expects pairs that are in no term, but got one in row 4");
  EXPECT_EQ(load(file({3, 5, 9}, 12)).status().message(), "pairs: expects 12, but got 13");
}

/// Terms, with steps too, and slabs, against masks of each and their intersection.
TEST(MaskFile, TermsAndSlabsAreHeldAgainstEachOther) {
  std::mt19937 generator(35);
  auto below = [&](uint32_t bound) { return static_cast<uint32_t>(generator() % bound); };
  const BlockGrid grid = {60, 65600, 16, 16};
  size_t apart = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<BandTerm> terms;
    for (uint32_t i = below(4); i > 0; --i) {
      uint32_t step = 1 + below(9), first = 65450 + below(100);
      terms.push_back({below(30), 30 + below(31), first, first + below(50), -70000, 70000, step, below(step)});
    }
    BlockMaskBuilder builder(grid);
    RoaringEncoder left, right;
    for (uint16_t row = 0; row < 60; row = static_cast<uint16_t>(row + 1 + below(40))) {
      const uint16_t key = static_cast<uint16_t>(65300 + below(200)); // Left of the range.
      uint32_t first = 65501 + below(60), middle = 65536, past = first + below(20);
      EXPECT_TRUE(builder.addAttention(row, {key}).isOk());
      EXPECT_TRUE(builder.addRange(row, first, past).isOk());
      const BlockRange inLeft = {first, std::min(past, middle)};
      const BlockRange inRight = {std::max(first, middle) - middle, std::max(past, middle) - middle};
      left.addRow(row, RowPiece{0, &inLeft, size_t(!inLeft.isEmpty()), &key, 1});
      right.addRow(row, RowPiece{0, &inRight, size_t(!inRight.isEmpty()), nullptr, 0});
    }
    Result<BlockMask> ofSlabs = builder.freeze(), ofTerms = BlockMask::fromTerms(grid, terms);
    ASSERT_TRUE(ofSlabs.isOk() && ofTerms.isOk());
    Result<BlockMask> expected = disjunction(*ofSlabs, *ofTerms), common = conjunction(*ofSlabs, *ofTerms);
    ASSERT_TRUE(expected.isOk() && common.isOk());
    Result<BlockMask> mask =
        load(fileOf(grid, terms, {{{0, 0, 0, 0}, left}, {{0, 65536, 0, 0}, right}}, expected->count()));
    EXPECT_EQ(mask.isOk(), common->count() == 0) << round << " " << mask.status().message();
    if (mask.isOk()) {
      EXPECT_EQ(*mask, *expected) << round;
      ++apart;
    }
  }
  EXPECT_GT(apart, 50u);
  EXPECT_LT(apart, 250u);
}

TEST(MaskFile, LimitsHold) {
  const Bytes bytes = save(smallMask());
  MaskLoadOptions options;
  options.maxBytes = bytes.size();
  EXPECT_TRUE(load(bytes, options).isOk());
  options.maxBytes = bytes.size() - 1;
  EXPECT_THAT(load(bytes, options).status().message(), testing::HasSubstr("payloadBytes: expects at most"));
  options.maxBytes = 0;
  EXPECT_FALSE(load(bytes, options).isOk());

  struct Case {
    BandTerm term;
    uint64_t work;
  };
  const uint32_t blocks = 1 << 20;
  const Case cases[] = {
      {{0, blocks, 0, blocks, -3, 3, 1, 0}, blocks},
      {{5, 7, 0, blocks, -1, blocks, 2, 0}, 2 * (65 + blocks / 2)},
      {{5, 7, 0, blocks, -4, 4, 4, 0}, 2 * (65 + 3)},
  };
  for (const Case &each : cases) {
    Result<BlockMask> mask = BlockMask::fromTerms({blocks, blocks, 16, 16}, {each.term});
    ASSERT_TRUE(mask.isOk()) << mask.status().message();
    const Bytes file = fileOf(mask->grid(), {each.term}, {}, mask->count());
    options = {};
    options.maxTermWork = each.work;
    EXPECT_TRUE(load(file, options).isOk()) << load(file, options).status().message();
    options.maxTermWork = each.work - 1;
    EXPECT_EQ(load(file, options).status().message(), "term 0: expects work of at most " +
                                                          std::to_string(each.work - 1) +
                                                          " to count its pairs, but got " + std::to_string(each.work));
  }
}

TEST(MaskFile, RandomChangesUnderAGoodChecksumAreHarmless) {
  std::mt19937 generator(33);
  for (int round = 0; round < 400; ++round) {
    Bytes bytes = save(randomMask(generator, {60, 80, 16, 16}, {}));
    for (uint32_t edits = 1 + generator() % 3; edits > 0; --edits) {
      size_t position = 12 + generator() % (bytes.size() - 12);
      const uint8_t spice[] = {0, 1, 0xff, 0x80, static_cast<uint8_t>(generator())};
      bytes[position] = spice[generator() % 5];
    }
    seal(bytes);
    MaskLoadOptions options;
    options.maxTermWork = 1 << 16;
    Result<BlockMask> mask = load(bytes, options);
    EXPECT_TRUE(mask.isOk() || !mask.status().message().empty());
    if (mask.isOk()) {
      EXPECT_EQ(*load(save(*mask)), *mask);
    }
  }
}

TEST(MaskFile, StreamsHoldSeveralMasks) {
  std::mt19937 generator(34);
  std::vector<BlockMask> masks;
  std::stringstream stream;
  for (uint32_t i = 1; i < 5; ++i) {
    masks.push_back(randomMask(generator, {10 * i, 20 * i, 16, 16}, {}));
    ASSERT_TRUE(saveMask(masks.back(), stream).isOk());
  }
  stream << "the end";
  for (const BlockMask &mask : masks) {
    Result<BlockMask> loaded = loadMask(stream);
    ASSERT_TRUE(loaded.isOk()) << loaded.status().message();
    EXPECT_EQ(*loaded, mask);
  }
  std::string rest;
  std::getline(stream, rest);
  EXPECT_EQ(rest, "the end");
  EXPECT_FALSE(loadMask(stream).isOk());
}

/// Takes or gives a number of bytes, then fails.
class FailingBuffer : public std::streambuf {
public:
  FailingBuffer(std::string content, size_t limit) : content(std::move(content)), left(limit) {}

protected:
  int_type underflow() override {
    if (left == 0)
      throw std::runtime_error("the line is dead");
    size_t count = std::min(left, size_t(10));
    setg(content.data() + position, content.data() + position, content.data() + position + count);
    position += count;
    left -= count;
    return traits_type::to_int_type(*gptr());
  }
  int_type overflow(int_type byte) override {
    if (left == 0)
      return traits_type::eof();
    --left;
    return byte;
  }

private:
  std::string content;
  size_t position = 0;
  size_t left;
};

TEST(MaskFile, FailuresOfStreamsAreReported) {
  const Bytes bytes = save(smallMask());
  for (auto exceptions : {std::ios::goodbit, std::ios::badbit | std::ios::failbit | std::ios::eofbit})
    for (size_t limit : {size_t(0), size_t(30), size_t(64), size_t(100), bytes.size() - 1}) {
      FailingBuffer reading(std::string(bytes.begin(), bytes.end()), limit);
      std::istream input(&reading);
      input.exceptions(exceptions);
      EXPECT_EQ(loadMask(input).status().code(), StatusCode::InvalidArgument) << limit;
      FailingBuffer writing("", limit);
      std::ostream output(&writing);
      output.exceptions(exceptions);
      EXPECT_EQ(saveMask(smallMask(), output).code(), StatusCode::InvalidArgument) << limit;
    }
  std::ifstream closed;
  EXPECT_FALSE(loadMask(closed).isOk());
}

/// A folder of its own, empty at first and gone at the end.
class MaskFileInFolder : public testing::Test {
protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "mask-file-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string path(const char *name) const { return (folder / name).string(); }
  size_t files() const { return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {})); }

  std::filesystem::path folder;
};

TEST_F(MaskFileInFolder, ComesBack) {
  ASSERT_TRUE(saveMask(smallMask(), path("a")).isOk());
  Result<BlockMask> loaded = loadMask(path("a"));
  ASSERT_TRUE(loaded.isOk()) << loaded.status().message();
  EXPECT_EQ(*loaded, smallMask());
  EXPECT_EQ(std::filesystem::file_size(path("a")), save(smallMask()).size());
  EXPECT_EQ(files(), 1u);
}

TEST_F(MaskFileInFolder, ReplacesFilesAndWhatLinksLeadTo) {
  std::ofstream(path("a")) << "something else";
  std::filesystem::create_symlink("a", path("link"));
  ASSERT_TRUE(saveMask(smallMask(), path("link")).isOk());
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
  EXPECT_TRUE(loadMask(path("a")).isOk());
  EXPECT_EQ(files(), 2u);
}

/// Files cannot grow beyond a few bytes while one of these lives.
class FileSizeLimit {
public:
  FileSizeLimit() : handler(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit few = {16, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &few);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
  }

private:
  void (*handler)(int);
  rlimit before;
};

TEST_F(MaskFileInFolder, FailedWritesLeaveTheOldFile) {
  ASSERT_TRUE(saveMask(smallMask(), path("a")).isOk());
  const BlockMask other;
  {
    FileSizeLimit limit;
    EXPECT_EQ(saveMask(other, path("a")).message(),
              path("a") + ": expects a file that can be written, but got: File too large");
  }
  Result<BlockMask> loaded = loadMask(path("a"));
  ASSERT_TRUE(loaded.isOk()) << loaded.status().message();
  EXPECT_EQ(*loaded, smallMask());
  EXPECT_EQ(files(), 1u);
}

TEST_F(MaskFileInFolder, WritesDevicesInPlace) {
  EXPECT_TRUE(saveMask(smallMask(), "/dev/null").isOk());
  if (std::filesystem::exists("/dev/full")) {
    EXPECT_EQ(saveMask(smallMask(), "/dev/full").message(),
              "/dev/full: expects a file that can be written, but got: No space left on device");
  }
}

TEST_F(MaskFileInFolder, ErrorsNameThePath) {
  EXPECT_EQ(loadMask(path("none")).status().message(),
            path("none") + ": expects a file that can be read, but got: No such file or directory");
  EXPECT_EQ(saveMask(smallMask(), path("none/a")).message(),
            path("none/a") + ": expects a file that can be written, but got: No such file or directory");
  EXPECT_EQ(saveMask(smallMask(), folder.string()).message(),
            folder.string() + ": expects a file that can be written, but got: Is a directory");
  EXPECT_THAT(loadMask(folder.string()).status().message(), testing::StartsWith(folder.string() + ": "));
  ASSERT_TRUE(saveMask(smallMask(), path("a")).isOk());
  std::ofstream(path("a"), std::ios::app) << '\0';
  EXPECT_EQ(loadMask(path("a")).status().message(),
            path("a") + ": expects a file that ends with the mask, but got more bytes");
}

} // namespace
