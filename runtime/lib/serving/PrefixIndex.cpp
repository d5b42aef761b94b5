//===- PrefixIndex.cpp - Which prefixes are cached where ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/PrefixIndex.h"

#include "serving/Bytes.h"
#include "serving/PrefixState.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <shared_mutex>

namespace sparse_attn {

using serving::DeltaSection;
using serving::SipValue;
using serving::Word;

namespace {

/// A key for one purpose, so that hashes for one tell nothing about hashes for another.
SipValue deriveKey(const PrefixIndexOptions &options, const char *purpose) {
  SipValue key = {options.key[0], options.key[1]};
  return serving::sipHash(key, reinterpret_cast<const uint8_t *>(purpose), std::strlen(purpose));
}

/// The hashes of a request, block by block.
class HashChain {
public:
  HashChain(const SipValue &key, uint32_t blockTokens, TokenList tokens, uint64_t domain)
      : key(key), blockTokens(blockTokens), tokens(tokens), parent{domain, 0}, message(16 + size_t(4) * blockTokens) {}

  /// Goes on to the next full block; false after the last.
  bool next() {
    if (tokens.count - consumed < blockTokens)
      return false;
    serving::writeWord64(message.data(), parent.low);
    serving::writeWord64(message.data() + 8, parent.high);
    for (size_t i = 0; i < blockTokens; ++i)
      serving::writeWord32(message.data() + 16 + 4 * i, static_cast<uint32_t>(tokens.tokens[consumed + i]));
    SipValue hash = serving::sipHash(key, message.data(), message.size());
    parent = {hash.low, hash.high};
    consumed += blockTokens;
    return true;
  }

  /// The hash of the block that `next` went to.
  const PrefixHash &hash() const { return parent; }

private:
  const SipValue key;
  const uint32_t blockTokens;
  const TokenList tokens;
  PrefixHash parent;
  size_t consumed = 0;
  std::vector<uint8_t> message;
};

/// Extends the prefixes of the nodes that hold block number `index` of a request, too. Holders of one node are
/// neighbours.
void extendPrefixes(std::vector<NodePrefix> &nodes, const std::vector<BlockLocation> &holders, size_t index) {
  for (const BlockLocation &holder : holders) {
    if (index == 0 && (nodes.empty() || nodes.back().node != holder.node))
      nodes.push_back({holder.node, 0});
    for (NodePrefix &prefix : nodes)
      if (prefix.node == holder.node && prefix.blocks == index) {
        ++prefix.blocks;
        break;
      }
  }
}

} // namespace

class PrefixIndex::Content {
public:
  explicit Content(const PrefixIndexOptions &options)
      : options(options), chainKey(deriveKey(options, "prefix")),
        format{options.blockTokens, options.maxBlocks, deriveKey(options, "check").low, deriveKey(options, "delta")} {
    state.startEpoch(options.node, options.epoch);
  }

  HashChain chain(TokenList tokens, uint64_t domain) const { return {chainKey, options.blockTokens, tokens, domain}; }

  Status checkBlocks(BlockList blocks) const {
    if (blocks.count != 0 && !blocks.blocks)
      return makeError(StatusCode::InvalidArgument, "expects ", blocks.count, " blocks, but got null");
    for (size_t i = 0; i < blocks.count; ++i)
      if (blocks.blocks[i] >= options.maxBlocks)
        return makeError(StatusCode::InvalidArgument, "expects a block below ", options.maxBlocks, ", but got ",
                         blocks.blocks[i]);
    return {};
  }

  /// Says that a block of this node holds `hash`, or nothing, unless that is known. Returns whether it was not.
  bool update(uint32_t block, bool isHeld, const PrefixHash &hash) {
    const Word *known = state.find({options.node, block});
    bool wasHeld = known && known->isHeld;
    if (wasHeld == isHeld && (!isHeld || known->hash == hash))
      return false;
    state.say(options.node, {0, block, isHeld, hash});
    return true;
  }

