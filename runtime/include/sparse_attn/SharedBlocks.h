//===- SharedBlocks.h - Which requests read the same blocks ---*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A block of keys that several requests of a batch read needs to be loaded only
// once, with the queries of all of them stacked (Hydragen: Juravsky et al.,
// arXiv:2402.05099; ChunkAttention: Ye et al., arXiv:2402.15220). This header
// finds such blocks, wherever they lie in the requests: prefixes, but also the
// same documents in another order.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_SHAREDBLOCKS_H
#define SPARSE_ATTN_SHAREDBLOCKS_H

#include "sparse_attn/BlockMask.h"
#include "sparse_attn/BlockMaskBuilder.h"

#include <cstdint>
#include <vector>

namespace sparse_attn {

/// The blocks that exactly these requests read.
struct SharingGroup {
  std::vector<uint32_t> requests; ///< At least two, ascending.
  std::vector<uint32_t> blocks;   ///< Ascending.
  /// All of the requests start with the same blocks, so many, in the same order. 0 where the order is not known.
  size_t commonPrefix = 0;

  /// How many loads of a block one load of each saves.
  uint64_t savedLoads() const { return uint64_t(requests.size() - 1) * blocks.size(); }
};

struct SharedBlocks {
  std::vector<uint32_t> common;     ///< Blocks that every request reads, ascending.
  std::vector<SharingGroup> groups; ///< Each block that is shared is in one group. The one that saves most comes first.
  uint64_t loads = 0;               ///< Blocks of all requests, a block that n requests read counting n times.
  uint64_t distinctBlocks = 0;      ///< The same, counting once: `loads` less what all groups save.
};

/// Finds what requests share. Request i reads the blocks requests[i], in the order of its tokens; a block that it names
/// twice counts once.
///
/// Requests are turned into Roaring bitmaps; O(blocks of all requests + requests * groups) operations on bitmaps.
/// Thread-safe.
///
/// Errors: InvalidArgument for a null list that has blocks, and for 2^32 requests or more. Throws std::bad_alloc.
SPARSE_ATTN_EXPORT Result<SharedBlocks> sharedBlocks(const std::vector<BlockList> &requests);

/// The same where row i of a mask is request i and its key blocks are the blocks, which costs less where they are kept
/// as ranges. The order of the blocks is not known, so that no common prefix is.
SPARSE_ATTN_EXPORT Result<SharedBlocks> sharedBlocks(const BlockMask &requests);

} // namespace sparse_attn

#endif // SPARSE_ATTN_SHAREDBLOCKS_H
