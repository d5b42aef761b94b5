//===- PrefixIndex.h - Which prefixes are cached where --------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Requests that start with the same tokens (a system prompt, the turns of a
// conversation) have the same keys and values there. A server keeps those in
// blocks of a fixed number of tokens; this index finds the blocks again, on
// this node and on others, by a hash of their contents (as vLLM does: Kwon et
// al., arXiv:2309.06180, and its design of automatic prefix caching).
//
// The hash of a block covers all tokens before it:
//   hash(0) = SipHash(key, {domain, 0}  || tokens of block 0),
//   hash(i) = SipHash(key, hash(i - 1)  || tokens of block i),
// with SipHash-2-4 of 128 bits (Aumasson and Bernstein, "SipHash: a fast
// short-input PRF", INDOCRYPT 2012), tokens as 32-bit little-endian words, and
// a key derived from that of the options. Whoever does not know the key cannot
// find two prefixes with one hash better than by chance, 2^-128 for a pair; so
// a server that takes requests from strangers chooses it at random.
//
// Several nodes keep one index between them. Each node says of its own blocks
// alone what they hold, and numbers what it says, 1, 2, 3, ...; a later word on
// a block replaces an earlier one, wherever it comes from and in whatever order
// it arrives. Merging is thus commutative, associative and idempotent (a
// state-based CRDT: Shapiro et al., INRIA RR-7506, exchanged by deltas: Almeida
// et al., arXiv:1603.01529), and so:
//  - Two nodes that insert the same prefix at a time both hold it afterwards.
//  - A node that evicts a block loses its own copy only, whatever others do.
//  - Nodes that have seen the same words, in any order, duplicated or passed on
//    by others, hold the same index. Lost deltas are made up for by any later
//    `diff` against what the receiver has.
//  - A node that starts anew counts from 1 again in a later epoch, which voids
//    all that it said before; `retireNode` does so for a node that is gone.
// A block that nobody holds any more costs a few words until its number is used
// again, so that memory follows the number of blocks, not of insertions.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_PREFIXINDEX_H
#define SPARSE_ATTN_PREFIXINDEX_H

#include "sparse_attn/BlockMaskBuilder.h"
#include "sparse_attn/Status.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sparse_attn {

struct PrefixIndexOptions {
  uint32_t node = 0;             ///< The number of this node, which no other node has.
  uint64_t epoch = 0;            ///< Larger each time that this node starts, for instance the time of its start.
  uint32_t blockTokens = 16;     ///< Tokens of a block, the same on all nodes.
  uint64_t key[2] = {0, 0};      ///< Secret, the same on all nodes.
  uint32_t maxBlocks = 1u << 20; ///< The numbers of blocks are below this, on every node.
  uint32_t maxNodes = 1024;      ///< More are refused.
};

/// Tokens of a request that the caller keeps. Null is an empty list.
struct TokenList {
  const int32_t *tokens = nullptr;
  size_t count = 0;

  TokenList() = default;
  TokenList(const int32_t *tokens, size_t count) : tokens(tokens), count(tokens ? count : 0) {}
  TokenList(const std::vector<int32_t> &list) : tokens(list.data()), count(list.size()) {}
};

/// The hash of a block and of all tokens before it.
struct PrefixHash {
  uint64_t low = 0;
  uint64_t high = 0;

  bool operator==(const PrefixHash &other) const { return low == other.low && high == other.high; }
  bool operator!=(const PrefixHash &other) const { return !(*this == other); }
};

/// A physical block, and the node whose memory it is in.
struct BlockLocation {
  uint32_t node = 0;
  uint32_t block = 0;

  bool operator==(const BlockLocation &other) const { return node == other.node && block == other.block; }
  bool operator!=(const BlockLocation &other) const { return !(*this == other); }
  bool operator<(const BlockLocation &other) const {
    return node != other.node ? node < other.node : block < other.block;
  }
};

/// How many of the first blocks of a request one node holds.
struct NodePrefix {
  uint32_t node = 0;
  size_t blocks = 0;
};

/// The cached start of a request.
struct PrefixMatch {
  /// Where the first blocks of the request are: each on this node where it holds the block, or else on the node of the
  /// lowest number; of several blocks, that of the lowest number.
  std::vector<BlockLocation> blocks;
  /// All nodes that hold the first block: the longest prefix first, then the lowest number. A scheduler sends the
  /// request to the first.
  std::vector<NodePrefix> nodes;
};

/// A block and what it holds.
struct CachedBlock {
  BlockLocation location;
  PrefixHash hash;

  bool operator==(const CachedBlock &other) const { return location == other.location && hash == other.hash; }
};

