//===- PrefixIndexTest.cpp - Prefixes on one node, and on many ------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/PrefixIndex.h"

#include "serving/Bytes.h"
#include "serving/SipHash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

using namespace sparse_attn;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

using Bytes = std::vector<uint8_t>;
using Tokens = std::vector<int32_t>;
using Blocks = std::vector<uint32_t>;

PrefixIndex makeIndex(uint32_t node, uint64_t epoch = 1, uint32_t blockTokens = 4) {
  PrefixIndexOptions options;
  options.node = node;
  options.epoch = epoch;
  options.blockTokens = blockTokens;
  options.key[0] = 0x1234;
  options.maxBlocks = 1000;
  options.maxNodes = 8;
  Result<PrefixIndex> index = PrefixIndex::make(options);
  EXPECT_TRUE(index.isOk());
  return std::move(*index);
}

void expectOk(const Status &status) { EXPECT_TRUE(status.isOk()) << status.message(); }

AppliedDelta deliver(PrefixIndex &index, const Bytes &delta) {
  Result<AppliedDelta> applied = index.apply(delta.data(), delta.size());
  EXPECT_TRUE(applied.isOk()) << applied.status().message();
  return applied.isOk() ? *applied : AppliedDelta();
}

/// Both hear all that the other knows.
void exchange(PrefixIndex &left, PrefixIndex &right) {
  EXPECT_TRUE(deliver(right, left.diff(right.versions())).complete);
  EXPECT_TRUE(deliver(left, right.diff(left.versions())).complete);
}

