//===- BlockMaskBuilder.cpp - Collects the pairs of a mask ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/BlockMaskBuilder.h"

#include "mask/BandTerms.h"
#include "mask/BitRows.h"
#include "mask/BuilderContent.h"
#include "mask/FreezeRows.h"
#include "mask/MaximalRanges.h"
#include "mask/PackedStore.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sparse_attn {

using namespace mask;

namespace {

Status checkQuery(const BlockGrid &grid, uint64_t q) {
  if (q < grid.queryBlocks)
    return {};
  return makeError(StatusCode::InvalidArgument, "expects a query block below ", grid.queryBlocks, ", but got ", q);
}

/// Bit i of the result: byte i of `bytes` is not 0.
uint64_t nonzeroBytes(uint64_t bytes) {
  constexpr uint64_t lowBits = 0x7f7f7f7f7f7f7f7f;
  uint64_t highs = (((bytes & lowBits) + lowBits) | bytes) & ~lowBits;
  // Moves the high bit of byte i to bit 56 + i.
  return (highs >> 7) * 0x0102040810204080 >> 56;
}

/// Packs a row of bytes; all words are written.
void packBytes(const uint8_t *bytes, uint32_t count, uint64_t *words) {
  std::fill_n(words, wordsOf(count), 0);
  uint32_t k = 0;
  for (; k + 8 <= count; k += 8) {
    uint64_t eight;
    std::memcpy(&eight, bytes + k, sizeof(eight));
    words[k / wordBits] |= nonzeroBytes(eight) << (k % wordBits);
  }
  for (; k < count; ++k)
    if (bytes[k] != 0)
      setBit(words, k);
}

/// Copies a row of bits, without those behind the last key block; all words are written.
void copyBits(const uint8_t *bits, uint32_t count, uint64_t *words) {
  size_t wordCount = wordsOf(count);
  if (wordCount == 0)
    return;
  words[wordCount - 1] = 0;
  std::memcpy(words, bits, (size_t(count) + 7) / 8);
  if (count % wordBits != 0)
    words[wordCount - 1] &= ~uint64_t(0) >> (wordBits - count % wordBits);
}

} // namespace

BlockMaskBuilder::BlockMaskBuilder(const BlockGrid &grid) : content(std::make_unique<Content>(grid)) {}
BlockMaskBuilder::~BlockMaskBuilder() = default;
BlockMaskBuilder::BlockMaskBuilder(BlockMaskBuilder &&other) noexcept = default;
BlockMaskBuilder &BlockMaskBuilder::operator=(BlockMaskBuilder &&other) noexcept = default;

const BlockGrid &BlockMaskBuilder::grid() const { return content->grid; }

Status BlockMaskBuilder::addAttention(uint32_t q, BlockList keys) {
  if (!content->gridStatus.isOk())
    return content->gridStatus;
  if (Status status = checkQuery(grid(), q); !status.isOk())
    return status;
  if (keys.count == 0)
    return {};
  if (!keys.blocks)
    return badArgument("expects key blocks, but got null");
  RowEntry::Kind kind = kindOf(keys.blocks, keys.count);
  uint32_t largest = kind == RowEntry::Kind::Ascending ? keys.blocks[keys.count - 1]
                                                       : *std::max_element(keys.blocks, keys.blocks + keys.count);
  if (largest >= grid().keyBlocks)
    return badKey(grid(), q, largest);
  if (kind == RowEntry::Kind::Ascending && grid().keyBlocks <= slabBlocks) {
    content->rows.addNarrow(q, keys.blocks, keys.count);
    return {};
  }
  uint32_t *words = content->rows.allocate(keys.count);
  std::copy(keys.blocks, keys.blocks + keys.count, words);
  content->rows.add(q, kind, words, keys.count);
  return {};
}

Status BlockMaskBuilder::addRange(uint32_t q, uint32_t first, uint32_t past) {
  if (!content->gridStatus.isOk())
    return content->gridStatus;
  if (Status status = checkQuery(grid(), q); !status.isOk())
    return status;
  if (first > past || past > grid().keyBlocks)
    return makeError(StatusCode::InvalidArgument, "expects a range of key blocks below ", grid().keyBlocks, " in row ",
                     q, ", but got [", first, ", ", past, ")");
  if (first == past)
    return {};
  uint32_t *words = content->rows.allocate(2);
  words[0] = first;
  words[1] = past;
  content->rows.add(q, RowEntry::Kind::Ranges, words, 1);
  return {};
}

