//===- SlabTranspose.cpp - The transpose of a slab ------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pairs are sorted by key: counted by key first, then each put in its place,
// row by row, so that the rows of a key come out ascending.
// Where most pairs are in runs that would be slow: those are left to RunSweep.
//
//===----------------------------------------------------------------------===//

#include "mask/SlabTranspose.h"

#include "mask/RowIndexWriter.h"
#include "mask/RunSweep.h"
#include "mask/Workers.h"

#include <algorithm>
#include <utility>

namespace sparse_attn::mask {

namespace {

/// The rows of a slab that one thread sorts.
struct RowShare {
  uint32_t first, past;
  std::vector<uint32_t> next; ///< Where the next pair of each key goes; at first, how many pairs there are.
};

/// Counts the pairs of a share by their key.
void countPairs(const Slab &slab, RowShare &share) {
  uint32_t *counts = share.next.data();
  for (uint32_t row = share.first; row < share.past; ++row) {
    BlockRange keysAt = slab.keyRows.find(row), runsAt = slab.runRows.find(row);
    for (uint32_t i = keysAt.first; i < keysAt.past; ++i)
      ++counts[slab.keys[i]];
    for (uint32_t i = runsAt.first; i < runsAt.past; ++i)
      for (uint32_t key = slab.runs[i].first; key <= slab.runs[i].last; ++key)
        ++counts[key];
  }
}

/// Puts the rows of a share where those of their keys go. Places are all over the memory: each is asked for well before
/// it is written.
void placePairs(const Slab &slab, RowShare &share, uint16_t *sorted) {
  constexpr uint32_t ahead = 32;
  uint32_t *next = share.next.data();
  uint32_t keyCount = static_cast<uint32_t>(slab.keys.size());
  for (uint32_t row = share.first; row < share.past; ++row) {
    BlockRange keysAt = slab.keyRows.find(row), runsAt = slab.runRows.find(row);
    for (uint32_t i = keysAt.first; i < keysAt.past; ++i) {
      if (i + ahead < keyCount)
        __builtin_prefetch(sorted + next[slab.keys[i + ahead]], 1);
      sorted[next[slab.keys[i]]++] = static_cast<uint16_t>(row);
    }
    for (uint32_t i = runsAt.first; i < runsAt.past; ++i)
      for (uint32_t key = slab.runs[i].first; key <= slab.runs[i].last; ++key)
        sorted[next[key]++] = static_cast<uint16_t>(row);
  }
}

std::vector<RowShare> shareOut(uint32_t rows, uint32_t keys, int32_t workers) {
  std::vector<RowShare> shares(static_cast<size_t>(workers));
  for (size_t i = 0; i < shares.size(); ++i) {
    shares[i].first = static_cast<uint32_t>(uint64_t(rows) * i / shares.size());
    shares[i].past = static_cast<uint32_t>(uint64_t(rows) * (i + 1) / shares.size());
    shares[i].next.assign(keys, 0);
  }
  return shares;
}

/// Turns the counts of all shares into places. Returns where the pairs of each key begin, and where the last ones end.
Array<uint32_t> placeShares(std::vector<RowShare> &shares, uint32_t keys) {
  Array<uint32_t> offsets(keys + size_t(1));
  uint32_t sum = 0;
  for (uint32_t key = 0; key < keys; ++key) {
    offsets[key] = sum;
    for (RowShare &share : shares)
      sum += std::exchange(share.next[key], sum);
  }
  offsets[keys] = sum;
  return offsets;
}

template <typename Body> void forEachShare(std::vector<RowShare> &shares, const Body &body) {
  int64_t count = static_cast<int64_t>(shares.size());
  parallelChunks(count, 1, static_cast<int32_t>(count),
                 [&](int32_t, int64_t i, int64_t) { body(shares[static_cast<size_t>(i)]); });
}

/// For slabs that are almost empty: work and memory follow the pairs, not the size of the slab.
void sortFewByKey(const Slab &slab, uint32_t keys, Slab &result) {
  std::vector<uint32_t> pairs; // key << 16 | row
  for (size_t entry = 0; entry < slab.keyRows.entries(); ++entry)
    for (uint32_t i = slab.keyRows.offsets[entry]; i < slab.keyRows.offsets[entry + 1]; ++i)
      pairs.push_back(uint32_t(slab.keys[i]) << 16 | slab.keyRows.rowOf(entry));
  std::sort(pairs.begin(), pairs.end());
  std::vector<std::pair<uint16_t, uint32_t>> counts; // Key, number of rows.
  result.keys = Array<uint16_t>(pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    uint16_t key = static_cast<uint16_t>(pairs[i] >> 16);
    if (counts.empty() || counts.back().first != key)
      counts.push_back({key, 0});
    ++counts.back().second;
    result.keys[i] = static_cast<uint16_t>(pairs[i]);
  }
  RowIndexWriter writer(keys, counts.size());
  for (auto [key, count] : counts)
    writer.add(key, count);
  result.keyRows = writer.finish();
}

void sortByKey(const Slab &slab, uint32_t rows, uint32_t keys, int32_t workers, Slab &result) {
  std::vector<RowShare> shares = shareOut(rows, keys, workers);
  forEachShare(shares, [&](RowShare &share) { countPairs(slab, share); });
  Array<uint32_t> offsets = placeShares(shares, keys);
  result.keyRows = indexOf(offsets);
  result.keys = Array<uint16_t>(offsets[keys]);
  forEachShare(shares, [&](RowShare &share) { placePairs(slab, share, result.keys.data()); });
}

} // namespace

Slab transposeSlab(const Slab &slab, uint32_t rows, uint32_t keys, int32_t threads) {
  Slab result;
  result.queryFirst = slab.keyFirst;
  result.keyFirst = slab.queryFirst;
  uint64_t inRuns = 0;
  for (const KeyRun &run : slab.runs)
    inRuns += run.last - run.first + uint64_t(1);
  constexpr size_t fewPairs = 4096;
  if (inRuns == 0 && slab.keys.size() <= fewPairs) {
    sortFewByKey(slab, keys, result);
    return result;
  }
  if (inRuns <= slab.keys.size() && inRuns + slab.keys.size() <= UINT32_MAX) {
    sortByKey(slab, rows, keys, workersFor(threads), result);
    return result;
  }
  sweepRuns(slab, rows, keys, result);
  return result;
}

} // namespace sparse_attn::mask