  /// The holders of a hash, ascending, those on this node first.
  std::vector<BlockLocation> holdersFromHere(const PrefixHash &hash) const {
    std::vector<BlockLocation> holders;
    state.forEachHolder(hash, [&](const BlockLocation &holder) { holders.push_back(holder); });
    std::sort(holders.begin(), holders.end(), [&](const BlockLocation &left, const BlockLocation &right) {
      bool leftIsHere = left.node == options.node, rightIsHere = right.node == options.node;
      return leftIsHere != rightIsHere ? leftIsHere : left < right;
    });
    return holders;
  }

  /// Checks a delta against what is known.
  Status checkSections(const std::vector<DeltaSection> &sections) const {
    size_t newNodes = 0;
    for (const DeltaSection &section : sections) {
      newNodes += state.knowsNode(section.node) ? 0 : 1;
      if (section.node == options.node)
        if (Status status = checkOwnSection(section); !status.isOk())
          return status;
      if (Status status = checkWords(section); !status.isOk())
        return status;
    }
    if (newNodes > options.maxNodes - std::min<size_t>(options.maxNodes, state.nodeCount()))
      return makeError(StatusCode::InvalidArgument, "delta: expects at most ", options.maxNodes, " nodes, but got ",
                       state.nodeCount() + newNodes);
    return {};
  }

  const PrefixIndexOptions options;
  const SipValue chainKey;
  const serving::DeltaFormat format;
  mutable std::shared_mutex mutex;
  serving::PrefixState state; ///< Guarded by `mutex`.

private:
  /// Checks that no word contradicts one that is known.
  Status checkWords(const DeltaSection &section) const {
    const Word *word = state.findContradiction(section);
    if (!word)
      return {};
    return makeError(StatusCode::InvalidArgument, "delta: node ", section.node, ", epoch ", section.epoch,
                     ": expects one word of sequence ", word->sequence, ", but got another for block ", word->block);
  }