Tokens range(int32_t first, int32_t count) {
  Tokens tokens(static_cast<size_t>(count));
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

TEST(SipHash, GivesThePublishedVectors) {
  // From the reference implementation: key 00 01 ... 0f, message 00 01 ... of 0, 1, 15 and 16 bytes.
  serving::SipValue key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
  Bytes message(16);
  std::iota(message.begin(), message.end(), uint8_t(0));
  auto hash = [&](size_t size) {
    serving::SipValue value = serving::sipHash(key, message.data(), size);
    Bytes bytes;
    serving::appendWord64(bytes, value.low);
    serving::appendWord64(bytes, value.high);
    return bytes;
  };
  EXPECT_THAT(hash(0), ElementsAre(0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55,
                                   0x02, 0x93));
  EXPECT_THAT(hash(1), ElementsAre(0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22,
                                   0xfc, 0x45));
  EXPECT_THAT(hash(15), ElementsAre(0x54, 0x93, 0xe9, 0x99, 0x33, 0xb0, 0xa8, 0x11, 0x7e, 0x08, 0xec, 0x0f, 0x97, 0xcf,
                                    0xc3, 0xd9));
  EXPECT_THAT(hash(16), ElementsAre(0x6e, 0xe2, 0xa4, 0xca, 0x67, 0xb0, 0x54, 0xbb, 0xfd, 0x33, 0x15, 0xbf, 0x85, 0x23,
                                    0x05, 0x77));
}

TEST(PrefixIndex, FindsThePrefixBlockByBlock) {
  PrefixIndex index = makeIndex(7);
  expectOk(index.insert(range(0, 14), Blocks{10, 11, 12}));
  Tokens other = range(0, 14);
  other[9] = -1;
  auto matched = [&](const Tokens &tokens) { return index.longestSharedPrefix(tokens).blocks; };
  EXPECT_THAT(matched(range(0, 14)), ElementsAre(BlockLocation{7, 10}, BlockLocation{7, 11}, BlockLocation{7, 12}));
  EXPECT_THAT(matched(range(0, 11)), ElementsAre(BlockLocation{7, 10}, BlockLocation{7, 11}));
  EXPECT_THAT(matched(other), ElementsAre(BlockLocation{7, 10}, BlockLocation{7, 11}));
  EXPECT_THAT(matched(range(4, 8)), IsEmpty());
  EXPECT_THAT(matched({}), IsEmpty());
  EXPECT_THAT(index.longestSharedPrefix(range(0, 14), 1).blocks, IsEmpty());
}

TEST(PrefixIndex, HashCoversAllTokensBefore) {
  PrefixIndex index = makeIndex(0);
  Tokens tokens = range(0, 40);
  std::vector<PrefixHash> hashes = index.hashes(tokens);
  ASSERT_EQ(hashes.size(), 10u);
  for (size_t changed = 0; changed < tokens.size(); ++changed) {
    Tokens other = tokens;
    other[changed] ^= 1;
    std::vector<PrefixHash> otherHashes = index.hashes(other);
    for (size_t block = 0; block < hashes.size(); ++block)
      EXPECT_EQ(hashes[block] == otherHashes[block], block < changed / 4) << changed << ' ' << block;
  }
  EXPECT_NE(index.hashes(tokens, 1)[0], hashes[0]);
}

TEST(PrefixIndex, EvictedAndReusedBlocksAreGone) {
  PrefixIndex index = makeIndex(0);
  expectOk(index.insert(range(0, 12), Blocks{1, 2, 3}));
  EXPECT_EQ(*index.evict(Blocks{2, 5, 2}), 1u);
  EXPECT_THAT(index.longestSharedPrefix(range(0, 12)).blocks, ElementsAre(BlockLocation{0, 1}));
  // Block 1 now holds the start of another request.
  expectOk(index.insert(range(100, 4), Blocks{1}));
  EXPECT_THAT(index.longestSharedPrefix(range(0, 12)).blocks, IsEmpty());
  EXPECT_EQ(index.cachedBlocks().size(), 2u);
}

TEST(PrefixIndex, CopiesOfABlockAreAllKnown) {
  PrefixIndex index = makeIndex(3);
  expectOk(index.insert(range(0, 8), Blocks{9, 8}));
  expectOk(index.insert(range(0, 8), Blocks{4, 5}));
  EXPECT_THAT(index.holders(index.hashes(range(0, 8))[1]), ElementsAre(BlockLocation{3, 5}, BlockLocation{3, 8}));
  PrefixMatch match = index.longestSharedPrefix(range(0, 8));
  EXPECT_THAT(match.blocks, ElementsAre(BlockLocation{3, 4}, BlockLocation{3, 5}));
  ASSERT_EQ(match.nodes.size(), 1u);
  EXPECT_EQ(match.nodes[0].blocks, 2u);
  EXPECT_EQ(*index.evict(Blocks{4}), 1u);
  EXPECT_THAT(index.longestSharedPrefix(range(0, 8)).blocks, ElementsAre(BlockLocation{3, 9}, BlockLocation{3, 5}));
}

TEST(PrefixIndex, SayingTheSameAgainIsNoNews) {
  PrefixIndex index = makeIndex(0);
  expectOk(index.insert(range(0, 8), Blocks{1, 2}));
  VersionVector before = index.versions();
  expectOk(index.insert(range(0, 8), Blocks{1, 2}));
  EXPECT_EQ(*index.evict(Blocks{3}), 0u);
  EXPECT_EQ(index.versions(), before);
}

TEST(PrefixIndex, RefusesBadBlocks) {
  PrefixIndex index = makeIndex(0);
  auto message = [](const Status &status) { return status.message(); };
  EXPECT_THAT(message(index.insert(range(0, 11), Blocks{1, 2, 3})),
              HasSubstr("expects at most 2 blocks for 11 tokens, but got 3"));
  EXPECT_THAT(message(index.insert(range(0, 8), Blocks{1, 1})),
              HasSubstr("expects each block once, but got block 1 twice"));
  EXPECT_THAT(message(index.insert(range(0, 8), Blocks{1, 1000})),
              HasSubstr("expects a block below 1000, but got 1000"));
  EXPECT_THAT(message(index.insert(TokenList(nullptr, 8), Blocks{1})), HasSubstr("expects at most 0 blocks"));
  EXPECT_THAT(message(index.insert(range(0, 8), BlockList(nullptr, 2))), HasSubstr("expects 2 blocks, but got null"));
  EXPECT_THAT(message(index.evict(Blocks{1000}).status()), HasSubstr("expects a block below 1000, but got 1000"));
  EXPECT_THAT(index.cachedBlocks(), IsEmpty());
  PrefixIndexOptions options;
  options.blockTokens = 0;
  EXPECT_THAT(message(PrefixIndex::make(options).status()), HasSubstr("expects blockTokens of 1 to 65536, but got 0"));
}

TEST(PrefixIndexNodes, ConcurrentInsertsBothHold) {
  PrefixIndex a = makeIndex(1), b = makeIndex(2);
  expectOk(a.insert(range(0, 8), Blocks{10, 11}));
  expectOk(b.insert(range(0, 12), Blocks{20, 21, 22}));
  exchange(a, b);
  EXPECT_EQ(a.cachedBlocks(), b.cachedBlocks());
  PrefixMatch match = a.longestSharedPrefix(range(0, 12));
  EXPECT_THAT(match.blocks, ElementsAre(BlockLocation{1, 10}, BlockLocation{1, 11}, BlockLocation{2, 22}));
  ASSERT_EQ(match.nodes.size(), 2u);
  EXPECT_EQ(match.nodes[0].node, 2u);
  EXPECT_EQ(match.nodes[0].blocks, 3u);
  EXPECT_EQ(match.nodes[1].node, 1u);
  EXPECT_EQ(match.nodes[1].blocks, 2u);
  // One evicts while the other inserts the same once more: the other's copies stay.
  EXPECT_EQ(*a.evict(Blocks{10, 11}), 2u);
  expectOk(b.insert(range(0, 4), Blocks{25}));
  exchange(a, b);
  EXPECT_EQ(a.cachedBlocks(), b.cachedBlocks());
  EXPECT_THAT(a.longestSharedPrefix(range(0, 4)).blocks, ElementsAre(BlockLocation{2, 20}));
  EXPECT_EQ(a.holders(a.hashes(range(0, 4))[0]).size(), 2u);
}

TEST(PrefixIndexNodes, LostDeltasAreMadeUpFor) {
  PrefixIndex a = makeIndex(1), b = makeIndex(2);
  expectOk(a.insert(range(0, 4), Blocks{1}));
  VersionVector first = a.versions();
  expectOk(a.insert(range(100, 4), Blocks{2}));
  AppliedDelta applied = deliver(b, a.diff(first));
  EXPECT_EQ(applied.changes, 1u);
  EXPECT_FALSE(applied.complete);
  EXPECT_THAT(b.longestSharedPrefix(range(100, 4)).blocks, ElementsAre(BlockLocation{1, 2}));
  applied = deliver(b, a.diff(b.versions()));
  EXPECT_EQ(applied.changes, 1u);
  EXPECT_TRUE(applied.complete);
  EXPECT_EQ(a.cachedBlocks(), b.cachedBlocks());
  EXPECT_EQ(deliver(b, a.diff()).changes, 0u);
}

TEST(PrefixIndexNodes, LaterEpochVoidsEarlierOnes) {
  PrefixIndex before = makeIndex(1, 5), other = makeIndex(2);
  expectOk(before.insert(range(0, 8), Blocks{1, 2}));
  Bytes old = before.diff();
  deliver(other, old);
  PrefixIndex after = makeIndex(1, 6);
  expectOk(after.insert(range(0, 4), Blocks{7}));
  exchange(after, other);
  EXPECT_THAT(other.longestSharedPrefix(range(0, 8)).blocks, ElementsAre(BlockLocation{1, 7}));
  EXPECT_EQ(deliver(other, old).changes, 0u);
  EXPECT_EQ(after.cachedBlocks(), other.cachedBlocks());
}

TEST(PrefixIndexNodes, RetiredNodesAreForgottenEverywhere) {
  PrefixIndex a = makeIndex(1), b = makeIndex(2), c = makeIndex(3);
  expectOk(a.insert(range(0, 8), Blocks{1, 2}));
  expectOk(b.insert(range(0, 4), Blocks{3}));
  Bytes old = a.diff();
  deliver(b, old);
  deliver(c, old);
  // Two notice at the same time.
  expectOk(b.retireNode(1));
  expectOk(c.retireNode(1));
  exchange(b, c);
  deliver(c, old);
  EXPECT_THAT(c.longestSharedPrefix(range(0, 8)).blocks, ElementsAre(BlockLocation{2, 3}));
  EXPECT_EQ(b.cachedBlocks(), c.cachedBlocks());
  // The node was there after all: it hears of it, and starts anew.
  Bytes delta = c.diff(a.versions());
  Result<AppliedDelta> applied = a.apply(delta.data(), delta.size());
  ASSERT_FALSE(applied.isOk());
  EXPECT_EQ(applied.status().code(), StatusCode::VersionMismatch);
  EXPECT_THAT(applied.status().message(), HasSubstr("node 1: expects epoch 1, but got 2: this node was retired"));
  EXPECT_EQ(a.cachedBlocks().size(), 2u);
  PrefixIndex again = makeIndex(1, 3);
  expectOk(again.insert(range(0, 8), Blocks{1, 2}));
  exchange(again, c);
  EXPECT_EQ(again.cachedBlocks(), c.cachedBlocks());
  EXPECT_EQ(c.longestSharedPrefix(range(0, 8)).blocks.size(), 2u);

  EXPECT_THAT(c.retireNode(3).message(), HasSubstr("expects another node, but got this one, 3"));
  EXPECT_THAT(c.retireNode(5).message(), HasSubstr("expects a node that is known, but got 5"));
  PrefixIndex last = makeIndex(6, UINT64_MAX);
  exchange(last, c);
  EXPECT_THAT(c.retireNode(6).message(), HasSubstr("expects an epoch below 18446744073709551615"));
}

/// What one node holds, kept beside the index in the plainest way.
struct ModelNode {
  explicit ModelNode(uint32_t node, uint32_t blockTokens) : index(makeIndex(node, 1, blockTokens)) {}

  PrefixIndex index;
  std::map<uint32_t, PrefixHash> blocks;
};

/// Nodes that insert and evict at random, and a network that loses, repeats and reorders what they send.
class Cluster {
public:
  Cluster(uint32_t nodeCount, uint32_t seed) : generator(seed) {
    for (uint32_t node = 0; node < nodeCount; ++node)
      nodes.emplace_back(node, 2);
  }

  void step() {
    ModelNode &node = nodes[pick(nodes.size())];
    switch (pick(6)) {
    case 0:
    case 1:
      return insert(node);
    case 2:
      return evict(node);
    case 3:
      // Against any node's knowledge, or what was known at some time: it may arrive where it leaves a gap.
      return network.push_back(node.index.diff(versions.empty() || pick(3) == 0
                                                   ? nodes[pick(nodes.size())].index.versions()
                                                   : versions[pick(versions.size())]));
    case 4:
      return versions.push_back(node.index.versions());
    default:
      return deliverOne();
    }
  }

  /// After every node has heard every other, all of them hold what the nodes themselves hold.
  void expectAgreement() {
    for (int round = 0; round < 2; ++round)
      for (ModelNode &from : nodes)
        for (ModelNode &to : nodes)
          deliver(to.index, from.index.diff(to.index.versions()));
    std::vector<CachedBlock> expected;
    for (uint32_t node = 0; node < nodes.size(); ++node)
      for (const auto &[block, hash] : nodes[node].blocks)
        expected.push_back({{node, block}, hash});
    for (ModelNode &node : nodes) {
      EXPECT_EQ(node.index.cachedBlocks(), expected);
      EXPECT_EQ(node.index.versions(), nodes[0].index.versions());
      EXPECT_EQ(node.index.diff(), nodes[0].index.diff());
    }
  }

private:
  size_t pick(size_t count) { return std::uniform_int_distribution<size_t>(0, count - 1)(generator); }

  void insert(ModelNode &node) {
    // Few different tokens, so that requests share prefixes.
    Tokens tokens(2 * (1 + pick(4)));
    for (int32_t &token : tokens)
      token = static_cast<int32_t>(pick(2));
    std::vector<uint32_t> blocks(20);
    std::iota(blocks.begin(), blocks.end(), 0u);
    std::shuffle(blocks.begin(), blocks.end(), generator);
    blocks.resize(tokens.size() / 2);
    expectOk(node.index.insert(tokens, blocks));
    std::vector<PrefixHash> hashes = node.index.hashes(tokens);
    for (size_t i = 0; i < blocks.size(); ++i)
      node.blocks[blocks[i]] = hashes[i];
  }

  void evict(ModelNode &node) {
    std::vector<uint32_t> blocks = {static_cast<uint32_t>(pick(20)), static_cast<uint32_t>(pick(20))};
    size_t evicted = node.blocks.erase(blocks[0]);
    evicted += node.blocks.erase(blocks[1]);
    EXPECT_EQ(*node.index.evict(blocks), evicted);
  }

  void deliverOne() {
    if (network.empty())
      return;
    size_t message = pick(network.size());
    deliver(nodes[pick(nodes.size())].index, network[message]);
    // One in four is lost or done with, the others may come again.
    if (pick(4) == 0)
      network.erase(network.begin() + static_cast<std::ptrdiff_t>(message));
  }

  std::mt19937 generator;
  std::vector<ModelNode> nodes;
  std::vector<Bytes> network;
  std::vector<VersionVector> versions;
};

TEST(PrefixIndexNodes, ConvergeOverABadNetwork) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Cluster cluster(2 + seed % 4, seed);
    for (int step = 0; step < 200; ++step)
      cluster.step();
    cluster.expectAgreement();
    if (testing::Test::HasFailure())
      return;
  }
}

