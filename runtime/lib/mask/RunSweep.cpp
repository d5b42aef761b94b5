//===- RunSweep.cpp - The transpose of runs -------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each row is compared with the one before: a key that appears starts a run of
// rows, a key that disappears ends one. So the cost is how much rows differ,
// not how much is in them.
//
//===----------------------------------------------------------------------===//

#include "mask/RunSweep.h"

#include "mask/RowIndexWriter.h"

#include <algorithm>
#include <vector>

namespace sparse_attn::mask {

namespace {

/// Follows every key down the rows.
class RunSweep {
public:
  RunSweep(const Slab &slab, uint32_t keys) : slab(slab), starts(keys, none) {}

  void sweep(uint32_t rows) {
    std::vector<uint32_t> above, edges;
    for (uint32_t row = 0; row <= rows; ++row) {
      edges.clear();
      if (row < rows)
        listEdges(row, edges);
      toggle(above, edges, row);
      above.swap(edges);
    }
  }

  void write(Slab &result) const {
    Array<uint32_t> offsets(starts.size() + 1);
    std::fill(offsets.begin(), offsets.end(), 0);
    for (const KeyedRun &found : runs)
      ++offsets[found.key + size_t(1)];
    for (size_t key = 0; key < starts.size(); ++key)
      offsets[key + 1] += offsets[key];
    result.runs = Array<KeyRun>(runs.size());
    std::vector<uint32_t> next(offsets.begin(), offsets.end());
    for (const KeyedRun &found : runs)
      result.runs[next[found.key]++] = found.run;
    result.runRows = indexOf(offsets);
  }

private:
  static constexpr uint32_t none = UINT32_MAX;

  struct KeyedRun {
    uint16_t key;
    KeyRun run; ///< Of rows.
  };

  /// The keys where row `row` changes from not set to set and back, ascending.
  void listEdges(uint32_t row, std::vector<uint32_t> &edges) const {
    auto add = [&](uint32_t first, uint32_t past) {
      if (!edges.empty() && edges.back() == first)
        edges.back() = past;
      else
        edges.insert(edges.end(), {first, past});
    };
    BlockRange keysAt = slab.keyRows.find(row), runsAt = slab.runRows.find(row);
    uint32_t i = keysAt.first, j = runsAt.first;
    while (i < keysAt.past || j < runsAt.past)
      if (j == runsAt.past || (i < keysAt.past && slab.keys[i] < slab.runs[j].first)) {
        add(slab.keys[i], slab.keys[i] + uint32_t(1));
        ++i;
      } else {
        add(slab.runs[j].first, slab.runs[j].last + uint32_t(1));
        ++j;
      }
  }

  /// Starts or ends a run at each key that only one of two rows has: those between edges that only one of them has.
  void toggle(const std::vector<uint32_t> &above, const std::vector<uint32_t> &edges, uint32_t row) {
    size_t i = 0, j = 0;
    while (i < above.size() || j < edges.size()) {
      uint32_t first = takeEdge(above, edges, i, j);
      if (first == none)
        continue;
      uint32_t past = none;
      while (past == none)
        past = takeEdge(above, edges, i, j);
      for (uint32_t key = first; key < past; ++key)
        toggleKey(key, row);
    }
  }

  /// The next edge of either row, or `none` for one that both have.
  static uint32_t takeEdge(const std::vector<uint32_t> &above, const std::vector<uint32_t> &edges, size_t &i,
                           size_t &j) {
    if (i < above.size() && j < edges.size() && above[i] == edges[j]) {
      ++i;
      ++j;
      return none;
    }
    return j == edges.size() || (i < above.size() && above[i] < edges[j]) ? above[i++] : edges[j++];
  }

  void toggleKey(uint32_t key, uint32_t row) {
    if (starts[key] == none) {
      starts[key] = row;
      return;
    }
    runs.push_back({static_cast<uint16_t>(key), {static_cast<uint16_t>(starts[key]), static_cast<uint16_t>(row - 1)}});
    starts[key] = none;
  }

  const Slab &slab;
  std::vector<uint32_t> starts; ///< By key: where its current run starts, or `none`.
  std::vector<KeyedRun> runs;   ///< In the order of their last rows.
};

} // namespace

void sweepRuns(const Slab &slab, uint32_t rows, uint32_t keys, Slab &result) {
  RunSweep sweep(slab, keys);
  sweep.sweep(rows);
  sweep.write(result);
}

} // namespace sparse_attn::mask
