//===- TopKRow.cpp - The blocks that one row keeps ------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/TopKRow.h"

#include "sparse_attn/NumericTypes.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

namespace sparse_attn::mask {

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

/// Numbers that compare as integers in the way their floats do; not for NaN. Both zeros give the same.
uint32_t sortableBits(float score) {
  uint32_t bits = bitsOfFloat(score + 0.0f);
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

uint64_t makeCandidate(float score, size_t block) {
  return uint64_t(sortableBits(score)) << 32 | uint32_t(~static_cast<uint32_t>(block));
}

uint32_t blockOf(uint64_t candidate) { return ~static_cast<uint32_t>(candidate); }

} // namespace

void TopKRow::start(int64_t blocks) {
  size_t size = static_cast<size_t>(blocks);
  heads = 0;
  order.assign(size, -infinity);
  if (options.mass || options.headsPerMask > 1 || options.batchesShare) {
    masses.assign(size, 0.0);
    exponentials.resize(size);
  }
}

int64_t TopKRow::add(const float *scores) {
  // Without a way out of the loop, the compiler makes vectors of it. Comparisons with a NaN are false.
  bool areNumbers = true;
  for (size_t k = 0; k < order.size(); ++k) {
    areNumbers &= scores[k] < infinity;
    order[k] = std::max(order[k], scores[k]);
  }
  if (!areNumbers)
    return std::find_if_not(scores, scores + order.size(), [](float score) { return score < infinity; }) - scores;
  if (!masses.empty())
    addSoftmax(scores);
  ++heads;
  return -1;
}

void TopKRow::addSoftmax(const float *scores) {
  double maximum = *std::max_element(scores, scores + order.size());
  if (maximum == -infinity)
    return;
  double total = 0.0;
  for (size_t k = 0; k < order.size(); ++k)
    total += exponentials[k] = std::exp(scores[k] - maximum);
  for (size_t k = 0; k < order.size(); ++k)
    masses[k] += exponentials[k] / total;
}

void TopKRow::select(int64_t diagonalFirst, int64_t diagonalPast, std::vector<uint32_t> &kept) {
  if (heads > 1)
    for (size_t k = 0; k < order.size(); ++k)
      order[k] = order[k] == -infinity ? -infinity : static_cast<float>(masses[k]);
  kept.clear();
  int64_t sinks = std::min(options.keepSinks, static_cast<int64_t>(order.size()));
  keepAlways(0, sinks, kept);
  keepAlways(std::max(diagonalFirst, sinks), diagonalPast, kept);
  size_t count = order.size();
  if (options.count)
    count = static_cast<size_t>(std::max<int64_t>(*options.count - static_cast<int64_t>(kept.size()), 0));
  if (options.mass)
    keepToMass(count, kept);
  else
    keepBest(std::min(count, order.size()), kept);
  std::sort(kept.begin(), kept.end());
}

void TopKRow::keepAlways(int64_t first, int64_t past, std::vector<uint32_t> &kept) {
  for (int64_t k = first; k < past; ++k) {
    kept.push_back(static_cast<uint32_t>(k));
    order[static_cast<size_t>(k)] = -infinity;
  }
}

void TopKRow::keepBest(size_t count, std::vector<uint32_t> &kept) {
  if (count == 0)
    return;
  // Twice as many are collected and cut to the best half, again and again. From the first cut on few blocks pass the
  // comparison with the worst of the best, so that a row costs little more than reading it.
  float least = std::numeric_limits<float>::lowest();
  candidates.clear();
  for (size_t k = 0; k < order.size(); ++k) {
    if (order[k] < least)
      continue;
    candidates.push_back(makeCandidate(order[k], k));
    if (candidates.size() < 2 * count)
      continue;
    cutToBest(count);
    least = order[blockOf(candidates.back())];
  }
  cutToBest(count);
  for (Candidate candidate : candidates)
    kept.push_back(blockOf(candidate));
}

void TopKRow::keepToMass(size_t count, std::vector<uint32_t> &kept) {
  double target = *options.mass * std::accumulate(masses.begin(), masses.end(), 0.0);
  double sum = 0.0;
  for (uint32_t k : kept)
    sum += masses[k];
  candidates.clear();
  for (size_t k = 0; k < order.size(); ++k)
    if (order[k] > -infinity)
      candidates.push_back(makeCandidate(order[k], k));
  // Few blocks carry most of the mass, so that a heap gives them sooner than sorting all.
  std::make_heap(candidates.begin(), candidates.end());
  for (; count > 0 && sum < target && !candidates.empty(); --count) {
    std::pop_heap(candidates.begin(), candidates.end());
    kept.push_back(blockOf(candidates.back()));
    candidates.pop_back();
    sum += masses[kept.back()];
  }
}

void TopKRow::cutToBest(size_t count) {
  if (count < candidates.size()) {
    auto last = candidates.begin() + static_cast<std::ptrdiff_t>(count) - 1;
    std::nth_element(candidates.begin(), last, candidates.end(), std::greater<Candidate>());
    candidates.resize(count);
  }
}

} // namespace sparse_attn::mask
