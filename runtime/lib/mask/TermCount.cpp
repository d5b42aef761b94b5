//===- TermCount.cpp - How many pairs terms hold --------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a term's keys begin and end in row q is constant or q plus a constant.
// Between two rows where such bounds start, stop or cross each other, the
// number of keys in the union is therefore linear in q: its sum needs the
// first and the last row only.
//
//===----------------------------------------------------------------------===//

#include "mask/TermCount.h"

#include "mask/RowReader.h"
#include "mask/Workers.h"

#include <algorithm>
#include <atomic>
#include <vector>

namespace sparse_attn::mask {

namespace {

constexpr int64_t countedRows = 4096;

uint64_t rowCount(RowReader &reader, uint32_t q) {
  RowPiece piece;
  uint64_t count = 0;
  for (reader.start(q); reader.next(piece);)
    count += piece.count();
  return count;
}

uint64_t countRowByRow(const MaskStore &store, int32_t threads) {
  std::atomic<uint64_t> sum{0};
  parallelChunks(store.grid.queryBlocks, countedRows, workersFor(threads), [&](int32_t, int64_t begin, int64_t end) {
    RowReader reader(store, RowPart::Terms);
    uint64_t count = 0;
    for (int64_t q = begin; q < end; ++q)
      count += rowCount(reader, static_cast<uint32_t>(q));
    sum += count;
  });
  return sum;
}

/// The rows, ascending, between which the count is linear.
std::vector<int64_t> bends(const MaskStore &store) {
  std::vector<int64_t> rows = {0, store.grid.queryBlocks};
  std::vector<int64_t> keys, distances;
  for (const BandTerm &term : store.terms.terms()) {
    rows.insert(rows.end(), {term.queryFirst, term.queryPast});
    keys.insert(keys.end(), {term.keyFirst, term.keyPast});
    distances.insert(distances.end(), {term.lowest, term.highest + 1});
  }
  // q + distance passes a key between the rows `key - distance` and the next.
  for (int64_t key : keys)
    for (int64_t distance : distances)
      if (key - distance >= 0 && key - distance < store.grid.queryBlocks)
        rows.insert(rows.end(), {key - distance, key - distance + 1});
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

} // namespace

uint64_t countTermPairs(const MaskStore &store, int32_t threads) {
  uint64_t terms = store.terms.terms().size();
  if (terms == 0)
    return 0;
  if (store.terms.hasSteps() || 8 * terms * terms > store.grid.queryBlocks)
    return countRowByRow(store, threads);
  RowReader reader(store, RowPart::Terms);
  std::vector<int64_t> rows = bends(store);
  uint64_t sum = 0;
  for (size_t i = 0; i + 1 < rows.size(); ++i) {
    uint64_t length = static_cast<uint64_t>(rows[i + 1] - rows[i]);
    uint64_t ends =
        rowCount(reader, static_cast<uint32_t>(rows[i])) + rowCount(reader, static_cast<uint32_t>(rows[i + 1] - 1));
    sum += length * ends / 2; // The sum of an arithmetic series: even.
  }
  return sum;
}

} // namespace sparse_attn::mask
