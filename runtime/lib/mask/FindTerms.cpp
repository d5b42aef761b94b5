//===- FindTerms.cpp - Bands among stored rows ----------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/FindTerms.h"

#include <algorithm>
#include <optional>

namespace sparse_attn::mask {

namespace {

/// A run and one so many rows below must agree to begin a band: random blocks at the ends of a run would mislead
/// neighbours.
constexpr uint32_t lookAhead = 8;

/// A band of fewer rows takes more memory than its runs.
constexpr uint32_t shortestBand = 16;

/// Every so many rows are looked at to tell whether there is anything to find.
constexpr uint32_t sampledRows = 61;

/// Bands are worth to be looked for where one in so many runs belongs to one.
constexpr size_t rarestBands = 8;

/// More bands would be a list of another kind.
constexpr size_t maxBands = 4096;

/// An interval whose ends either stay or move by one key block from row to row.
struct Band {
  uint32_t firstRow;
  uint32_t first, last; ///< Key blocks at `firstRow`.
  bool firstMoves, lastMoves;

  uint32_t firstAt(uint32_t row) const { return first + (firstMoves ? row - firstRow : 0); }
  uint32_t lastAt(uint32_t row) const { return last + (lastMoves ? row - firstRow : 0); }
};

/// Looks for the bands of one slab.
class BandFinder {
public:
  BandFinder(const Slab &slab, uint32_t rows) : slab(slab), rows(rows) {}

  /// Whether enough runs belong to bands.
  bool isWorthwhile() const {
    size_t runs = 0, begun = 0;
    for (uint32_t row = 0; row < rows; row += sampledRows) {
      BlockRange at = slab.runRows.find(row);
      runs += at.size();
      for (uint32_t i = at.first; i < at.past; ++i)
        begun += beginAt(row, slab.runs[i]).has_value();
    }
    return begun != 0 && begun * rarestBands >= runs;
  }

  void find(std::vector<BandTerm> &terms) {
    for (uint32_t row = 0; row < rows && terms.size() <= maxBands; ++row) {
      BlockRange at = slab.runRows.find(row);
      claimed.assign(at.size(), false);
      advance(row, at, terms);
      for (uint32_t i = at.first; i < at.past; ++i)
        if (!claimed[i - at.first])
          if (std::optional<Band> band = beginAt(row, slab.runs[i]))
            bands.push_back(*band);
    }
    for (const Band &band : bands)
      end(band, rows, terms);
  }

private:
  /// The run of `row` that holds key block `key`, or null.
  const KeyRun *runAt(uint32_t row, uint32_t key) const {
    BlockRange at = slab.runRows.find(row);
    const KeyRun *end = slab.runs.data() + at.past;
    const KeyRun *run =
        std::partition_point(slab.runs.data() + at.first, end, [key](const KeyRun &run) { return run.last < key; });
    return run != end && run->first <= key ? run : nullptr;
  }

  /// The band that `run` and a run some rows below are part of.
  std::optional<Band> beginAt(uint32_t row, const KeyRun &run) const {
    if (row + lookAhead >= rows)
      return std::nullopt;
    for (bool firstMoves : {false, true})
      for (bool lastMoves : {false, true}) {
        Band band = {row, run.first, run.last, firstMoves, lastMoves};
        uint32_t first = band.firstAt(row + lookAhead), last = band.lastAt(row + lookAhead);
        const KeyRun *below = first <= last ? runAt(row + lookAhead, first) : nullptr;
        if (below && below->first == first && below->last == last)
          return band;
      }
    return std::nullopt;
  }

  /// Goes on with the bands that row `row`, whose runs are at `at`, holds, and ends the others.
  void advance(uint32_t row, BlockRange at, std::vector<BandTerm> &terms) {
    size_t kept = 0;
    for (const Band &band : bands) {
      uint32_t first = band.firstAt(row), last = band.lastAt(row);
      const KeyRun *run = first <= last ? runAt(row, first) : nullptr;
      if (!run || run->last < last) {
        end(band, row, terms);
        continue;
      }
      // A run that is much longer is part of something else, too.
      uint32_t beyond = (run->last - run->first) - (last - first);
      if (beyond < lookAhead)
        claimed[static_cast<size_t>(run - slab.runs.data()) - at.first] = true;
      bands[kept++] = band;
    }
    bands.resize(kept);
  }

  void end(const Band &band, uint32_t pastRow, std::vector<BandTerm> &terms) const {
    if (pastRow - band.firstRow < shortestBand)
      return;
    BandTerm term = {};
    term.queryFirst = slab.queryFirst + band.firstRow;
    term.queryPast = slab.queryFirst + pastRow;
    term.keyFirst = slab.keyFirst + band.first;
    term.keyPast = slab.keyFirst + band.lastAt(pastRow - 1) + 1;
    if (band.firstMoves)
      term.lowest = int64_t(slab.keyFirst + band.first) - term.queryFirst;
    else
      term.lowest = -BandTerm::unbounded;
    if (band.lastMoves)
      term.highest = int64_t(slab.keyFirst + band.last) - term.queryFirst;
    else
      term.highest = BandTerm::unbounded;
    term.step = 1;
    terms.push_back(term);
  }

  const Slab &slab;
  uint32_t rows;
  std::vector<Band> bands;   ///< Those that reach the current row.
  std::vector<bool> claimed; ///< Runs of the current row that belong to a band.
};

} // namespace

std::vector<BandTerm> findTerms(const MaskStore &store) {
  std::vector<BandTerm> terms;
  for (const Slab &slab : store.slabs) {
    BandFinder finder(slab, std::min(slabBlocks, store.grid.queryBlocks - slab.queryFirst));
    if (slab.runs.size() >= shortestBand && finder.isWorthwhile())
      finder.find(terms);
    if (terms.size() > maxBands)
      return {};
  }
  return terms;
}

} // namespace sparse_attn::mask
