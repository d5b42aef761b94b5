//===- MaskFileFuzzer.cpp - Loads bytes as a mask, and uses it -------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whatever the bytes are, they give an error or a mask that is in order: the
// members of a mask agree with each other, algebra keeps its laws, and saving
// gives the same mask back.
//
//===----------------------------------------------------------------------===//

#include "MaskFileMutator.h"

#include "sparse_attn/BlockMask.h"
#include "sparse_attn/MaskFile.h"
#include "sparse_attn/MaskLists.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <sstream>

using namespace sparse_attn;
using namespace sparse_attn::mask;

namespace {

using Bytes = std::vector<uint8_t>;

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      std::fprintf(stderr, "%s:%d: expects %s\n", __FILE__, __LINE__, #condition);                                     \
      std::abort();                                                                                                    \
    }                                                                                                                  \
  } while (false)

/// Whether every call on a mask is quick. Larger ones are only asked, so that an input takes about a millisecond.
bool isSmall(const BlockGrid &grid) {
  return grid.queryBlocks <= 2048 && grid.keyBlocks <= 2048 && grid.queryBlocks * grid.keyBlocks <= 1 << 17;
}

/// Longer rows are not written out.
constexpr uint32_t longRow = 1 << 16;

FreezeOptions kept(Representation representation) {
  FreezeOptions options;
  options.representation = representation;
  options.threads = 1; // The order of threads is not in the input.
  return options;
}

MaskLoadOptions limits() {
  MaskLoadOptions options;
  options.freeze = kept(Representation::Automatic);
  options.maxTermWork = 140000; // A band over three slabs.
  return options;
}

BlockMask take(const Result<BlockMask> &mask) {
  if (!mask.isOk())
    std::fprintf(stderr, "%s\n", mask.status().message().c_str());
  CHECK(mask.isOk());
  return *mask;
}

/// Whether loading may take a second, as masks are counted row by row where terms have steps.
bool isLong(const Bytes &bytes) {
  MaskFileHeader header = {};
  std::copy_n(bytes.begin(), std::min(bytes.size(), sizeof(header)), reinterpret_cast<uint8_t *>(&header));
  return header.queryBlocks > 1 << 18;
}

/// The mask of a file whose number of pairs is all that may be wrong, with that number made right: else hardly any
/// changed file would get past this last check.
Result<BlockMask> loadWithCount(Bytes &bytes) {
  Result<BlockMask> mask = loadMask(bytes.data(), bytes.size(), limits());
  const std::string message = mask.status().message();
  size_t number = message.find(", but got ");
  if (mask.isOk() || message.rfind("pairs: expects ", 0) != 0 || number == std::string::npos ||
      message.find("at most") != std::string::npos)
    return mask;
  MaskFileHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  header.pairs = std::strtoull(message.c_str() + number + std::strlen(", but got "), nullptr, 10);
  std::memcpy(bytes.data(), &header, sizeof(header));
  sealMaskFile(bytes.data(), bytes.size());
  return take(loadMask(bytes.data(), bytes.size(), limits()));
}

/// Some rows, at both ends and around the edges of slabs.
std::vector<uint32_t> someRows(const BlockGrid &grid) {
  std::vector<uint32_t> rows;
  for (uint32_t q : {0u, 1u, 2u, 63u, 64u, 65535u, 65536u, grid.queryBlocks / 2, grid.queryBlocks - 1})
    if (q < grid.queryBlocks)
      rows.push_back(q);
  return rows;
}

void askRanges(const BlockMask &mask, uint32_t q) {
  size_t count = 0;
  for (const BlockRange &range : mask.ranges(q)) {
    CHECK(!range.isEmpty() && range.past <= mask.grid().keyBlocks && mask.contains(q, range.first));
    CHECK(mask.contains(q, range.past - 1) && !mask.contains(q, range.past));
    count += range.size();
  }
  CHECK(count == mask.rowCount(q));
}

