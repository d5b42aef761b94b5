//===- RoaringDecoder.cpp - From Roaring bitmaps to slabs ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/RoaringDecoder.h"

#include "mask/BitRows.h"
#include "mask/MaskKernels.h"
#include "mask/RoaringFormat.h"
#include "mask/SlabBuilder.h"

#include <iterator>
#include <vector>

namespace sparse_attn::mask {

namespace {

/// What a container becomes.
struct RowSizes {
  uint32_t keys = 0;
  uint32_t runs = 0;
};

/// An array, which lies anywhere in a file, where it is aligned.
class AlignedKeys {
public:
  explicit AlignedKeys(const RoaringContainer &container) : count(container.cardinality) {
    std::memcpy(keys, container.data, RoaringFormat::arrayBytes(count));
  }

  bool hasRuns() const { return kernels().hasRun(keys, count, shortestRun); }

  template <typename Visitor> void forEachRange(const Visitor &visitor) const {
    for (uint32_t first = 0, last = 0; first < count; first = ++last) {
      while (last + 1 < count && keys[last + 1] == keys[last] + 1)
        ++last;
      visitor(BlockRange{keys[first], keys[last] + uint32_t(1)});
    }
  }

private:
  uint32_t count;
  uint16_t keys[RoaringFormat::maxArray];
};

/// Calls visitor(BlockRange) for the keys of a container, ascending, as few ranges as there can be.
template <typename Visitor> void forEachRange(const RoaringContainer &container, const Visitor &visitor) {
  switch (container.kind) {
  case RoaringContainer::Kind::Array:
    return AlignedKeys(container).forEachRange(visitor);
  case RoaringContainer::Kind::Bitset: {
    uint64_t words[RoaringFormat::bitsetBytes / sizeof(uint64_t)];
    std::memcpy(words, container.data, sizeof(words));
    return forEachRun(words, std::size(words), visitor);
  }
  case RoaringContainer::Kind::Runs:
    for (uint32_t i = 0; i < container.runs; ++i) {
      const uint8_t *run = container.data + i * RoaringFormat::runBytes;
      uint32_t first = loadNumber<uint16_t>(run), length = loadNumber<uint16_t>(run + sizeof(uint16_t)) + 1u;
      visitor(BlockRange{first, first + length});
    }
  }
}

RowSizes sizesOf(const RoaringContainer &container) {
  if (container.kind == RoaringContainer::Kind::Array && !AlignedKeys(container).hasRuns())
    return {container.cardinality, 0};
  RowSizes sizes;
  forEachRange(container, [&](BlockRange range) {
    if (range.size() >= shortestRun)
      ++sizes.runs;
    else
      sizes.keys += range.size();
  });
  return sizes;
}

/// Writes what a container becomes.
void store(const RoaringContainer &container, RowSizes sizes, uint16_t *keys, KeyRun *runs) {
  if (container.kind == RoaringContainer::Kind::Array && sizes.runs == 0) {
    std::memcpy(keys, container.data, RoaringFormat::arrayBytes(sizes.keys));
    return;
  }
  forEachRange(container, [&](BlockRange range) {
    if (range.size() >= shortestRun)
      *runs++ = {static_cast<uint16_t>(range.first), static_cast<uint16_t>(range.past - 1)};
    else
      for (uint32_t key = range.first; key < range.past; ++key)
        *keys++ = static_cast<uint16_t>(key);
  });
}

/// Indexes `rows` rows, of which that of containers[i] has `sizes[i].*member` elements; returns how many all have.
size_t indexRows(const std::vector<RoaringContainer> &containers, const std::vector<RowSizes> &sizes, uint32_t rows,
                 uint32_t RowSizes::*member, RowIndex &index) {
  size_t used = 0;
  for (const RowSizes &each : sizes)
    used += each.*member != 0;
  if (used == 0)
    return 0;
  // An entry that tells its row takes 6 bytes, one that does not takes 4.
  bool listed = used * 6 < size_t(rows) * 4;
  index.rows = Array<uint16_t>(listed ? used : 0);
  index.offsets = Array<uint32_t>((listed ? used : rows) + 1);
  size_t entry = 0;
  uint32_t sum = 0;
  for (size_t i = 0; i < containers.size(); ++i) {
    if (sizes[i].*member == 0)
      continue;
    if (listed)
      index.rows[entry] = containers[i].row;
    while (!listed && entry < containers[i].row)
      index.offsets[entry++] = sum;
    index.offsets[entry++] = sum;
    sum += sizes[i].*member;
  }
  while (entry < index.offsets.size())
    index.offsets[entry++] = sum;
  return sum;
}

} // namespace

Slab decodeSlab(const RoaringContent &content, uint32_t queryFirst, uint32_t keyFirst, uint32_t rows) {
  std::vector<RowSizes> sizes(content.containers.size());
  for (size_t i = 0; i < sizes.size(); ++i)
    sizes[i] = sizesOf(content.containers[i]);
  Slab slab;
  slab.queryFirst = queryFirst;
  slab.keyFirst = keyFirst;
  slab.keys = Array<uint16_t>(indexRows(content.containers, sizes, rows, &RowSizes::keys, slab.keyRows));
  slab.runs = Array<KeyRun>(indexRows(content.containers, sizes, rows, &RowSizes::runs, slab.runRows));
  uint16_t *keys = slab.keys.data();
  KeyRun *runs = slab.runs.data();
  for (size_t i = 0; i < sizes.size(); ++i) {
    store(content.containers[i], sizes[i], keys, runs);
    keys += sizes[i].keys;
    runs += sizes[i].runs;
  }
  return slab;
}

} // namespace sparse_attn::mask
