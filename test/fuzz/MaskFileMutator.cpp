//===- MaskFileMutator.cpp - Changes of mask files ------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bytes changed at random never pass the checksums, and hardly ever the other
// checks. So one part of a file is changed at a time, those numbers that
// follow from it are made to fit most of the time, and new good files come in
// now and then: the fuzzer needs no corpus to start with.
//
//===----------------------------------------------------------------------===//

#include "MaskFileMutator.h"

#include "sparse_attn/BlockMaskBuilder.h"
#include "sparse_attn/MaskFile.h"

#include <algorithm>
#include <cstring>
#include <random>

using namespace sparse_attn;
using namespace sparse_attn::mask;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

namespace {

using Bytes = std::vector<uint8_t>;
using Random = std::minstd_rand;

uint32_t below(Random &random, uint32_t bound) { return static_cast<uint32_t>(random()) % bound; }

BlockGrid randomGrid(Random &random) {
  // Around the edges of slabs and of words, too.
  const uint32_t sizes[] = {1, 7, 63, 64, 65, 200, 2000, 65535, 65536, 65537, 131073};
  auto pick = [&] { return sizes[below(random, below(random, 16) == 0 ? std::size(sizes) : 6)]; };
  return {pick(), pick(), 1 + below(random, 128), 1 + below(random, 128)};
}

/// A row in one of the forms that Roaring has. Bad arguments are none of this function's business.
void addRow(Random &random, BlockMaskBuilder &builder) {
  uint32_t q = below(random, builder.grid().queryBlocks), keys = builder.grid().keyBlocks;
  switch (below(random, 3)) {
  case 0: {
    uint32_t first = below(random, keys);
    (void)builder.addRange(q, first, first + below(random, keys - first + 1));
    break;
  }
  case 1: {
    std::vector<uint32_t> list(1 + below(random, 40));
    for (uint32_t &key : list)
      key = below(random, keys);
    (void)builder.addAttention(q, list);
    break;
  }
  case 2: {
    std::vector<uint32_t> list;
    for (uint32_t key = 0; key < keys && list.size() < 6000; key += 1 + below(random, 4))
      list.push_back(key);
    (void)builder.addAttention(q, list);
  }
  }
}

Bytes makeFile(Random &random) {
  BlockGrid grid = randomGrid(random);
  BlockMaskBuilder builder(grid);
  if (below(random, 2) == 0)
    (void)builder.addWindow(below(random, 9), below(random, 9));
  if (below(random, 3) == 0)
    (void)builder.addPrefix(1);
  if (below(random, 3) == 0)
    (void)builder.addTerm({0, grid.queryBlocks, 0, grid.keyBlocks, -20, 20, 1 + below(random, 5), 0});
  for (uint32_t i = below(random, 6); i > 0; --i)
    addRow(random, builder);
  Bytes file;
  if (Result<BlockMask> mask = builder.freeze(); mask.isOk())
    (void)saveMask(*mask, file);
  return file;
}

/// The extents of a file's parts, or of what is left where the header lies.
struct Parts {
  size_t terms, records, bitmaps, end;

  explicit Parts(const Bytes &file) : end(file.size()) {
    MaskFileHeader header;
    std::memcpy(&header, file.data(), sizeof(header));
    terms = sizeof(header);
    records = std::min(end, terms + size_t(header.termCount) * sizeof(BandTerm));
    bitmaps = std::min(end, records + size_t(header.slabCount) * sizeof(SlabRecord));
  }
};

/// Changes bytes [begin, end) without changing their number.
void mutateInPlace(Bytes &file, size_t begin, size_t end) {
  if (begin == end)
    return;
  Bytes part(file.begin() + static_cast<ptrdiff_t>(begin), file.begin() + static_cast<ptrdiff_t>(end));
  LLVMFuzzerMutate(part.data(), part.size(), part.size());
  std::copy(part.begin(), part.end(), file.begin() + static_cast<ptrdiff_t>(begin));
}

/// Changes the last bitmap, which may grow or shrink, and its record.
void mutateLastBitmap(Bytes &file, const Parts &parts, size_t maxSize) {
  if (parts.bitmaps - parts.records < sizeof(SlabRecord))
    return;
  size_t recordOffset = parts.bitmaps - sizeof(SlabRecord);
  SlabRecord record;
  std::memcpy(&record, file.data() + recordOffset, sizeof(record));
  if (record.offset > parts.end)
    return;
  Bytes bitmap(file.begin() + static_cast<ptrdiff_t>(record.offset), file.end());
  size_t size = bitmap.size();
  bitmap.resize(std::max(size, maxSize - record.offset));
  bitmap.resize(LLVMFuzzerMutate(bitmap.data(), size, bitmap.size()));
  file.resize(record.offset);
  file.insert(file.end(), bitmap.begin(), bitmap.end());
  record.bytes = bitmap.size();
  std::memcpy(file.data() + recordOffset, &record, sizeof(record));
}

void mutateFile(Random &random, Bytes &file, size_t maxSize) {
  const Parts parts(file);
  switch (below(random, 6)) {
  case 0:
    return mutateInPlace(file, 0, parts.terms);
  case 1:
    return mutateInPlace(file, parts.terms, parts.records);
  case 2:
    return mutateInPlace(file, parts.records, parts.bitmaps);
  case 3:
    return mutateInPlace(file, parts.bitmaps, parts.end);
  default:
    return mutateLastBitmap(file, parts, maxSize);
  }
}

} // namespace

void sealMaskFile(uint8_t *bytes, size_t size) {
  MaskFileHeader header;
  if (size < sizeof(header))
    return;
  std::memcpy(&header, bytes, sizeof(header));
  header.payloadBytes = size - sizeof(header);
  header.payloadChecksum = crc32c(bytes + sizeof(header), header.payloadBytes);
  header.headerChecksum = header.computeChecksum();
  std::memcpy(bytes, &header, sizeof(header));
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maxSize, unsigned int seed) {
  Random random(seed);
  Bytes file(data, data + size);
  if (size < sizeof(MaskFileHeader) || below(random, 40) == 0) {
    file = makeFile(random);
  } else if (below(random, 20) == 0) {
    file.resize(std::max(size, maxSize));
    file.resize(LLVMFuzzerMutate(file.data(), size, file.size()));
  } else {
    mutateFile(random, file, maxSize);
  }
  if (below(random, 20) != 0)
    sealMaskFile(file.data(), file.size());
  size_t newSize = std::min(file.size(), maxSize);
  if (newSize > 0)
    std::memcpy(data, file.data(), newSize);
  return newSize;
}