void askBlocks(const BlockMask &mask, uint32_t q) {
  const std::vector<uint32_t> blocks = mask.activeBlocks(q);
  CHECK(blocks.size() == mask.rowCount(q) && blocks.size() <= mask.grid().keyBlocks);
  CHECK(std::is_sorted(blocks.begin(), blocks.end()));
  CHECK(blocks.empty() || blocks.back() < mask.grid().keyBlocks);
  CHECK(mask.intersection(q, q) == blocks && mask.intersectionCount(q, q) == blocks.size());
}

void ask(const BlockMask &mask) {
  const std::vector<uint32_t> rows = someRows(mask.grid());
  for (uint32_t q : rows) {
    askRanges(mask, q);
    if (mask.rowCount(q) <= longRow) {
      askBlocks(mask, q);
      CHECK(mask.intersection(rows.front(), q).size() == mask.intersectionCount(q, rows.front()));
    }
    uint32_t either = 0;
    for (const BlockRange &range : mask.unionOfRows(q, q + 2))
      either += range.size();
    CHECK(either + mask.intersectionCount(q, q + 1) == mask.rowCount(q) + mask.rowCount(q + 1));
  }
}

void combine(const BlockMask &mask, Representation representation) {
  const FreezeOptions options = kept(representation);
  const BlockMask other = take(
      BlockMask::fromTerms(mask.grid(), {BandTerm::band(mask.grid(), -5, 30), BandTerm::band(mask.grid(), 60, 70)}));
  const BlockMask both = take(conjunction(mask, other, options)), only = take(difference(mask, other, options));
  const BlockMask either = take(disjunction(mask, other, options));
  CHECK(both.count() + only.count() == mask.count());
  CHECK(either.count() + both.count() == mask.count() + other.count());
  CHECK(take(disjunction(both, only, options)) == mask);
  CHECK(take(conjunction(either, mask, options)) == mask);
}

void exportAll(const BlockMask &mask) {
  for (ListEntry entry : {ListEntry::Block16, ListEntry::Block32, ListEntry::Interval}) {
    ListOptions options;
    options.entry = entry;
    options.threads = 1;
    Result<ListSizes> sizes = listSizes(mask, nullptr, options);
    if (!sizes.isOk())
      continue;
    Bytes offsets(sizes->offsetBytes), full(sizes->fullBytes);
    ListBuffers buffers;
    buffers.fullOffsets = offsets.data();
    buffers.full = full.data();
    CHECK(exportLists(mask, nullptr, options, buffers).isOk());
  }
  Result<size_t> bytes = blobBytes(mask, &mask);
  CHECK(bytes.isOk());
  std::unique_ptr<void, void (*)(void *)> blob(std::aligned_alloc(16, *bytes), std::free);
  CHECK(writeBlob(mask, &mask, blob.get(), *bytes, 1).isOk());
}

void saveAgain(const BlockMask &mask) {
  Bytes bytes;
  CHECK(saveMask(mask, bytes).isOk());
  std::stringstream stream(std::string(bytes.begin(), bytes.end()));
  const BlockMask loaded = take(loadMask(stream, limits()));
  CHECK(loaded == mask && loaded.contentHash() == mask.contentHash());
}

void use(const BlockMask &mask, Representation representation) {
  ask(mask);
  if (!isSmall(mask.grid()))
    return;
  const BlockMask converted = take(mask.withRepresentation(kept(representation)));
  CHECK(converted == mask);
  CHECK(converted.transpose(1).transpose(1) == mask);
  ask(converted);
  combine(converted, representation);
  exportAll(converted);
  saveAgain(converted);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  constexpr Representation representations[] = {Representation::TermsAndRows, Representation::PackedBits,
                                                Representation::Roaring};
  Bytes bytes(data, data + size);
  if (isLong(bytes))
    return 0;
  if (Result<BlockMask> mask = loadWithCount(bytes); mask.isOk())
    use(*mask, representations[size % std::size(representations)]);
  return 0;
}
