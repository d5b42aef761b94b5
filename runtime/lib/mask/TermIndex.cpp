//===- TermIndex.cpp - The terms that reach a row -------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/TermIndex.h"

#include <algorithm>

namespace sparse_attn::mask {

namespace {

/// Calls visitor(node) for the nodes that together cover leaves [first, past) of a tree.
template <typename Visitor> void forEachCover(size_t leaves, size_t first, size_t past, const Visitor &visitor) {
  for (first += leaves, past += leaves; first < past; first /= 2, past /= 2) {
    if (first % 2 == 1)
      visitor(first++);
    if (past % 2 == 1)
      visitor(--past);
  }
}

/// Where terms begin or end, ascending, each once.
std::vector<uint32_t> boundsOf(const std::vector<BandTerm> &terms) {
  std::vector<uint32_t> bounds;
  bounds.reserve(2 * terms.size());
  for (const BandTerm &term : terms) {
    bounds.push_back(term.queryFirst);
    bounds.push_back(term.queryPast);
  }
  std::sort(bounds.begin(), bounds.end());
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
  return bounds;
}

} // namespace

TermIndex::TermIndex(std::vector<BandTerm> terms) : list(std::move(terms)) {
  for (const BandTerm &term : list)
    steps |= term.step > 1;
  if (list.size() > listedTerms)
    buildTree();
}

void TermIndex::buildTree() {
  std::vector<uint32_t> ascending = boundsOf(list);
  bounds = Array<uint32_t>(ascending.size());
  std::copy(ascending.begin(), ascending.end(), bounds.begin());
  for (leaves = 1; leaves < bounds.size();)
    leaves *= 2;
  auto leafAt = [this](uint32_t bound) {
    return static_cast<size_t>(std::lower_bound(bounds.begin(), bounds.end(), bound) - bounds.begin());
  };
  auto forEachNode = [&](const auto &visitor) {
    for (uint32_t i = 0; i < list.size(); ++i)
      forEachCover(leaves, leafAt(list[i].queryFirst), leafAt(list[i].queryPast),
                   [&](size_t node) { visitor(node, i); });
  };
  nodeOffsets = Array<uint32_t>(2 * leaves + 1);
  std::fill(nodeOffsets.begin(), nodeOffsets.end(), 0);
  forEachNode([&](size_t node, uint32_t) { ++nodeOffsets[node + 1]; });
  for (size_t node = 0; node < 2 * leaves; ++node)
    nodeOffsets[node + 1] += nodeOffsets[node];
  nodeTerms = Array<uint32_t>(nodeOffsets[2 * leaves]);
  std::vector<uint32_t> next(nodeOffsets.begin(), nodeOffsets.end());
  forEachNode([&](size_t node, uint32_t term) { nodeTerms[next[node]++] = term; });
}

size_t TermIndex::leafOf(uint32_t q) const {
  const uint32_t *above = std::upper_bound(bounds.begin(), bounds.end(), q);
  return above == bounds.begin() || above == bounds.end() ? 0
                                                          : leaves + static_cast<size_t>(above - bounds.begin() - 1);
}

size_t TermIndex::heapBytes() const {
  return list.capacity() * sizeof(BandTerm) + bounds.bytes() + nodeOffsets.bytes() + nodeTerms.bytes();
}

} // namespace sparse_attn::mask