/// All that a node has said up to a point.
struct NodeVersion {
  uint32_t node = 0;
  uint64_t epoch = 0;
  uint64_t sequence = 0;

  bool operator==(const NodeVersion &other) const {
    return node == other.node && epoch == other.epoch && sequence == other.sequence;
  }
};

/// What an index has heard: a version for each node, ascending by node.
using VersionVector = std::vector<NodeVersion>;

/// What became of a delta.
struct AppliedDelta {
  uint64_t changes = 0; ///< Words that were news.
  /// False where words before those of the delta are missing: what it says is in the index, but `versions()` stays
  /// behind, so that the next `diff` against it brings the rest.
  bool complete = true;
};

/// The index of one node. Thread-safe: lookups and `diff` run side by side, and wait while another member changes the
/// index. A change is seen whole or not at all. Members may throw std::bad_alloc; a change may then be done in part,
/// and doing it again completes it.
class SPARSE_ATTN_EXPORT PrefixIndex {
public:
  /// Errors: InvalidArgument where blockTokens is 0 or above `BlockGrid::maxBlockSize`, maxBlocks or maxNodes is 0.
  static Result<PrefixIndex> make(const PrefixIndexOptions &options);
  ~PrefixIndex();
  PrefixIndex(PrefixIndex &&other) noexcept;
  PrefixIndex &operator=(PrefixIndex &&other) noexcept;

  const PrefixIndexOptions &options() const;

  /// The hashes of all full blocks of a request. Requests of different domains (models, adapters, tenants that must
  /// not learn of each other) never share a block. O(tokens).
  std::vector<PrefixHash> hashes(TokenList tokens, uint64_t domain = 0) const;

  /// This node holds the first full blocks of a request in its blocks `blocks`, as many as there are. What a block
  /// held before is forgotten. O(tokens + blocks log blocks).
  ///
  /// Errors: InvalidArgument for more blocks than the request fills, a block that is named twice or not below
  /// `maxBlocks`; then nothing is changed.
  Status insert(TokenList tokens, BlockList blocks, uint64_t domain = 0);

  /// This node holds nothing any more in `blocks`. Returns how many of them held something. Errors: InvalidArgument
  /// for a block that is not below `maxBlocks`; then nothing is changed.
  Result<size_t> evict(BlockList blocks);

  /// The first full blocks of a request, up to the first that no node holds. O(tokens of the match + copies).
  PrefixMatch longestSharedPrefix(TokenList tokens, uint64_t domain = 0) const;

  /// Who holds a block of that hash, ascending.
  std::vector<BlockLocation> holders(const PrefixHash &hash) const;

  /// All blocks that hold something, ascending by location.
  std::vector<CachedBlock> cachedBlocks() const;

  /// Another node is gone for good: all nodes forget its blocks as they hear of it. It can come back in a later
  /// epoch. Errors: InvalidArgument for this node, a node nobody has heard of, or after the last epoch.
  Status retireNode(uint32_t node);

  /// What this index has heard, for the `diff` of another.
  VersionVector versions() const;

  /// What an index with `since` has yet to hear, as bytes that `apply` takes; with no argument everything. Such a delta
  /// carries the words of all nodes, so that they may be passed on. O(what is new, log of all).
  ///
  /// Little-endian; a delta is
  ///   "SAPD", u32 format version 1, u64 bytes in all, u64 check of the key, u32 blockTokens, u32 number of sections;
  ///   for each node, ascending, a section: u32 node, u32 0, u64 epoch, u64 since, u64 version, u64 number of words;
  ///     for each word, ascending: u64 sequence > since, u32 block, u32 kind (0 evicted, 1 held), u64 low and u64 high
  ///     half of the hash (0 where evicted);
  ///   u64 low and u64 high half of the SipHash of all bytes before.
  std::vector<uint8_t> diff(const VersionVector &since = {}) const;

  /// Merges a delta. The bytes may come from anybody: all of them are checked before anything is changed, and memory
  /// is taken for no more than they hold. Only who knows the key can make a delta that is accepted.
  ///
  /// Errors: InvalidArgument, naming the field, for bytes that are no delta, were damaged, or were made with another
  /// key, for numbers out of range, for words of this node that it never said, and for two different words of one
  /// sequence (two nodes have one number, or one started anew in the same epoch);
  /// VersionMismatch for another format version, and where this node was retired: it must start in a later epoch.
  Result<AppliedDelta> apply(const uint8_t *bytes, size_t size);

private:
  class Content;
  explicit PrefixIndex(std::unique_ptr<Content> content);
  std::unique_ptr<Content> content;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_PREFIXINDEX_H
