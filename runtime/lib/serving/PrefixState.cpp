//===- PrefixState.cpp - What all nodes have said -------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "serving/PrefixState.h"

#include <algorithm>

namespace sparse_attn::serving {

const Word *PrefixState::find(BlockLocation location) const {
  auto node = nodes.find(location.node);
  if (node == nodes.end())
    return nullptr;
  auto word = node->second.words.find(location.block);
  // A word that memory ran out for has sequence 0.
  return word == node->second.words.end() || word->second.sequence == 0 ? nullptr : &word->second;
}

const Word *PrefixState::findContradiction(const DeltaSection &section) const {
  auto node = nodes.find(section.node);
  if (node == nodes.end() || node->second.epoch != section.epoch)
    return nullptr;
  for (const Word &word : section.words) {
    auto block = node->second.blocks.find(word.sequence);
    if (block == node->second.blocks.end())
      continue;
    const Word &known = node->second.words.at(block->second);
    if (known.block != word.block || known.isHeld != word.isHeld || known.hash != word.hash)
      return &word;
  }
  return nullptr;
}

NodeVersion PrefixState::version(uint32_t node) const {
  auto state = nodes.find(node);
  return state == nodes.end() ? NodeVersion{node, 0, 0}
                              : NodeVersion{node, state->second.epoch, state->second.sequence};
}

VersionVector PrefixState::versions() const {
  VersionVector versions;
  for (const auto &[node, state] : nodes)
    versions.push_back({node, state.epoch, state.sequence});
  return versions;
}

std::vector<CachedBlock> PrefixState::cachedBlocks() const {
  std::vector<CachedBlock> blocks;
  blocks.reserve(holders.size());
  for (const auto &[hash, location] : holders)
    blocks.push_back({location, hash});
  std::sort(blocks.begin(), blocks.end(),
            [](const CachedBlock &left, const CachedBlock &right) { return left.location < right.location; });
  return blocks;
}

void PrefixState::startEpoch(uint32_t node, uint64_t epoch) {
  Node &state = nodes[node];
  if (epoch <= state.epoch)
    return;
  for (const auto &[block, word] : state.words)
    if (word.isHeld)
      removeHolder(word.hash, {node, block});
  state = Node();
  state.epoch = epoch;
}

void PrefixState::say(uint32_t node, Word word) {
  Node &state = nodes.at(node);
  word.sequence = ++state.sequence;
  take(node, state, word);
}

std::vector<DeltaSection> PrefixState::since(const VersionVector &since) const {
  std::map<uint32_t, NodeVersion> known;
  for (const NodeVersion &version : since)
    known[version.node] = version;
  std::vector<DeltaSection> sections;
  for (const auto &[node, state] : nodes) {
    auto found = known.find(node);
    bool isKnown = found != known.end();
    if (isKnown && found->second.epoch > state.epoch)
      continue;
    DeltaSection section = {node, state.epoch, 0, 0, {}};
    bool sameEpoch = isKnown && found->second.epoch == state.epoch;
    section.since = sameEpoch ? found->second.sequence : 0;
    section.version = std::max(section.since, state.sequence);
    for (auto next = state.blocks.upper_bound(section.since); next != state.blocks.end(); ++next)
      section.words.push_back(state.words.at(next->second));
    if (!sameEpoch || section.version > section.since || !section.words.empty())
      sections.push_back(std::move(section));
  }
  return sections;
}

AppliedDelta PrefixState::merge(const std::vector<DeltaSection> &sections) {
  AppliedDelta applied;
  for (const DeltaSection &section : sections) {
    startEpoch(section.node, section.epoch);
    Node &state = nodes.at(section.node);
    if (section.epoch < state.epoch)
      continue;
    for (const Word &word : section.words)
      applied.changes += take(section.node, state, word) ? 1 : 0;
    if (section.since <= state.sequence)
      state.sequence = std::max(state.sequence, section.version);
    else
      applied.complete = false;
  }
  return applied;
}

bool PrefixState::take(uint32_t node, Node &state, const Word &word) {
  Word &known = state.words[word.block];
  if (word.sequence <= known.sequence)
    return false;
  auto ordered = state.blocks.emplace(word.sequence, word.block).first;
  if (word.isHeld) {
    try {
      holders.emplace(word.hash, BlockLocation{node, word.block});
    } catch (...) {
      state.blocks.erase(ordered);
      throw;
    }
  }
  // From here on nothing throws.
  if (known.isHeld)
    removeHolder(known.hash, {node, word.block});
  if (known.sequence != 0)
    state.blocks.erase(known.sequence);
  known = word;
  return true;
}

void PrefixState::removeHolder(const PrefixHash &hash, BlockLocation location) {
  auto [first, last] = holders.equal_range(hash);
  for (auto holder = first; holder != last; ++holder)
    if (holder->second == location) {
      holders.erase(holder);
      return;
    }
}

} // namespace sparse_attn::serving