TEST(PrefixIndexNodes, OrderAndRepeatsOfDeltasDoNotMatter) {
  PrefixIndex source = makeIndex(1);
  std::mt19937 generator(5);
  std::vector<Bytes> deltas;
  for (int i = 0; i < 6; ++i) {
    VersionVector before = source.versions();
    for (int j = 0; j < 4; ++j)
      expectOk(source.insert(range(static_cast<int32_t>(generator() % 50), 4),
                             Blocks{static_cast<uint32_t>(generator() % 6)}));
    source.evict(Blocks{static_cast<uint32_t>(generator() % 6)}).isOk();
    deltas.push_back(source.diff(before));
  }
  std::vector<size_t> order(deltas.size());
  std::iota(order.begin(), order.end(), size_t(0));
  do {
    PrefixIndex target = makeIndex(2);
    for (size_t i : order)
      deliver(target, deltas[i]);
    deliver(target, deltas[order[0]]);
    ASSERT_EQ(target.cachedBlocks(), source.cachedBlocks());
  } while (std::next_permutation(order.begin(), order.end()));
}

/// A delta with all there is, and means to damage it.
struct PrefixDeltaTest : testing::Test {
  PrefixDeltaTest() {
    expectOk(source.insert(range(0, 12), Blocks{1, 2, 3}));
    source.evict(Blocks{2}).isOk();
    PrefixIndex third = makeIndex(2);
    expectOk(third.insert(range(0, 4), Blocks{9}));
    deliver(source, third.diff());
    delta = source.diff();
  }

