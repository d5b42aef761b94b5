//===- MaskCApiServing.cpp - The C interface of shared blocks -----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CApiSupport.h"
#include "sparse_attn/PrefixIndex.h"
#include "sparse_attn/SharedBlocks.h"

using namespace sparse_attn;
using namespace sparse_attn::capi;

struct sparse_attn_prefix_index {
  PrefixIndex index;
};

struct sparse_attn_shared_blocks {
  SharedBlocks shared;
};

namespace {

PrefixIndexOptions indexOptions(const sparse_attn_prefix_options *options) {
  PrefixIndexOptions read;
  if (!options)
    return read;
  auto orDefault = [](uint32_t number, uint32_t otherwise) { return number != 0 ? number : otherwise; };
  read.node = options->node;
  read.epoch = options->epoch;
  read.blockTokens = orDefault(options->block_tokens, read.blockTokens);
  read.maxBlocks = orDefault(options->max_blocks, read.maxBlocks);
  read.maxNodes = orDefault(options->max_nodes, read.maxNodes);
  std::copy(options->key, options->key + 2, read.key);
  return read;
}

TokenList tokensOf(const sparse_attn_tokens &request) { return {request.tokens, request.count}; }

sparse_attn_prefix_hash hashOf(const PrefixHash &hash) { return {hash.low, hash.high}; }
sparse_attn_block_location locationOf(const BlockLocation &location) { return {location.node, location.block}; }
sparse_attn_node_prefix prefixOf(const NodePrefix &prefix) { return {prefix.node, prefix.blocks}; }
sparse_attn_cached_block cachedBlockOf(const CachedBlock &block) {
  return {locationOf(block.location), hashOf(block.hash)};
}
sparse_attn_node_version versionOf(const NodeVersion &version) {
  return {version.node, version.epoch, version.sequence};
}

Result<VersionVector> versionsOf(const sparse_attn_node_version *versions, size_t count) {
  if (count > 0 && !versions)
    return makeError(StatusCode::InvalidArgument, "expects ", count, " versions, but got null");
  VersionVector read;
  for (size_t i = 0; i < count; ++i)
    read.push_back({versions[i].node, versions[i].epoch, versions[i].sequence});
  return read;
}

sparse_attn_block_list listOf(const std::vector<uint32_t> &blocks) { return {blocks.data(), blocks.size()}; }

} // namespace

//===----------------------------------------------------------------------===//
// Prefix index
//===----------------------------------------------------------------------===//

sparse_attn_status sparse_attn_prefix_index_create(const sparse_attn_prefix_options *options,
                                                   sparse_attn_prefix_index **index) {
  return make(index, {}, [&] { return PrefixIndex::make(indexOptions(options)); });
}

void sparse_attn_prefix_index_destroy(sparse_attn_prefix_index *index) { delete index; }

sparse_attn_status sparse_attn_prefix_index_hashes(const sparse_attn_prefix_index *index,
                                                   const sparse_attn_tokens *request, sparse_attn_prefix_hash *hashes,
                                                   size_t capacity, size_t *count) {
  return guard({{index, "an index"}, {request, "a request"}}, [&] {
    return ListPlace{hashes, capacity, count}.fill(index->index.hashes(tokensOf(*request), request->domain), hashOf);
  });
}

sparse_attn_status sparse_attn_prefix_index_insert(sparse_attn_prefix_index *index, const sparse_attn_tokens *request,
                                                   const uint32_t *blocks, size_t count) {
  return guard({{index, "an index"}, {request, "a request"}},
               [&] { return index->index.insert(tokensOf(*request), {blocks, count}, request->domain); });
}

sparse_attn_status sparse_attn_prefix_index_evict(sparse_attn_prefix_index *index, const uint32_t *blocks, size_t count,
                                                  size_t *evicted) {
  return guard({{index, "an index"}}, [&] {
    Result<size_t> held = index->index.evict({blocks, count});
    if (held.isOk() && evicted)
      *evicted = *held;
    return held.status();
  });
}

sparse_attn_status sparse_attn_prefix_index_match(const sparse_attn_prefix_index *index,
                                                  const sparse_attn_tokens *request,
                                                  sparse_attn_block_location *locations, size_t capacity,
                                                  size_t *count) {
  return guard({{index, "an index"}, {request, "a request"}}, [&] {
    PrefixMatch match = index->index.longestSharedPrefix(tokensOf(*request), request->domain);
    return ListPlace{locations, capacity, count}.fill(match.blocks, locationOf);
  });
}

