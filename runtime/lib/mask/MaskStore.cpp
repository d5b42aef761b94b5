//===- MaskStore.cpp - How a block mask lies in memory --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/MaskStore.h"

#include "mask/ContentHash.h"
#include "mask/RoaringBitmap.h"

#include <algorithm>

namespace sparse_attn::mask {

namespace {

/// The indices of those slabs that start at query block `queryFirst`.
template <typename AnySlab> BlockRange slabsAt(const std::vector<AnySlab> &slabs, uint32_t queryFirst) {
  if (slabs.size() <= 1) // Most masks, and asked for each row.
    return {0, slabs.size() == 1 && slabs[0].queryFirst == queryFirst};
  auto first = std::partition_point(slabs.begin(), slabs.end(),
                                    [&](const AnySlab &slab) { return slab.queryFirst < queryFirst; });
  auto past =
      std::partition_point(first, slabs.end(), [&](const AnySlab &slab) { return slab.queryFirst == queryFirst; });
  return {static_cast<uint32_t>(first - slabs.begin()), static_cast<uint32_t>(past - slabs.begin())};
}

} // namespace

BlockRange RowIndex::findSparse(uint32_t row) const {
  const uint16_t *found = std::lower_bound(rows.begin(), rows.end(), row);
  if (found == rows.end() || *found != row)
    return {};
  size_t entry = static_cast<size_t>(found - rows.begin());
  return {offsets[entry], offsets[entry + 1]};
}

BlockRange MaskStore::slabsOf(uint32_t q) const {
  uint32_t queryFirst = q / slabBlocks * slabBlocks;
  if (representation == Representation::Roaring)
    return slabsAt(bitmaps, queryFirst);
  return slabsAt(slabs, queryFirst);
}

size_t MaskStore::heapBytes() const {
  size_t bytes = sizeof(MaskStore) + terms.heapBytes() + slabs.capacity() * sizeof(Slab) + bits.words.bytes() +
                 bitmaps.capacity() * sizeof(RoaringSlab);
  for (const Slab &slab : slabs)
    bytes += slab.bytes();
  for (const RoaringSlab &slab : bitmaps)
    bytes += sizeof(RoaringBitmap) + slab.pairs->heapBytes();
  return bytes;
}

ContentHash MaskStore::contentHash() const {
  std::call_once(hashOnce, [this] { hash = hashContent(*this); });
  return hash;
}

} // namespace sparse_attn::mask
