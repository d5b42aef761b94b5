//===- SampleRows.cpp - The rows that a verification looks at --------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SampleRows.h"

#include <algorithm>
#include <random>
#include <set>
#include <tuple>

namespace sparse_attn::tools::run {

namespace {

/// Query rows that every sample has, as far as they exist.
std::vector<int64_t> distinguishedQueries(int64_t queries, int64_t tileQ) {
  std::vector<int64_t> rows = {0,  1,  2,  15,        16,    31,          32,          33,
                               62, 63, 64, tileQ - 1, tileQ, queries / 2, queries - 2, queries - 1};
  int64_t lastTile = (queries - 1) / tileQ * tileQ;
  rows.insert(rows.end(), {lastTile - 1, lastTile});
  rows.erase(std::remove_if(rows.begin(), rows.end(), [&](int64_t row) { return row < 0 || row >= queries; }),
             rows.end());
  return rows;
}

} // namespace

std::vector<Row> allRows(int64_t batches, int64_t heads, int64_t queries) {
  std::vector<Row> rows;
  rows.reserve(static_cast<size_t>(batches * heads * queries));
  for (int64_t b = 0; b < batches; ++b)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t q = 0; q < queries; ++q)
        rows.push_back({b, h, q});
  return rows;
}

std::vector<Row> sampleRows(int64_t batches, int64_t heads, int64_t queries, int64_t tileQ, int64_t count) {
  if (batches * heads * queries <= count)
    return allRows(batches, heads, queries);
  std::mt19937_64 bits; // The standard fixes its sequence, but not that of the distributions.
  auto below = [&](int64_t limit) { return static_cast<int64_t>(bits() % static_cast<uint64_t>(limit)); };
  std::set<std::tuple<int64_t, int64_t, int64_t>> chosen;
  for (int64_t query : distinguishedQueries(queries, tileQ))
    chosen.emplace(below(batches), below(heads), query);
  for (bool edge = false; static_cast<int64_t>(chosen.size()) < count; edge = !edge) {
    int64_t query = below(queries);
    if (edge)
      query = std::clamp<int64_t>(query / tileQ * tileQ + below(3) - 1, 0, queries - 1);
    chosen.emplace(below(batches), below(heads), query);
  }
  std::vector<Row> rows;
  for (auto [batch, head, query] : chosen)
    rows.push_back({batch, head, query});
  return rows;
}

} // namespace sparse_attn::tools::run
