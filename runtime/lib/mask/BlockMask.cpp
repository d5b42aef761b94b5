//===- BlockMask.cpp - Which key blocks each query block reads ------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/BlockMask.h"

#include "mask/BandTerms.h"
#include "mask/BitRows.h"
#include "mask/ContentHash.h"
#include "mask/FreezeRows.h"
#include "mask/MaximalRanges.h"
#include "mask/RoaringBitmap.h"
#include "mask/RowQueries.h"
#include "mask/RowSets.h"

#include <algorithm>
#include <ostream>
#include <utility>

namespace sparse_attn {

using namespace mask;

namespace {

/// Shared by all masks without blocks.
const SharedStore &emptyStore() {
  static const SharedStore store = std::make_shared<MaskStore>();
  return store;
}

bool containsStored(const Slab &slab, uint32_t row, uint16_t key) {
  BlockRange keys = slab.keyRows.find(row);
  if (std::binary_search(slab.keys.data() + keys.first, slab.keys.data() + keys.past, key))
    return true;
  BlockRange runs = slab.runRows.find(row);
  const KeyRun *end = slab.runs.data() + runs.past;
  const KeyRun *run =
      std::partition_point(slab.runs.data() + runs.first, end, [key](const KeyRun &run) { return run.last < key; });
  return run != end && run->first <= key;
}

bool containsTerm(const MaskStore &store, uint32_t q, uint32_t k) {
  bool found = false;
  store.terms.forEachAt(q, [&](const BandTerm &term) { found |= contains(term, q, k); });
  return found;
}

/// The slab of q and k in `slabs`, which are those of store.slabsOf(q), or null.
template <typename AnySlab> const AnySlab *slabOf(const std::vector<AnySlab> &slabs, BlockRange ofRow, uint32_t k) {
  uint32_t keyFirst = k / slabBlocks * slabBlocks;
  auto end = slabs.begin() + ofRow.past;
  auto found = std::partition_point(slabs.begin() + ofRow.first, end,
                                    [&](const AnySlab &slab) { return slab.keyFirst < keyFirst; });
  return found != end && found->keyFirst == keyFirst ? &*found : nullptr;
}

/// Hands the key blocks that two rows share to `sink`.
template <typename Sink> void intersectRows(const MaskStore &store, uint32_t q1, uint32_t q2, Sink &sink) {
  RowReader reader1(store), reader2(store);
  reader1.start(q1);
  reader2.start(q2);
  KeyScratch scratch;
  forEachPair(reader1, reader2, [&](uint32_t keyFirst, const RowPiece &a, const RowPiece &b) {
    sink.startPiece(keyFirst);
    intersectPieces(a, b, scratch, sink);
  });
}

/// Writes the key blocks that two rows of bits share, some words at a time.
uint32_t intersectBits(const PackedBits &bits, const BlockGrid &grid, uint32_t q1, uint32_t q2, uint32_t *out) {
  if (q1 >= grid.queryBlocks || q2 >= grid.queryBlocks)
    return 0;
  constexpr size_t groupWords = 64;
  uint64_t both[groupWords];
  uint32_t *next = out;
  for (size_t first = 0; first < bits.rowWords; first += groupWords) {
    size_t words = std::min(groupWords, bits.rowWords - first);
    for (size_t i = 0; i < words; ++i)
      both[i] = bits.row(q1)[first + i] & bits.row(q2)[first + i];
    uint32_t *end = next + kernels().decode32(both, words, next);
    for (; next != end; ++next)
      *next += static_cast<uint32_t>(first * wordBits);
  }
  return static_cast<uint32_t>(next - out);
}

} // namespace

Status BlockGrid::check() const {
  auto bad = [](auto... parts) { return makeError(StatusCode::InvalidArgument, parts...); };
  if (queryBlocks > maxBlocks || keyBlocks > maxBlocks)
    return bad("expects a grid of at most ", maxBlocks, " blocks a side, but got ", *this);
  auto isSize = [](uint32_t size) { return size >= 1 && size <= maxBlockSize; };
  if (!isSize(queryBlockSize) || !isSize(keyBlockSize))
    return bad("expects blocks of 1 to ", maxBlockSize, " tokens, but got ", *this);
  return {};
}

std::ostream &operator<<(std::ostream &stream, const BlockGrid &grid) {
  return stream << grid.queryBlocks << " x " << grid.keyBlocks << " blocks of " << grid.queryBlockSize << " x "
                << grid.keyBlockSize << " tokens";
}

const char *representationName(Representation representation) {
  switch (representation) {
  case Representation::Automatic:
    return "automatic";
  case Representation::TermsAndRows:
    return "terms-and-rows";
  case Representation::PackedBits:
    return "packed-bits";
  case Representation::Roaring:
    return "roaring";
  }
  return "unknown";
}

BlockMask::BlockMask() : content(emptyStore()) {}
BlockMask::BlockMask(std::shared_ptr<const MaskStore> store) : content(std::move(store)) {}
BlockMask::~BlockMask() = default;
BlockMask::BlockMask(const BlockMask &other) = default;
BlockMask &BlockMask::operator=(const BlockMask &other) = default;

// Shares the store: to make another may fail.
BlockMask::BlockMask(BlockMask &&other) noexcept : content(other.content) {}

BlockMask &BlockMask::operator=(BlockMask &&other) noexcept {
  content.swap(other.content);
  return *this;
}

Result<BlockMask> BlockMask::fromTerms(const BlockGrid &grid, const std::vector<BandTerm> &terms,
                                       const FreezeOptions &options) {
  if (Status status = grid.check(); !status.isOk())
    return status;
  for (const BandTerm &term : terms)
    if (Status status = checkTerm(grid, term); !status.isOk())
      return status;
  Result<SharedStore> store = freezeContent({grid, terms, noRows(), false}, options);
  if (!store.isOk())
    return store.status();
  return BlockMask(std::move(*store));
}

const BlockGrid &BlockMask::grid() const { return content->grid; }

uint64_t BlockMask::count() const { return content->count; }

uint32_t BlockMask::rowCount(uint32_t q) const {
  if (content->representation == Representation::PackedBits)
    return q >= grid().queryBlocks
               ? 0
               : static_cast<uint32_t>(kernels().countBits(content->bits.row(q), content->bits.rowWords));
  RowReader reader(*content);
  return countRow(reader, q);
}

double BlockMask::density() const {
  double pairs = static_cast<double>(grid().queryBlocks) * grid().keyBlocks;
  return pairs == 0 ? 0 : static_cast<double>(count()) / pairs;
}

bool BlockMask::contains(uint32_t q, uint32_t k) const {
  if (q >= grid().queryBlocks || k >= grid().keyBlocks)
    return false;
  if (content->representation == Representation::PackedBits)
    return testBit(content->bits.row(q), k);
  if (containsTerm(*content, q, k))
    return true;
  BlockRange ofRow = content->slabsOf(q);
  if (content->representation == Representation::Roaring) {
    const RoaringSlab *slab = slabOf(content->bitmaps, ofRow, k);
    return slab && slab->pairs->contains((q - slab->queryFirst) << 16 | (k - slab->keyFirst));
  }
  const Slab *slab = slabOf(content->slabs, ofRow, k);
  return slab && containsStored(*slab, q - slab->queryFirst, static_cast<uint16_t>(k - slab->keyFirst));
}

uint32_t BlockMask::activeBlocks(uint32_t q, uint32_t *out) const {
  if (content->representation == Representation::PackedBits)
    return q >= grid().queryBlocks
               ? 0
               : static_cast<uint32_t>(kernels().decode32(content->bits.row(q), content->bits.rowWords, out));
  RowReader reader(*content);
  return writeRow(reader, q, out);
}

Result<uint32_t> BlockMask::activeBlocks(uint32_t q, uint16_t *out) const {
  if (grid().keyBlocks > slabBlocks)
    return makeError(StatusCode::Unsupported, "expects at most 65536 key blocks for 16 bits, but got ",
                     grid().keyBlocks);
  RowReader reader(*content);
  return writeRow(reader, q, out);
}

std::vector<uint32_t> BlockMask::activeBlocks(uint32_t q) const {
  std::vector<uint32_t> blocks(rowCount(q));
  activeBlocks(q, blocks.data());
  return blocks;
}

void BlockMask::ranges(uint32_t q, std::vector<BlockRange> &out) const {
  RowReader reader(*content);
  readRanges(reader, q, out);
}

std::vector<BlockRange> BlockMask::ranges(uint32_t q) const {
  std::vector<BlockRange> found;
  ranges(q, found);
  return found;
}

uint32_t BlockMask::intersection(uint32_t q1, uint32_t q2, uint32_t *out) const {
  if (content->representation == Representation::PackedBits)
    return intersectBits(content->bits, grid(), q1, q2, out);
  BlockWriter<uint32_t> writer(out);
  intersectRows(*content, q1, q2, writer);
  return static_cast<uint32_t>(writer.end() - out);
}

std::vector<uint32_t> BlockMask::intersection(uint32_t q1, uint32_t q2) const {
  std::vector<uint32_t> blocks(std::min(rowCount(q1), rowCount(q2)));
  blocks.resize(intersection(q1, q2, blocks.data()));
  return blocks;
}

uint32_t BlockMask::intersectionCount(uint32_t q1, uint32_t q2) const {
  if (content->representation == Representation::PackedBits) {
    if (q1 >= grid().queryBlocks || q2 >= grid().queryBlocks)
      return 0;
    const PackedBits &bits = content->bits;
    return static_cast<uint32_t>(kernels().countCommonBits(bits.row(q1), bits.row(q2), bits.rowWords));
  }
  BlockCounter counter;
  intersectRows(*content, q1, q2, counter);
  return counter.count();
}

void BlockMask::visitRows(uint32_t first, uint32_t past, void (*visitor)(void *, uint32_t, RangeList),
                          void *context) const {
  RowReader reader(*content);
  std::vector<BlockRange> row;
  for (uint32_t q = first; q < std::min(past, grid().queryBlocks); ++q) {
    readRanges(reader, q, row);
    if (!row.empty())
      visitor(context, q, {row.data(), row.size()});
  }
}

const std::vector<BandTerm> &BlockMask::terms() const { return content->terms.terms(); }

MaskStats BlockMask::stats() const {
  MaskStats stats = {};
  stats.representation = content->representation;
  stats.terms = terms().size();
  for (const Slab &slab : content->slabs) {
    stats.storedRanges += slab.runs.size();
    stats.storedBlocks += slab.keys.size();
  }
  if (content->representation != Representation::TermsAndRows)
    stats.storedBlocks = content->count;
  stats.slabs = content->slabs.size() + content->bitmaps.size();
  stats.heapBytes = content->heapBytes();
  return stats;
}

ContentHash BlockMask::contentHash() const { return content->contentHash(); }

bool BlockMask::operator==(const BlockMask &other) const {
  return content == other.content || (grid() == other.grid() && equalContent(*content, *other.content));
}

Result<BlockMask> BlockMask::withRepresentation(const FreezeOptions &options) const {
  Result<SharedStore> store = convert(content, options);
  if (!store.isOk())
    return store.status();
  return BlockMask(std::move(*store));
}

} // namespace sparse_attn