  /// Gives the bytes the hash that their maker would have, who knows the key.
  void sign(Bytes &bytes) const {
    serving::SipValue key =
        serving::sipHash(serving::SipValue{0x1234, 0}, reinterpret_cast<const uint8_t *>("delta"), 5);
    serving::SipValue tag = serving::sipHash(key, bytes.data(), bytes.size() - 16);
    serving::writeWord64(bytes.data() + bytes.size() - 16, tag.low);
    serving::writeWord64(bytes.data() + bytes.size() - 8, tag.high);
  }
  void expectRefused(const Bytes &bytes, const char *message, StatusCode code = StatusCode::InvalidArgument) {
    Result<AppliedDelta> applied = target.apply(bytes.data(), bytes.size());
    ASSERT_FALSE(applied.isOk()) << message;
    EXPECT_EQ(applied.status().code(), code);
    EXPECT_THAT(applied.status().message(), HasSubstr(message));
    EXPECT_THAT(target.cachedBlocks(), IsEmpty());
    EXPECT_EQ(target.versions().size(), 1u);
  }
  /// The same for the delta with a word at `position` replaced, and signed.
  void expectRefused32(size_t position, uint32_t word, const char *message) {
    Bytes bytes = delta;
    serving::writeWord32(bytes.data() + position, word);
    sign(bytes);
    expectRefused(bytes, message);
  }
  void expectRefused64(size_t position, uint64_t word, const char *message) {
    Bytes bytes = delta;
    serving::writeWord64(bytes.data() + position, word);
    sign(bytes);
    expectRefused(bytes, message);
  }

