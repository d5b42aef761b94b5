//===- BlockMaskListsTest.cpp - Masks as arrays for kernels ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BlockMaskOracle.h"
#include "sparse_attn/MaskLists.h"

#include <cstring>

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

/// An active mask with structure and noise, and a subset of it.
struct Sample {
  ByteMatrix activeMatrix, partialMatrix;
  BlockMask active, partial;

  Sample(const BlockGrid &grid, Representation representation, uint32_t seed)
      : activeMatrix(grid), partialMatrix(grid) {
    std::mt19937 random(seed);
    activeMatrix.addTerm(BandTerm::band(grid, -6, 3));
    activeMatrix.addTerm(BandTerm::rectangle({0, grid.queryBlocks}, {0, std::min(3u, grid.keyBlocks)}));
    for (uint8_t &byte : activeMatrix.bytes)
      byte |= random() % 20 == 0;
    for (size_t i = 0; i < activeMatrix.bytes.size(); ++i)
      partialMatrix.bytes[i] = activeMatrix.bytes[i] && random() % 4 == 0;
    BlockMaskBuilder builder(grid);
    EXPECT_TRUE(builder.addTerm(BandTerm::band(grid, -6, 3)).isOk());
    EXPECT_TRUE(builder.addDense(activeMatrix.bytes.data(), grid.keyBlocks).isOk());
    active = frozen(builder, {representation, 1});
    partial = maskOf(partialMatrix, {representation, 1});
  }
};

const BlockGrid grids[] = {{50, 60, 16, 16}, {300, 40, 16, 16}, {2, 65536, 1, 1}, {3, 70000, 1, 1}, {0, 9, 1, 1}};

/// A list of one row, as it should be.
std::vector<uint64_t> entriesOf(const std::vector<uint32_t> &blocks, ListEntry entry) {
  if (entry != ListEntry::Interval)
    return {blocks.begin(), blocks.end()};
  std::vector<uint64_t> entries;
  for (const BlockRange &range : rangesOf(blocks))
    entries.insert(entries.end(), {range.first, range.size()});
  return entries;
}

/// Element `index` of an array of numbers of `bytes` bytes.
uint64_t elementOf(const std::vector<char> &array, size_t bytes, size_t index) {
  uint64_t element = 0;
  std::memcpy(&element, array.data() + index * bytes, bytes);
  return element;
}

/// Both lists, in the buffers of a caller.
struct Exported {
  ListOptions options;
  ListSizes sizes;
  std::vector<char> fullOffsets, full, partialOffsets, partial;

  Exported(const BlockMask &active, const BlockMask *partialMask, const ListOptions &options) : options(options) {
    Result<ListSizes> found = listSizes(active, partialMask, options);
    EXPECT_TRUE(found.isOk()) << found.status().message();
    sizes = *found;
    fullOffsets.resize(sizes.offsetBytes);
    partialOffsets.resize(sizes.offsetBytes);
    full.resize(sizes.fullBytes);
    partial.resize(sizes.partialBytes);
    Status status = exportLists(active, partialMask, options,
                                {fullOffsets.data(), full.data(), partialMask ? partialOffsets.data() : nullptr,
                                 partialMask ? partial.data() : nullptr});
    EXPECT_TRUE(status.isOk()) << status.message();
  }

  std::vector<uint64_t> row(const std::vector<char> &offsets, const std::vector<char> &entries, uint32_t q) const {
    size_t offsetBytes = options.offset == ListOffset::Bits32 ? 4 : 8;
    size_t words = options.entry == ListEntry::Interval ? 2 : 1, bytes = options.entry == ListEntry::Block16 ? 2 : 4;
    std::vector<uint64_t> row;
    for (size_t i = words * elementOf(offsets, offsetBytes, q); i < words * elementOf(offsets, offsetBytes, q + 1); ++i)
      row.push_back(elementOf(entries, bytes, i));
    return row;
  }
};

TEST(BlockMaskLists, EveryFormOfLists) {
  for (const BlockGrid &grid : grids)
    for (Representation representation : everyRepresentation) {
      Sample sample(grid, representation, grid.keyBlocks);
      for (ListEntry entry : {ListEntry::Block16, ListEntry::Block32, ListEntry::Interval})
        for (ListOffset offset : {ListOffset::Bits32, ListOffset::Bits64})
          for (int32_t threads : {1, 2}) {
            if (entry == ListEntry::Block16 && grid.keyBlocks > 65536)
              continue;
            Exported alone(sample.active, nullptr, {entry, offset, threads});
            Exported both(sample.active, &sample.partial, {entry, offset, threads});
            for (uint32_t q = 0; q < grid.queryBlocks; ++q) {
              std::vector<uint32_t> active = sample.activeMatrix.row(q), partial = sample.partialMatrix.row(q), full;
              std::set_difference(active.begin(), active.end(), partial.begin(), partial.end(),
                                  std::back_inserter(full));
              ASSERT_EQ(alone.row(alone.fullOffsets, alone.full, q), entriesOf(active, entry)) << q;
              ASSERT_EQ(both.row(both.fullOffsets, both.full, q), entriesOf(full, entry)) << q;
              ASSERT_EQ(both.row(both.partialOffsets, both.partial, q), entriesOf(partial, entry)) << q;
            }
          }
    }
}

