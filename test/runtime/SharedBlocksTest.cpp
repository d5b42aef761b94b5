//===- SharedBlocksTest.cpp - Shared blocks against counting --------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/SharedBlocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <vector>

using namespace sparse_attn;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

using Requests = std::vector<std::vector<uint32_t>>;

std::vector<BlockList> listsOf(const Requests &requests) { return {requests.begin(), requests.end()}; }

SharedBlocks share(const Requests &requests) {
  Result<SharedBlocks> shared = sharedBlocks(listsOf(requests));
  EXPECT_TRUE(shared.isOk()) << shared.status().message();
  return *shared;
}

/// Compares with what a count of every block says.
void expectExact(const SharedBlocks &shared, const Requests &requests) {
  std::map<uint32_t, std::set<uint32_t>> readers;
  for (uint32_t i = 0; i < requests.size(); ++i)
    for (uint32_t block : requests[i])
      readers[block].insert(i);
  std::vector<uint32_t> common;
  uint64_t loads = 0, saved = 0;
  std::map<std::vector<uint32_t>, std::vector<uint32_t>> groups;
  for (const auto &[block, who] : readers) {
    loads += who.size();
    if (who.size() == requests.size())
      common.push_back(block);
    if (who.size() > 1)
      groups[{who.begin(), who.end()}].push_back(block);
  }
  EXPECT_EQ(shared.common, common);
  EXPECT_EQ(shared.loads, loads);
  EXPECT_EQ(shared.distinctBlocks, readers.size());
  ASSERT_EQ(shared.groups.size(), groups.size());
  for (size_t i = 0; i < shared.groups.size(); ++i) {
    EXPECT_EQ(shared.groups[i].blocks, groups[shared.groups[i].requests]);
    EXPECT_TRUE(i == 0 || shared.groups[i - 1].savedLoads() >= shared.groups[i].savedLoads());
    saved += shared.groups[i].savedLoads();
  }
  EXPECT_EQ(shared.loads - saved, shared.distinctBlocks);
}

/// The common prefix of a group, position by position.
size_t prefixOf(const SharingGroup &group, const Requests &requests) {
  for (size_t length = 0;; ++length)
    for (uint32_t request : group.requests)
      if (length >= requests[request].size() || requests[request][length] != requests[group.requests[0]][length])
        return length;
}

TEST(SharedBlocks, MatchCounting) {
  std::mt19937 generator(31);
  auto pick = [&](uint32_t count) { return static_cast<uint32_t>(generator() % count); };
  for (int trial = 0; trial < 200; ++trial) {
    Requests requests(pick(9));
    for (std::vector<uint32_t> &request : requests) {
      // A prefix of an earlier request, then blocks of a small pool or a far one, some of them twice.
      const std::vector<uint32_t> &parent = requests[pick(static_cast<uint32_t>(requests.size()))];
      request.assign(parent.begin(), parent.begin() + pick(static_cast<uint32_t>(parent.size()) + 1));
      for (uint32_t i = pick(20); i > 0; --i)
        request.push_back(pick(2) == 0 ? pick(40) : 0xffff0000u + pick(200));
    }
    SharedBlocks shared = share(requests);
    expectExact(shared, requests);
    for (const SharingGroup &group : shared.groups)
      EXPECT_EQ(group.commonPrefix, prefixOf(group, requests));
  }
}

TEST(SharedBlocks, RowsOfAMaskAreRequests) {
  std::mt19937 generator(32);
  for (int trial = 0; trial < 50; ++trial) {
    BlockGrid grid = {static_cast<uint32_t>(generator() % 6), 70, 1, 16};
    BlockMaskBuilder builder(grid);
    Requests requests(grid.queryBlocks);
    for (uint32_t q = 0; q < grid.queryBlocks; ++q) {
      requests[q].resize(generator() % 40);
      std::iota(requests[q].begin(), requests[q].end(), static_cast<uint32_t>(generator() % 30));
      ASSERT_TRUE(builder.addAttention(q, requests[q]).isOk());
    }
    Result<BlockMask> mask = builder.freeze();
    ASSERT_TRUE(mask.isOk());
    Result<SharedBlocks> shared = sharedBlocks(*mask);
    ASSERT_TRUE(shared.isOk());
    expectExact(*shared, requests);
    for (const SharingGroup &group : shared->groups)
      EXPECT_EQ(group.commonPrefix, 0u);
  }
}

TEST(SharedBlocks, PrefixesAndDocumentsInAnyOrder) {
  // A system prompt of blocks 0 to 3 for all; a document of blocks 10 to 12 for two, in other places.
  SharedBlocks shared = share({{0, 1, 2, 3, 10, 11, 12, 20}, {0, 1, 2, 3, 21}, {0, 1, 2, 3, 22, 12, 10, 11}});
  EXPECT_THAT(shared.common, ElementsAre(0, 1, 2, 3));
  ASSERT_EQ(shared.groups.size(), 2u);
  EXPECT_THAT(shared.groups[0].requests, ElementsAre(0, 1, 2));
  EXPECT_THAT(shared.groups[0].blocks, ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(shared.groups[0].commonPrefix, 4u);
  EXPECT_EQ(shared.groups[0].savedLoads(), 8u);
  EXPECT_THAT(shared.groups[1].requests, ElementsAre(0, 2));
  EXPECT_THAT(shared.groups[1].blocks, ElementsAre(10, 11, 12));
  EXPECT_EQ(shared.groups[1].commonPrefix, 4u);
  EXPECT_EQ(shared.loads, 21u);
  EXPECT_EQ(shared.distinctBlocks, 10u);
}

TEST(SharedBlocks, FewRequestsShareLittle) {
  EXPECT_THAT(share({}).common, IsEmpty());
  SharedBlocks one = share({{3, 1, 2}});
  EXPECT_THAT(one.common, ElementsAre(1, 2, 3));
  EXPECT_THAT(one.groups, IsEmpty());
  EXPECT_THAT(share({{3, 1, 2}, {}}).common, IsEmpty());
}

TEST(SharedBlocks, NullIsAnError) {
  Result<SharedBlocks> shared = sharedBlocks({BlockList(), BlockList(nullptr, 3)});
  ASSERT_FALSE(shared.isOk());
  EXPECT_EQ(shared.status().code(), StatusCode::InvalidArgument);
  EXPECT_THAT(shared.status().message(), HasSubstr("request 1: expects 3 blocks, but got null"));
}

} // namespace
