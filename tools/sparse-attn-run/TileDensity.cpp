//===- TileDensity.cpp - How much of the masked tiles attends --------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileDensity.h"

#include "support/Check.h"
#include "support/Progress.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tbb/blocked_range.h>
#include <tbb/parallel_reduce.h>
#include <vector>

namespace sparse_attn::tools::run {

namespace {

constexpr int64_t maxPairs = int64_t(1) << 31;

/// The items of a step that can differ, and where their tiles lie.
class Items {
public:
  explicit Items(const StepInfo &info)
      : info(info), modulo(info.kernel->modulo), tileQ(info.variant->tileQ), tileK(info.variant->tileK),
        heads(info.query.size[1]), batchCount(info.perBatch ? info.query.size[0] : 1),
        headCount(info.perHead ? heads : 1), perHead(info.items / (info.query.size[0] * heads)) {}

  int64_t count() const { return batchCount * headCount * perHead; }
  int64_t pairsOfItem() const { return tileQ * info.key.size[2]; }

  /// Adds the masked tiles of item `index` of those that can differ.
  void add(const Plan &plan, size_t step, int64_t index, TileDensity &density) const {
    int64_t b = index / perHead / headCount, h = index / perHead % headCount, t = index % perHead;
    std::vector<uint32_t> partial, full;
    check(plan.visitedTiles(step, (b * heads + h) * perHead + t, partial, full));
    if (partial.empty())
      return;
    Sequence sequence = info.sequenceOf(b);
    int64_t tilesOfClass = ((sequence.queries + modulo - 1) / modulo + tileQ - 1) / tileQ;
    std::vector<int64_t> pairs(partial.size());
    std::vector<uint8_t> attends(static_cast<size_t>(sequence.keys));
    for (int64_t i = 0; i < tileQ; ++i) {
      int64_t row = t / tilesOfClass + modulo * (t % tilesOfClass * tileQ + i);
      if (row >= sequence.queries)
        break;
      check(plan.predicate(step, b, h, row, attends.data()));
      for (size_t tile = 0; tile < partial.size(); ++tile)
        pairs[tile] += countKeys(attends, row + sequence.keys - sequence.queries, partial[tile]);
    }
    for (int64_t found : pairs)
      addTile(found, density);
  }

private:
  /// Of the keys that the row at `position` attends to, those of key tile `tile`, which are at that position modulo
  /// `modulo`.
  int64_t countKeys(const std::vector<uint8_t> &attends, int64_t position, int64_t tile) const {
    int64_t keys = static_cast<int64_t>(attends.size()), remainder = (position % modulo + modulo) % modulo, count = 0;
    for (int64_t i = tile * tileK; i < (tile + 1) * tileK; ++i)
      if (int64_t key = remainder + modulo * i; key < keys)
        count += attends[static_cast<size_t>(key)];
    return count;
  }

  void addTile(int64_t pairs, TileDensity &density) const {
    int64_t computed = tileQ * tileK;
    density.pairs += pairs;
    density.computed += computed;
    ++density.eighths[static_cast<size_t>(std::min<int64_t>(8 * pairs / computed, 7))];
  }

  const StepInfo &info;
  int64_t modulo, tileQ, tileK, heads, batchCount, headCount, perHead;
};

/// What was found of `seen` masked tiles, for all `tiles` of them.
void scale(TileDensity &density, int64_t seen, int64_t tiles) {
  auto grow = [&](int64_t &number) {
    number = std::llround(static_cast<double>(number) * static_cast<double>(tiles) / static_cast<double>(seen));
  };
  grow(density.pairs);
  grow(density.computed);
  for (int64_t &count : density.eighths)
    grow(count);
}

} // namespace

TileDensity &TileDensity::operator+=(const TileDensity &other) {
  pairs += other.pairs;
  computed += other.computed;
  for (size_t i = 0; i < eighths.size(); ++i)
    eighths[i] += other.eighths[i];
  estimated |= other.estimated;
  return *this;
}

int64_t TileDensity::tiles() const { return std::accumulate(eighths.begin(), eighths.end(), int64_t(0)); }

std::optional<TileDensity> measureTileDensity(const Plan &plan, size_t step) {
  StepInfo info = plan.step(step);
  if (info.tiles.partial == 0)
    return TileDensity();
  if (!info.variant->entries.tiles)
    return std::nullopt;
  Items items(info);
  int64_t all = items.count(), looked = std::clamp<int64_t>(maxPairs / items.pairsOfItem(), 1, all);
  Progress progress("looking at masked tiles", looked);
  auto addRange = [&](const tbb::blocked_range<int64_t> &range, TileDensity sum) {
    for (int64_t i = range.begin(); i < range.end(); ++i) {
      // The odd step within a stratum keeps a sample from always meeting the same tile of a period.
      int64_t begin = all * i / looked, size = all * (i + 1) / looked - begin;
      items.add(plan, step, begin + i * 37 % size, sum);
    }
    progress.advance(static_cast<int64_t>(range.size()));
    return sum;
  };
  auto join = [](TileDensity left, const TileDensity &right) { return left += right; };
  TileDensity density = tbb::parallel_reduce(tbb::blocked_range<int64_t>(0, looked), TileDensity(), addRange, join);
  density.estimated = looked < all;
  if (int64_t seen = density.tiles(); seen > 0)
    scale(density, seen, info.tiles.partial);
  return density;
}

} // namespace sparse_attn::tools::run
