//===- BlockMaskBuilderLists.cpp - Coordinates and compressed rows --------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/BuilderContent.h"

#include <algorithm>

namespace sparse_attn {

using namespace mask;

namespace {

/// Whether 0 <= index < bound, for an index of any type.
template <typename Index> bool isBelow(Index index, uint32_t bound) {
  return index >= 0 && static_cast<uint64_t>(index) < bound;
}

/// Checks row offsets of compressed rows.
template <typename Offset> Status checkOffsets(const Offset *offsets, uint32_t rows, size_t columnCount) {
  auto isOffset = [&](Offset offset) { return offset >= 0 && static_cast<uint64_t>(offset) <= columnCount; };
  if (offsets[0] != 0)
    return makeError(StatusCode::InvalidArgument, "expects row offsets to start at 0, but got ", offsets[0]);
  for (uint32_t q = 0; q < rows; ++q)
    if (!isOffset(offsets[q + 1]) || offsets[q + 1] < offsets[q])
      return makeError(StatusCode::InvalidArgument, "expects row offsets to ascend up to ", columnCount, ", but got ",
                       offsets[q], " and ", offsets[q + 1], " for row ", q);
  if (static_cast<uint64_t>(offsets[rows]) != columnCount)
    return makeError(StatusCode::InvalidArgument, "expects row offsets to end at the number of columns, ", columnCount,
                     ", but got ", offsets[rows]);
  return {};
}

/// Notes `keys` of row q, which lie in the memory of the log.
void addKeysOf(uint32_t q, const uint32_t *keys, size_t count, RowLog &rows) {
  rows.add(q, kindOf(keys, count), keys, count);
}

/// Pairs, or a stride apart in one array, of blocks that exist.
template <typename Index> struct PairList {
  const Index *queries;
  const Index *keys;
  size_t count;
  size_t stride;

  uint32_t query(size_t i) const { return static_cast<uint32_t>(queries[i * stride]); }
  uint32_t key(size_t i) const { return static_cast<uint32_t>(keys[i * stride]); }
};

/// For few pairs.
template <typename Index> void addSorted(const PairList<Index> &pairs, RowLog &rows) {
  std::vector<uint64_t> sorted(pairs.count);
  for (size_t i = 0; i < pairs.count; ++i)
    sorted[i] = uint64_t(pairs.query(i)) << 32 | pairs.key(i);
  std::sort(sorted.begin(), sorted.end());
  uint32_t *keys = rows.allocate(pairs.count);
  for (size_t begin = 0, i = 0; i < pairs.count; ++i) {
    keys[i] = static_cast<uint32_t>(sorted[i]);
    uint32_t q = static_cast<uint32_t>(sorted[i] >> 32);
    if (i + 1 != pairs.count && sorted[i + 1] >> 32 == q)
      continue;
    addKeysOf(q, keys + begin, i + 1 - begin, rows);
    begin = i + 1;
  }
}

/// For about as many pairs as there are rows, or more: counts them by row, then puts each in its place.
template <typename Index> void addCounted(const PairList<Index> &pairs, uint32_t queryBlocks, RowLog &rows) {
  std::vector<size_t> ends(size_t(queryBlocks) + 1); // Where row q ends, once its pairs are placed.
  for (size_t i = 0; i < pairs.count; ++i)
    ++ends[pairs.query(i) + size_t(1)];
  for (size_t q = 0; q < queryBlocks; ++q)
    ends[q + 1] += ends[q];
  uint32_t *keys = rows.allocate(pairs.count);
  for (size_t i = 0; i < pairs.count; ++i)
    keys[ends[pairs.query(i)]++] = pairs.key(i);
  size_t begin = 0;
  for (uint32_t q = 0; q < queryBlocks; ++q) {
    addKeysOf(q, keys + begin, ends[q] - begin, rows);
    begin = ends[q];
  }
}

} // namespace

template <typename Index>
Status BlockMaskBuilder::addPairs(const Index *queries, const Index *keys, size_t count, size_t stride) {
  if (!content->gridStatus.isOk())
    return content->gridStatus;
  if (count == 0)
    return {};
  if (!queries || !keys)
    return badArgument("expects the query and key blocks of pairs, but got null");
  for (size_t i = 0; i < count; ++i) {
    Index q = queries[i * stride], k = keys[i * stride];
    if (!isBelow(q, grid().queryBlocks))
      return makeError(StatusCode::InvalidArgument, "expects query blocks below ", grid().queryBlocks, ", but got ", q,
                       " in pair ", i);
    if (!isBelow(k, grid().keyBlocks))
      return badKey(grid(), static_cast<uint64_t>(q), k);
  }
  PairList<Index> pairs = {queries, keys, count, stride};
  if (count < grid().queryBlocks / 8)
    addSorted(pairs, content->rows);
  else
    addCounted(pairs, grid().queryBlocks, content->rows);
  return {};
}

template <typename Offset, typename Index>
Status BlockMaskBuilder::addCsr(const Offset *offsets, const Index *columns, size_t columnCount) {
  if (!content->gridStatus.isOk())
    return content->gridStatus;
  if (!offsets || (!columns && columnCount != 0))
    return badArgument("expects row offsets and columns, but got null");
  if (Status status = checkOffsets(offsets, grid().queryBlocks, columnCount); !status.isOk())
    return status;
  for (uint32_t q = 0; q < grid().queryBlocks; ++q)
    for (Offset i = offsets[q]; i < offsets[q + 1]; ++i)
      if (!isBelow(columns[i], grid().keyBlocks))
        return badKey(grid(), q, columns[i]);
  uint32_t *words = content->rows.allocate(columnCount);
  std::copy(columns, columns + columnCount, words);
  for (uint32_t q = 0; q < grid().queryBlocks; ++q) {
    size_t begin = static_cast<size_t>(offsets[q]), count = static_cast<size_t>(offsets[q + 1]) - begin;
    addKeysOf(q, words + begin, count, content->rows);
  }
  return {};
}

#define SPARSE_ATTN_ADD_PAIRS(Index)                                                                                   \
  template SPARSE_ATTN_EXPORT Status BlockMaskBuilder::addPairs(const Index *, const Index *, size_t, size_t);
SPARSE_ATTN_ADD_PAIRS(uint32_t)
SPARSE_ATTN_ADD_PAIRS(int32_t)
SPARSE_ATTN_ADD_PAIRS(uint64_t)
SPARSE_ATTN_ADD_PAIRS(int64_t)
#undef SPARSE_ATTN_ADD_PAIRS

#define SPARSE_ATTN_ADD_CSR(Offset, Index)                                                                             \
  template SPARSE_ATTN_EXPORT Status BlockMaskBuilder::addCsr(const Offset *, const Index *, size_t);
#define SPARSE_ATTN_ADD_CSR_OF(Offset)                                                                                 \
  SPARSE_ATTN_ADD_CSR(Offset, uint16_t)                                                                                \
  SPARSE_ATTN_ADD_CSR(Offset, uint32_t)                                                                                \
  SPARSE_ATTN_ADD_CSR(Offset, int32_t)                                                                                 \
  SPARSE_ATTN_ADD_CSR(Offset, int64_t)
SPARSE_ATTN_ADD_CSR_OF(uint32_t)
SPARSE_ATTN_ADD_CSR_OF(int32_t)
SPARSE_ATTN_ADD_CSR_OF(uint64_t)
SPARSE_ATTN_ADD_CSR_OF(int64_t)
#undef SPARSE_ATTN_ADD_CSR_OF
#undef SPARSE_ATTN_ADD_CSR

} // namespace sparse_attn