TEST(BlockMaskLists, SizesAreCounted) {
  BlockGrid grid = {62500, 62500, 16, 16};
  BlockMask window = *BlockMask::fromTerms(grid, {BandTerm::band(grid, -4, 0)});
  BlockMask diagonal = *BlockMask::fromTerms(grid, {BandTerm::band(grid, 0, 0)});
  Result<ListSizes> blocks = listSizes(window, &diagonal, {ListEntry::Block16, ListOffset::Bits32, 1});
  EXPECT_EQ(blocks->offsets, 62501u);
  EXPECT_EQ(blocks->offsetBytes, 62501u * 4);
  EXPECT_EQ(blocks->full, 62500u * 4 - 10);
  EXPECT_EQ(blocks->fullBytes, (62500u * 4 - 10) * 2);
  EXPECT_EQ(blocks->partial, 62500u);
  Result<ListSizes> intervals = listSizes(window, &diagonal, {ListEntry::Interval, ListOffset::Bits64, 1});
  EXPECT_EQ(intervals->full, 62499u) << "row 0 has the diagonal only";
  EXPECT_EQ(intervals->fullBytes, 62499u * 8);
  EXPECT_EQ(intervals->offsetBytes, 62501u * 8);
}

TEST(BlockMaskLists, PartialBlocksMustBeActive) {
  BlockGrid grid = {20, 20, 16, 16};
  BlockMask window = *BlockMask::fromTerms(grid, {BandTerm::band(grid, -4, 0)});
  BlockMask other = *BlockMask::fromTerms(grid, {BandTerm::rectangle({7, 8}, {4, 9})});
  BlockMask wider = *BlockMask::fromTerms(grid, {BandTerm::band(grid, -5, 0)});
  Result<ListSizes> sizes = listSizes(window, &wider, {ListEntry::Block16, ListOffset::Bits32, 1});
  ASSERT_FALSE(sizes.isOk());
  EXPECT_EQ(sizes.status().message(), "expects the partial blocks to be among the 90 active ones, but got 105");
  std::string expected = "expects the partial blocks to be among the active ones, but got others in row 7";
  EXPECT_EQ(listSizes(window, &other, {ListEntry::Interval, ListOffset::Bits32, 1}).status().message(), expected);
  for (int32_t threads : {1, 2}) {
    // As large as the sizes say: whoever writes more is found out.
    ListOptions options = {ListEntry::Block16, ListOffset::Bits32, threads};
    sizes = listSizes(window, &other, options);
    ASSERT_TRUE(sizes.isOk());
    std::vector<uint32_t> fullOffsets(21), partialOffsets(21);
    std::vector<uint16_t> full(sizes->full), partial(sizes->partial);
    Status status =
        exportLists(window, &other, options, {fullOffsets.data(), full.data(), partialOffsets.data(), partial.data()});
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
    EXPECT_EQ(status.message(), expected);
  }
}

TEST(BlockMaskLists, BadArguments) {
  BlockGrid grid = {20, 70000, 16, 16};
  BlockMask mask = *BlockMask::fromTerms(grid, {BandTerm::band(grid, -4, 0)});
  Status status = listSizes(mask, nullptr, {ListEntry::Block16, ListOffset::Bits32, 1}).status();
  EXPECT_EQ(status.code(), StatusCode::Unsupported);
  EXPECT_EQ(status.message(), "expects at most 65536 key blocks for entries of 16 bits, but got 70000");
  BlockMask other = *BlockMask::fromTerms({20, 20, 16, 16}, {});
  status = listSizes(mask, &other, {}).status();
  EXPECT_EQ(status.code(), StatusCode::ShapeMismatch);
  EXPECT_EQ(status.message(), "expects a partial mask of 20 x 70000 blocks of 16 x 16 tokens, but got one of 20 x 20 "
                              "blocks of 16 x 16 tokens");
  EXPECT_EQ(blobBytes(mask, &other).status().code(), StatusCode::ShapeMismatch);
  status = exportLists(mask, nullptr, {}, {});
  EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
  EXPECT_EQ(status.message(), "expects buffers for 20 full and 0 partial entries and their offsets, but got null");
  // 2^36 pairs: more than offsets of 32 bits can count.
  BlockGrid large = {1 << 18, 1 << 18, 16, 16};
  BlockMask all = *BlockMask::fromTerms(large, {BandTerm::band(large, -(1 << 20), 1 << 20)});
  status = listSizes(all, nullptr, {ListEntry::Block32, ListOffset::Bits32, 1}).status();
  EXPECT_EQ(status.code(), StatusCode::Unsupported);
  EXPECT_EQ(status.message(), "expects less than 2^32 entries for offsets of 32 bits, but got 68719476736");
  EXPECT_EQ(listSizes(all, nullptr, {ListEntry::Block32, ListOffset::Bits64, 1})->fullBytes, uint64_t(1) << 38);
  EXPECT_TRUE(listSizes(all, nullptr, {ListEntry::Interval, ListOffset::Bits32, 1}).isOk());
}