sparse_attn_status sparse_attn_prefix_index_match_nodes(const sparse_attn_prefix_index *index,
                                                        const sparse_attn_tokens *request,
                                                        sparse_attn_node_prefix *nodes, size_t capacity,
                                                        size_t *count) {
  return guard({{index, "an index"}, {request, "a request"}}, [&] {
    PrefixMatch match = index->index.longestSharedPrefix(tokensOf(*request), request->domain);
    return ListPlace{nodes, capacity, count}.fill(match.nodes, prefixOf);
  });
}

sparse_attn_status sparse_attn_prefix_index_holders(const sparse_attn_prefix_index *index,
                                                    const sparse_attn_prefix_hash *hash,
                                                    sparse_attn_block_location *locations, size_t capacity,
                                                    size_t *count) {
  return guard({{index, "an index"}, {hash, "a hash"}}, [&] {
    return ListPlace{locations, capacity, count}.fill(index->index.holders({hash->low, hash->high}), locationOf);
  });
}

sparse_attn_status sparse_attn_prefix_index_blocks(const sparse_attn_prefix_index *index,
                                                   sparse_attn_cached_block *blocks, size_t capacity, size_t *count) {
  return guard({{index, "an index"}},
               [&] { return ListPlace{blocks, capacity, count}.fill(index->index.cachedBlocks(), cachedBlockOf); });
}

sparse_attn_status sparse_attn_prefix_index_retire_node(sparse_attn_prefix_index *index, uint32_t node) {
  return guard({{index, "an index"}}, [&] { return index->index.retireNode(node); });
}

sparse_attn_status sparse_attn_prefix_index_versions(const sparse_attn_prefix_index *index,
                                                     sparse_attn_node_version *versions, size_t capacity,
                                                     size_t *count) {
  return guard({{index, "an index"}},
               [&] { return ListPlace{versions, capacity, count}.fill(index->index.versions(), versionOf); });
}

sparse_attn_status sparse_attn_prefix_index_diff(const sparse_attn_prefix_index *index,
                                                 const sparse_attn_node_version *versions, size_t count,
                                                 sparse_attn_bytes **delta) {
  return make(delta, {{index, "an index"}}, [&]() -> Result<std::vector<uint8_t>> {
    Result<VersionVector> since = versionsOf(versions, count);
    if (!since.isOk())
      return since.status();
    return index->index.diff(*since);
  });
}

sparse_attn_status sparse_attn_prefix_index_apply(sparse_attn_prefix_index *index, const uint8_t *bytes, size_t size,
                                                  sparse_attn_applied_delta *applied) {
  return guard({{index, "an index"}, {bytes, "a delta"}}, [&] {
    Result<AppliedDelta> result = index->index.apply(bytes, size);
    if (result.isOk() && applied)
      *applied = {result->changes, result->complete ? 1 : 0};
    return result.status();
  });
}

//===----------------------------------------------------------------------===//
// Shared blocks
//===----------------------------------------------------------------------===//

sparse_attn_status sparse_attn_share_blocks(const sparse_attn_block_list *requests, size_t count,
                                            sparse_attn_shared_blocks **shared) {
  return make(shared, {}, [&]() -> Result<SharedBlocks> {
    if (count > 0 && !requests)
      return makeError(StatusCode::InvalidArgument, "expects ", count, " requests, but got null");
    std::vector<BlockList> lists;
    for (size_t i = 0; i < count; ++i)
      lists.push_back({requests[i].blocks, requests[i].count});
    return sharedBlocks(lists);
  });
}

sparse_attn_status sparse_attn_share_mask_blocks(const sparse_attn_block_mask *requests,
                                                 sparse_attn_shared_blocks **shared) {
  return make(shared, {{requests, "a mask"}}, [&] { return sharedBlocks(requests->mask); });
}

sparse_attn_status sparse_attn_shared_blocks_get(const sparse_attn_shared_blocks *shared,
                                                 sparse_attn_sharing *sharing) {
  return guard({{shared, "shared blocks"}, {sharing, "a place for the answer"}}, [&] {
    const SharedBlocks &found = shared->shared;
    *sharing = {found.loads, found.distinctBlocks, found.groups.size(), listOf(found.common)};
    return Status();
  });
}

sparse_attn_status sparse_attn_shared_blocks_group(const sparse_attn_shared_blocks *shared, size_t number,
                                                   sparse_attn_sharing_group *group) {
  return guard({{shared, "shared blocks"}, {group, "a place for the group"}}, [&] {
    const std::vector<SharingGroup> &groups = shared->shared.groups;
    if (number >= groups.size())
      return makeError(StatusCode::InvalidArgument, "expects a group below ", groups.size(), ", but got ", number);
    *group = {listOf(groups[number].requests), listOf(groups[number].blocks), groups[number].commonPrefix};
    return Status();
  });
}

void sparse_attn_shared_blocks_destroy(sparse_attn_shared_blocks *shared) { delete shared; }
