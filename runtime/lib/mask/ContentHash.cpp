//===- ContentHash.cpp - What tells masks apart ---------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/ContentHash.h"

#include "mask/MaximalRanges.h"

#include <algorithm>
#include <cstring>

namespace sparse_attn::mask {

namespace {

/// Two 64-bit hashes of the same words, which differ in their constants. Each word is folded in by a 64 x 64 -> 128
/// bit product, as in Wang Yi's wyhash (public domain).
class Hasher {
public:
  void add(uint64_t word) {
    low = fold(low ^ word, 0xa0761d6478bd642f);
    high = fold(high ^ word, 0xe7037ed1a0b428db);
  }

  ContentHash finish() const { return {fold(low, 0x8ebc6af09c88c6e3), fold(high, 0x589965cc75374cc3)}; }

private:
  static uint64_t fold(uint64_t a, uint64_t b) {
    // `a` takes part as it is, too: a product with 0 would forget all that came before.
    unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64) ^ (a << 32 | a >> 32);
  }

  uint64_t low = 0x1d8e4e27c47d124f;
  uint64_t high = 0xeb44accab455d165;
};

template <typename T> bool equalArrays(const Array<T> &a, const Array<T> &b) {
  return a.size() == b.size() && (a.size() == 0 || std::memcmp(a.data(), b.data(), a.bytes()) == 0);
}

bool equalIndices(const RowIndex &a, const RowIndex &b) {
  return equalArrays(a.rows, b.rows) && equalArrays(a.offsets, b.offsets);
}

bool equalSlabs(const Slab &a, const Slab &b) {
  return a.queryFirst == b.queryFirst && a.keyFirst == b.keyFirst && equalIndices(a.keyRows, b.keyRows) &&
         equalArrays(a.keys, b.keys) && equalIndices(a.runRows, b.runRows) && equalArrays(a.runs, b.runs);
}

bool equalRows(const MaskStore &a, const MaskStore &b) {
  RowReader readerA(a), readerB(b);
  std::vector<BlockRange> rowA, rowB;
  for (uint32_t q = 0; q < a.grid.queryBlocks; ++q) {
    readRanges(readerA, q, rowA);
    readRanges(readerB, q, rowB);
    if (rowA != rowB)
      return false;
  }
  return true;
}

} // namespace

ContentHash hashContent(const MaskStore &store) {
  Hasher hasher;
  const BlockGrid &grid = store.grid;
  hasher.add(uint64_t(grid.queryBlocks) << 32 | grid.keyBlocks);
  hasher.add(uint64_t(grid.queryBlockSize) << 32 | grid.keyBlockSize);
  RowReader reader(store);
  for (uint32_t q = 0; q < grid.queryBlocks; ++q) {
    // A range never has first = past, so that this ends the row before.
    hasher.add(uint64_t(q) << 32 | q);
    forEachRange(reader, q, [&](BlockRange range) { hasher.add(uint64_t(range.first) << 32 | range.past); });
  }
  return hasher.finish();
}

bool equalContent(const MaskStore &a, const MaskStore &b) {
  if (a.count != b.count)
    return false;
  if (a.representation != b.representation)
    return equalRows(a, b);
  if (a.representation == Representation::PackedBits)
    return equalArrays(a.bits.words, b.bits.words);
  if (a.representation == Representation::TermsAndRows && a.terms.terms() == b.terms.terms())
    return std::equal(a.slabs.begin(), a.slabs.end(), b.slabs.begin(), b.slabs.end(), equalSlabs);
  return equalRows(a, b);
}

} // namespace sparse_attn::mask