  /// Checks what others say that this node said.
  Status checkOwnSection(const DeltaSection &section) const {
    if (section.epoch > options.epoch)
      return makeError(StatusCode::VersionMismatch, "node ", section.node, ": expects epoch ", options.epoch,
                       ", but got ", section.epoch, ": this node was retired");
    uint64_t said = state.version(options.node).sequence;
    uint64_t heard = section.words.empty() ? 0 : section.words.back().sequence;
    heard = std::max(heard, section.version);
    if (section.epoch == options.epoch && heard > said)
      return makeError(StatusCode::InvalidArgument, "delta: node ", section.node, ": expects at most ", said,
                       " words of this node, but got ", heard);
    return {};
  }
};

Result<PrefixIndex> PrefixIndex::make(const PrefixIndexOptions &options) {
  struct {
    const char *name;
    uint32_t number, most;
  } limits[] = {{"blockTokens", options.blockTokens, BlockGrid::maxBlockSize},
                {"maxBlocks", options.maxBlocks, UINT32_MAX},
                {"maxNodes", options.maxNodes, UINT32_MAX}};
  for (const auto &limit : limits)
    if (limit.number < 1 || limit.number > limit.most)
      return makeError(StatusCode::InvalidArgument, "expects ", limit.name, " of 1 to ", limit.most, ", but got ",
                       limit.number);
  return PrefixIndex(std::make_unique<Content>(options));
}

PrefixIndex::PrefixIndex(std::unique_ptr<Content> content) : content(std::move(content)) {}
PrefixIndex::~PrefixIndex() = default;
PrefixIndex::PrefixIndex(PrefixIndex &&other) noexcept = default;
PrefixIndex &PrefixIndex::operator=(PrefixIndex &&other) noexcept = default;

const PrefixIndexOptions &PrefixIndex::options() const { return content->options; }

std::vector<PrefixHash> PrefixIndex::hashes(TokenList tokens, uint64_t domain) const {
  std::vector<PrefixHash> hashes;
  for (HashChain chain = content->chain(tokens, domain); chain.next();)
    hashes.push_back(chain.hash());
  return hashes;
}

Status PrefixIndex::insert(TokenList tokens, BlockList blocks, uint64_t domain) {
  if (Status status = content->checkBlocks(blocks); !status.isOk())
    return status;
  if (blocks.count > tokens.count / content->options.blockTokens)
    return makeError(StatusCode::InvalidArgument, "expects at most ", tokens.count / content->options.blockTokens,
                     " blocks for ", tokens.count, " tokens, but got ", blocks.count);
  std::vector<uint32_t> sorted(blocks.blocks, blocks.blocks + blocks.count);
  std::sort(sorted.begin(), sorted.end());
  if (auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
    return makeError(StatusCode::InvalidArgument, "expects each block once, but got block ", *twice, " twice");
  std::vector<PrefixHash> hashes = this->hashes({tokens.tokens, blocks.count * content->options.blockTokens}, domain);
  std::unique_lock<std::shared_mutex> lock(content->mutex);
  for (size_t i = 0; i < blocks.count; ++i)
    content->update(blocks.blocks[i], true, hashes[i]);
  return {};
}

Result<size_t> PrefixIndex::evict(BlockList blocks) {
  if (Status status = content->checkBlocks(blocks); !status.isOk())
    return status;
  std::unique_lock<std::shared_mutex> lock(content->mutex);
  size_t evicted = 0;
  for (size_t i = 0; i < blocks.count; ++i)
    evicted += content->update(blocks.blocks[i], false, {}) ? 1 : 0;
  return evicted;
}

PrefixMatch PrefixIndex::longestSharedPrefix(TokenList tokens, uint64_t domain) const {
  PrefixMatch match;
  std::shared_lock<std::shared_mutex> lock(content->mutex);
  for (HashChain chain = content->chain(tokens, domain); chain.next();) {
    std::vector<BlockLocation> holders = content->holdersFromHere(chain.hash());
    if (holders.empty())
      break;
    extendPrefixes(match.nodes, holders, match.blocks.size());
    match.blocks.push_back(holders.front());
  }
  std::sort(match.nodes.begin(), match.nodes.end(), [](const NodePrefix &left, const NodePrefix &right) {
    return left.blocks != right.blocks ? left.blocks > right.blocks : left.node < right.node;
  });
  return match;
}

std::vector<BlockLocation> PrefixIndex::holders(const PrefixHash &hash) const {
  std::vector<BlockLocation> holders;
  std::shared_lock<std::shared_mutex> lock(content->mutex);
  content->state.forEachHolder(hash, [&](const BlockLocation &holder) { holders.push_back(holder); });
  std::sort(holders.begin(), holders.end());
  return holders;
}

std::vector<CachedBlock> PrefixIndex::cachedBlocks() const {
  std::shared_lock<std::shared_mutex> lock(content->mutex);
  return content->state.cachedBlocks();
}

Status PrefixIndex::retireNode(uint32_t node) {
  std::unique_lock<std::shared_mutex> lock(content->mutex);
  if (node == content->options.node)
    return makeError(StatusCode::InvalidArgument, "expects another node, but got this one, ", node);
  if (!content->state.knowsNode(node))
    return makeError(StatusCode::InvalidArgument, "expects a node that is known, but got ", node);
  uint64_t epoch = content->state.version(node).epoch;
  if (epoch == UINT64_MAX)
    return makeError(StatusCode::InvalidArgument, "node ", node, ": expects an epoch below ", UINT64_MAX,
                     ", but got that");
  content->state.startEpoch(node, epoch + 1);
  return {};
}

VersionVector PrefixIndex::versions() const {
  std::shared_lock<std::shared_mutex> lock(content->mutex);
  return content->state.versions();
}

std::vector<uint8_t> PrefixIndex::diff(const VersionVector &since) const {
  std::vector<DeltaSection> sections;
  {
    std::shared_lock<std::shared_mutex> lock(content->mutex);
    sections = content->state.since(since);
  }
  return serving::writeDelta(content->format, sections);
}

Result<AppliedDelta> PrefixIndex::apply(const uint8_t *bytes, size_t size) {
  Result<std::vector<DeltaSection>> sections = serving::readDelta(content->format, bytes, size);
  if (!sections.isOk())
    return sections.status();
  std::unique_lock<std::shared_mutex> lock(content->mutex);
  if (Status status = content->checkSections(*sections); !status.isOk())
    return status;
  return content->state.merge(*sections);
}

} // namespace sparse_attn