  PrefixIndex source = makeIndex(1), target = makeIndex(4);
  Bytes delta;
};

TEST_F(PrefixDeltaTest, IsAsDocumented) {
  // Two sections: three words (one of them an eviction) of node 1, one of node 2.
  ASSERT_EQ(delta.size(), 32u + 40 + 3 * 32 + 40 + 32 + 16);
  EXPECT_EQ(Bytes(delta.begin(), delta.begin() + 4), (Bytes{'S', 'A', 'P', 'D'}));
  EXPECT_EQ(serving::readWord32(&delta[4]), 1u);
  EXPECT_EQ(serving::readWord64(&delta[8]), delta.size());
  EXPECT_EQ(serving::readWord32(&delta[24]), 4u);
  EXPECT_EQ(serving::readWord32(&delta[28]), 2u);
  EXPECT_EQ(serving::readWord32(&delta[32]), 1u);      // node
  EXPECT_EQ(serving::readWord64(&delta[40]), 1u);      // epoch
  EXPECT_EQ(serving::readWord64(&delta[48]), 0u);      // since
  EXPECT_EQ(serving::readWord64(&delta[56]), 4u);      // version
  EXPECT_EQ(serving::readWord64(&delta[64]), 3u);      // words
  EXPECT_EQ(serving::readWord64(&delta[72]), 1u);      // sequence
  EXPECT_EQ(serving::readWord32(&delta[80]), 1u);      // block
  EXPECT_EQ(serving::readWord32(&delta[84]), 1u);      // held
  EXPECT_EQ(serving::readWord64(&delta[72 + 64]), 4u); // the eviction comes last
  EXPECT_EQ(serving::readWord32(&delta[72 + 64 + 12]), 0u);
  Bytes copy = delta;
  sign(copy);
  EXPECT_EQ(copy, delta);
}