/// Memory aligned as a blob must be.
struct AlignedBytes {
  explicit AlignedBytes(size_t size) : memory(size / 16 + 1) {}
  struct alignas(16) Unit {
    char bytes[16];
  };
  std::vector<Unit> memory;
  char *data() { return memory[0].bytes; }
};

/// The pairs of one mask of a blob, read as a kernel would.
ByteMatrix matrixOf(const char *blob, const BlobMask &part) {
  BlobHeader header;
  std::memcpy(&header, blob, sizeof(header));
  ByteMatrix matrix({header.queryBlocks, header.keyBlocks, header.queryBlockSize, header.keyBlockSize});
  auto block = [&](uint64_t offset, size_t index) {
    uint32_t found = 0;
    std::memcpy(&found, blob + offset + index * header.blockBytes, header.blockBytes);
    return found;
  };
  const BlobTerm *terms = reinterpret_cast<const BlobTerm *>(blob + part.termsOffset);
  for (uint32_t i = 0; i < part.termCount; ++i)
    matrix.addTerm({terms[i].queryFirst, terms[i].queryPast, terms[i].keyFirst, terms[i].keyPast, terms[i].lowest,
                    terms[i].highest, terms[i].step, terms[i].phase});
  const uint32_t *rangeRows = reinterpret_cast<const uint32_t *>(blob + part.rangeRowsOffset);
  const uint32_t *blockRows = reinterpret_cast<const uint32_t *>(blob + part.blockRowsOffset);
  auto set = [&](uint32_t q, uint32_t k) {
    EXPECT_FALSE(matrix.at(q, k)) << "stored pairs are apart from each other and from the terms: " << q << ", " << k;
    matrix.at(q, k) = 1;
  };
  for (uint32_t q = 0; q < header.queryBlocks; ++q) {
    for (uint32_t i = part.rangeCount ? rangeRows[q] : 0; part.rangeCount && i < rangeRows[q + 1]; ++i)
      for (uint32_t k = block(part.rangesOffset, 2 * i); k <= block(part.rangesOffset, 2 * i + 1); ++k)
        set(q, k);
    for (uint32_t i = part.blockCount ? blockRows[q] : 0; part.blockCount && i < blockRows[q + 1]; ++i)
      set(q, block(part.blocksOffset, i));
  }
  return matrix;
}

TEST(BlockMaskLists, BlobHoldsBothMasks) {
  for (const BlockGrid &grid : grids)
    for (Representation representation : everyRepresentation) {
      Sample sample(grid, representation, grid.keyBlocks + 1);
      for (const BlockMask *partial : {static_cast<const BlockMask *>(nullptr), &std::as_const(sample.partial)}) {
        Result<size_t> bytes = blobBytes(sample.active, partial);
        ASSERT_TRUE(bytes.isOk());
        ASSERT_EQ(*bytes % 16, 0u);
        AlignedBytes blob(*bytes);
        ASSERT_TRUE(writeBlob(sample.active, partial, blob.data(), *bytes, 2).isOk());
        BlobHeader header;
        std::memcpy(&header, blob.data(), sizeof(header));
        EXPECT_EQ(header.version, BlobHeader::currentVersion);
        EXPECT_EQ(header.bytes, *bytes);
        EXPECT_EQ(header.blockBytes, grid.keyBlocks > 65536 ? 4u : 2u);
        ASSERT_EQ(matrixOf(blob.data(), header.active).bytes, sample.activeMatrix.bytes);
        ByteMatrix expected = partial ? sample.partialMatrix : ByteMatrix(grid);
        ASSERT_EQ(matrixOf(blob.data(), header.partial).bytes, expected.bytes);
        for (uint64_t offset : {header.active.termsOffset, header.active.rangeRowsOffset, header.active.rangesOffset,
                                header.active.blockRowsOffset, header.active.blocksOffset})
          EXPECT_EQ(offset % 16, 0u);
      }
    }
}

TEST(BlockMaskLists, BlobIsAsSmallAsTheMask) {
  BlockGrid grid = {62500, 62500, 16, 16};
  BlockMask window = *BlockMask::fromTerms(grid, {BandTerm::band(grid, -256, 255)});
  EXPECT_EQ(*blobBytes(window, nullptr), sizeof(BlobHeader) + sizeof(BlobTerm));
}

TEST(BlockMaskLists, BlobNeedsItsExactPlace) {
  BlockGrid grid = {10, 10, 16, 16};
  BlockMask mask = *BlockMask::fromTerms(grid, {BandTerm::band(grid, -2, 0)});
  size_t bytes = *blobBytes(mask, nullptr);
  AlignedBytes blob(bytes + 16);
  EXPECT_EQ(writeBlob(mask, nullptr, blob.data(), bytes + 16).message(), "expects a blob of 192 bytes, but got 208");
  Status status = writeBlob(mask, nullptr, blob.data() + 8, bytes);
  EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
  EXPECT_EQ(status.message().substr(0, 40), "expects a 16-byte aligned blob, but got ");
  EXPECT_FALSE(writeBlob(mask, nullptr, nullptr, bytes).isOk());
}

} // namespace