Status BlockMaskBuilder::addWindow(uint32_t left, uint32_t right) {
  return addWindow(left, right, {0, grid().queryBlocks});
}

Status BlockMaskBuilder::addWindow(uint32_t left, uint32_t right, BlockRange rows) {
  BandTerm window = BandTerm::band(grid(), -int64_t(left), right);
  window.queryFirst = rows.first;
  window.queryPast = rows.past;
  return addTerm(window);
}

Status BlockMaskBuilder::addPrefix(uint32_t keyBlocks) { return addKeys({0, keyBlocks}); }

Status BlockMaskBuilder::addKeys(BlockRange keys) {
  return addTerm(BandTerm::rectangle({0, grid().queryBlocks}, keys));
}

Status BlockMaskBuilder::addQueries(BlockRange queries) {
  return addTerm(BandTerm::rectangle(queries, {0, grid().keyBlocks}));
}

Status BlockMaskBuilder::addTerm(const BandTerm &term) {
  if (!content->gridStatus.isOk())
    return content->gridStatus;
  if (Status status = checkTerm(grid(), term); !status.isOk())
    return status;
  content->terms.push_back(term);
  return {};
}

Status BlockMaskBuilder::addPackedBits(const uint8_t *bits, size_t rowBytes) {
  if (!content->gridStatus.isOk())
    return content->gridStatus;
  if (rowBytes < (size_t(grid().keyBlocks) + 7) / 8)
    return makeError(StatusCode::InvalidArgument, "expects rows of at least ", (size_t(grid().keyBlocks) + 7) / 8,
                     " bytes for ", grid().keyBlocks, " bits, but got ", rowBytes);
  if (grid().queryBlocks == 0 || grid().keyBlocks == 0)
    return {};
  if (!bits)
    return badArgument("expects packed bits, but got null");
  std::vector<uint64_t> words(wordsOf(grid().keyBlocks));
  for (uint32_t q = 0; q < grid().queryBlocks; ++q) {
    copyBits(bits + q * rowBytes, grid().keyBlocks, words.data());
    content->rows.addBits(q, words.data(), words.size());
  }
  return {};
}

Status BlockMaskBuilder::addDense(const uint8_t *bytes, size_t rowBytes) {
  if (!content->gridStatus.isOk())
    return content->gridStatus;
  if (rowBytes < grid().keyBlocks)
    return makeError(StatusCode::InvalidArgument, "expects rows of at least ", grid().keyBlocks, " bytes, but got ",
                     rowBytes);
  if (grid().queryBlocks == 0 || grid().keyBlocks == 0)
    return {};
  if (!bytes)
    return badArgument("expects a dense mask, but got null");
  std::vector<uint64_t> words(wordsOf(grid().keyBlocks));
  for (uint32_t q = 0; q < grid().queryBlocks; ++q) {
    packBytes(bytes + q * rowBytes, grid().keyBlocks, words.data());
    content->rows.addBits(q, words.data(), words.size());
  }
  return {};
}

Status BlockMaskBuilder::addMask(const BlockMask &mask) {
  if (!content->gridStatus.isOk())
    return content->gridStatus;
  if (mask.grid() != grid())
    return makeError(StatusCode::ShapeMismatch, "expects a mask of ", grid(), ", but got one of ", mask.grid());
  content->terms.insert(content->terms.end(), mask.terms().begin(), mask.terms().end());
  RowReader reader(mask.store(), RowPart::Stored);
  std::vector<BlockRange> ranges;
  for (uint32_t q = 0; q < grid().queryBlocks; ++q) {
    readRanges(reader, q, ranges);
    uint32_t *words = content->rows.allocate(2 * ranges.size());
    for (size_t i = 0; i < ranges.size(); ++i) {
      words[2 * i] = ranges[i].first;
      words[2 * i + 1] = ranges[i].past;
    }
    content->rows.add(q, RowEntry::Kind::Ranges, words, ranges.size());
  }
  return {};
}

Result<BlockMask> BlockMaskBuilder::freeze(const FreezeOptions &options) {
  if (!content->gridStatus.isOk())
    return content->gridStatus;
  std::unique_ptr<Content> added = std::exchange(content, std::make_unique<Content>(content->grid));
  added->rows.sortByRow(added->grid.queryBlocks);
  bool isDense = added->rows.listBytes() >= packedBytes(added->grid);
  Result<SharedStore> store =
      freezeContent({added->grid, std::move(added->terms), added->rows.rows(), isDense}, options);
  if (!store.isOk())
    return store.status();
  return BlockMask(std::move(*store));
}

} // namespace sparse_attn