TEST_F(PrefixDeltaTest, EveryFieldIsChecked) {
  expectRefused({}, "expects at least 48 bytes, but got 0");
  expectRefused32(0, 7, "expects the magic number");
  Bytes bytes = delta;
  serving::writeWord32(&bytes[4], 2);
  expectRefused(bytes, "expects format version 1, but got 2", StatusCode::VersionMismatch);
  expectRefused64(8, 1, "expects 1 bytes, but got ");
  expectRefused64(16, 1, "made with the key of this index");
  expectRefused32(24, 8, "expects blocks of 4 tokens, but got 8");
  expectRefused32(28, 6, "expects at most 5 sections, but got 6");
  expectRefused32(28, 5, "expects a section of 40 bytes, but got 0");
  expectRefused32(28, 1, "expects no bytes after the last section, but got 72");
  expectRefused32(32, 2, "expects nodes to ascend, but got 2 after 2");
  expectRefused32(36, 1, "node 1: expects a reserved word of 0, but got 1");
  expectRefused64(48, 9, "node 1: expects a version of at least 9, but got 4");
  expectRefused64(64, UINT64_MAX, "node 1: expects at most 5 words, but got 18446744073709551615");
  expectRefused64(72, 0, "node 1: expects a sequence above 0, but got 0");
  expectRefused64(72, 3, "node 1: expects a sequence above 3, but got 3");
  expectRefused32(80, 1000, "node 1: expects a block below 1000, but got 1000");
  expectRefused32(84, 2, "node 1: expects a word of kind 0 or 1, but got 2");
  expectRefused64(72 + 64 + 16, 1, "node 1: expects no hash for block 2, which is evicted");
}

TEST_F(PrefixDeltaTest, WordsOfTheReceiverAreItsOwn) {
  expectOk(target.insert(range(0, 4), Blocks{1}));
  Bytes mine = target.diff();
  target = makeIndex(4);
  Result<AppliedDelta> applied = target.apply(mine.data(), mine.size());
  EXPECT_THAT(applied.status().message(), HasSubstr("node 4: expects at most 0 words of this node, but got 1"));
  target = makeIndex(4, 2);
  EXPECT_EQ(deliver(target, mine).changes, 0u);
  EXPECT_THAT(target.cachedBlocks(), IsEmpty());
}

