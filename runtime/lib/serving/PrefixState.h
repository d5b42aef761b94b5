//===- PrefixState.h - What all nodes have said ---------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The state that merges. It is the join of two orders: of the epochs of a node
// the later one counts alone, and within an epoch, of the words on a block, the
// one with the higher sequence. Both orders are total, since only the node
// itself speaks in an epoch; so a join depends neither on order nor on repeats.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SERVING_PREFIXSTATE_H
#define SPARSE_ATTN_LIB_SERVING_PREFIXSTATE_H

#include "serving/PrefixDelta.h"

#include <map>
#include <unordered_map>
#include <vector>

namespace sparse_attn::serving {

/// Not thread-safe. Members may throw std::bad_alloc, after which the state is a valid one between before and after.
class PrefixState {
public:
  /// Calls visitor(location) for every block that holds `hash`, in any order.
  template <typename Visitor> void forEachHolder(const PrefixHash &hash, const Visitor &visitor) const {
    auto [first, last] = holders.equal_range(hash);
    for (auto holder = first; holder != last; ++holder)
      visitor(holder->second);
  }

  /// The word on a block that counts, or null.
  const Word *find(BlockLocation location) const;
  bool knowsNode(uint32_t node) const { return nodes.count(node) != 0; }
  size_t nodeCount() const { return nodes.size(); }
  /// A word of the section that differs from the known one of the same epoch and sequence, or null: two nodes speak as
  /// one, or a node has not started a later epoch.
  const Word *findContradiction(const DeltaSection &section) const;
  /// Epoch 0 and sequence 0 for a node that is not known.
  NodeVersion version(uint32_t node) const;
  VersionVector versions() const;
  std::vector<CachedBlock> cachedBlocks() const;

  /// Makes a node known. Starts `epoch`, unless it is in that or a later one already.
  void startEpoch(uint32_t node, uint64_t epoch);
  /// A known node says a word, whose sequence is the next one.
  void say(uint32_t node, Word word);
  /// What is new since `since`, ascending by node.
  std::vector<DeltaSection> since(const VersionVector &since) const;
  /// Merges sections without contradictions.
  AppliedDelta merge(const std::vector<DeltaSection> &sections);

private:
  struct Node {
    uint64_t epoch = 0;
    uint64_t sequence = 0;                    ///< All words up to this one are known, or what replaced them.
    std::unordered_map<uint32_t, Word> words; ///< The last one on each block.
    std::map<uint64_t, uint32_t> blocks;      ///< Their blocks, by sequence.
  };
  struct HashOfHash {
    size_t operator()(const PrefixHash &hash) const { return static_cast<size_t>(hash.low); }
  };

  /// Takes a word if it is later than what is known of its block. Returns whether it is.
  bool take(uint32_t node, Node &state, const Word &word);
  void removeHolder(const PrefixHash &hash, BlockLocation location);

  std::map<uint32_t, Node> nodes;
  /// A set for each hash. Nearly all have one or two members, which neither a list nor a bitmap of their own would
  /// hold in less.
  std::unordered_multimap<PrefixHash, BlockLocation, HashOfHash> holders;
};

} // namespace sparse_attn::serving

#endif // SPARSE_ATTN_LIB_SERVING_PREFIXSTATE_H