TEST_F(PrefixDeltaTest, TwoNodesOfOneNumberAreNoticed) {
  PrefixIndex twin = makeIndex(1);
  expectOk(twin.insert(range(500, 4), Blocks{1}));
  deliver(target, delta);
  std::vector<CachedBlock> before = target.cachedBlocks();
  Bytes other = twin.diff();
  Result<AppliedDelta> applied = target.apply(other.data(), other.size());
  ASSERT_FALSE(applied.isOk());
  EXPECT_THAT(applied.status().message(),
              HasSubstr("node 1, epoch 1: expects one word of sequence 1, but got another for block 1"));
  EXPECT_EQ(target.cachedBlocks(), before);
}

TEST_F(PrefixDeltaTest, NodesAreLimited) {
  PrefixIndex crowd = makeIndex(10);
  for (uint32_t node = 11; node < 18; ++node)
    deliver(crowd, makeIndex(node).diff());
  expectRefused(crowd.diff(), "expects at most 8 nodes, but got 9");
}

TEST_F(PrefixDeltaTest, DamageIsNoticed) {
  for (size_t size = 0; size < delta.size(); ++size)
    EXPECT_FALSE(target.apply(delta.data(), size).isOk()) << size;
  for (size_t bit = 0; bit < 8 * delta.size(); ++bit) {
    Bytes bytes = delta;
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_FALSE(target.apply(bytes.data(), bytes.size()).isOk()) << bit;
  }
  EXPECT_THAT(target.cachedBlocks(), IsEmpty());
}

TEST_F(PrefixDeltaTest, CraftedBytesDoNoHarm) {
  std::mt19937 generator(17);
  int accepted = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    Bytes bytes = delta;
    for (uint32_t i = 0; i <= generator() % 3; ++i) {
      size_t position = 24 + generator() % (bytes.size() - 40);
      bytes[position] = generator() % 2 ? static_cast<uint8_t>(generator()) : static_cast<uint8_t>(generator() % 4);
    }
    if (generator() % 4 == 0) {
      bytes.resize(48 + generator() % bytes.size());
      serving::writeWord64(&bytes[8], bytes.size());
    }
    sign(bytes);
    PrefixIndex index = makeIndex(4);
    if (index.apply(bytes.data(), bytes.size()).isOk()) {
      ++accepted;
      // The good delta may contradict it, but not harm it.
      index.apply(delta.data(), delta.size()).isOk();
      PrefixIndex next = makeIndex(UINT32_MAX);
      deliver(next, index.diff());
      EXPECT_EQ(next.cachedBlocks(), index.cachedBlocks());
    }
  }
  EXPECT_GT(accepted, 1000);
}

TEST(PrefixIndex, ManyThreadsUseOneIndex) {
  PrefixIndex index = makeIndex(1), other = makeIndex(2);
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int32_t worker = 0; worker < 2; ++worker)
    threads.emplace_back([&, worker] {
      std::mt19937 generator(static_cast<uint32_t>(worker));
      for (int i = 0; i < 300; ++i) {
        uint32_t block = static_cast<uint32_t>(worker) * 100 + generator() % 100;
        if (generator() % 3 == 0)
          index.evict(Blocks{block}).isOk();
        else
          index.insert(range(static_cast<int32_t>(generator() % 20), 4), Blocks{block}).isOk();
      }
    });
  threads.emplace_back([&] {
    while (!done) {
      deliver(other, index.diff(other.versions()));
      deliver(index, other.diff(index.versions()));
    }
  });
  threads.emplace_back([&] {
    std::mt19937 generator(9);
    while (!done) {
      PrefixMatch match = index.longestSharedPrefix(range(static_cast<int32_t>(generator() % 20), 8));
      EXPECT_LE(match.blocks.size(), 1u);
      index.holders({1, 2});
      index.cachedBlocks();
    }
  });
  threads[0].join();
  threads[1].join();
  done = true;
  threads[2].join();
  threads[3].join();
  exchange(index, other);
  EXPECT_EQ(index.cachedBlocks(), other.cachedBlocks());
}

} // namespace
