//===- MaskCacheTest.cpp - What a cache keeps, and for whom ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskProblem.h"

#include "CacheTable.h"

#include <algorithm>
#include <thread>

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

/// Enough for all that a test keeps.
constexpr size_t plenty = 1 << 24;

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

/// Rows of so many words of lists; `mark` tells them apart.
std::shared_ptr<const PreparedRows> makeRows(size_t words, uint32_t mark) {
  auto rows = std::make_shared<PreparedRows>();
  rows->lists.partial.assign(words + 1, mark);
  return rows;
}

uint32_t markOf(const PreparedRows &rows) { return rows.lists.partial.front(); }

/// Bytes that the table counts for one entry.
size_t entryBytes(const std::string &key, size_t words) {
  CacheTable table(plenty);
  table.insert(key, makeRows(words, 0));
  return table.stats().bytes;
}

TEST(MaskCache, FindsWhatWasInserted) {
  CacheTable table(plenty);
  EXPECT_EQ(table.find("a"), nullptr);
  table.insert("a", makeRows(3, 7));
  table.insert("b", makeRows(3, 8));
  // Of two threads that list the same rows, the first one's are kept.
  table.insert("a", makeRows(3, 9));
  EXPECT_EQ(markOf(*table.find("a")), 7u);
  EXPECT_EQ(markOf(*table.find("b")), 8u);
  EXPECT_EQ(table.find(""), nullptr);
  MaskCacheStats stats = table.stats();
  EXPECT_EQ(stats.hits, 2u);
  EXPECT_EQ(stats.misses, 2u);
  EXPECT_EQ(stats.evictions, 0u);
  EXPECT_EQ(stats.entries, 2u);
  EXPECT_EQ(stats.bytes, entryBytes("a", 3) + entryBytes("b", 3));
  EXPECT_EQ(stats.maxBytes, plenty);
}

TEST(MaskCache, BytesGrowWithRowsAndKeys) {
  EXPECT_EQ(entryBytes("k", 1000) - entryBytes("k", 500), 2000u);
  EXPECT_GE(entryBytes(std::string(5000, 'k'), 0) - entryBytes("k", 0), 2 * 4900u);
}

TEST(MaskCache, LeastRecentlyUsedGoFirst) {
  size_t each = entryBytes("a", 10);
  CacheTable table(3 * each);
  for (const char *key : {"a", "b", "c"})
    table.insert(key, makeRows(10, 0));
  EXPECT_TRUE(table.find("a"));
  table.insert("d", makeRows(10, 0));
  EXPECT_FALSE(table.find("b"));
  EXPECT_TRUE(table.find("a") && table.find("c") && table.find("d"));
  EXPECT_EQ(table.stats().evictions, 1u);
  EXPECT_EQ(table.stats().bytes, 3 * each);
  // One large entry takes the place of several small ones.
  table.insert("e", makeRows(10 + each / sizeof(uint32_t), 0));
  EXPECT_FALSE(table.find("a") || table.find("c"));
  EXPECT_TRUE(table.find("d") && table.find("e"));
  EXPECT_EQ(table.stats().evictions, 3u);
}

TEST(MaskCache, WhatIsTooLargeIsNotKept) {
  size_t each = entryBytes("a", 10);
  CacheTable table(2 * each - 1);
  table.insert("a", makeRows(10, 0));
  table.insert("b", makeRows(11 + each / sizeof(uint32_t), 0));
  EXPECT_TRUE(table.find("a"));
  EXPECT_FALSE(table.find("b"));
  EXPECT_EQ(table.stats().evictions, 0u);
  CacheTable none(0);
  none.insert("a", makeRows(0, 0));
  EXPECT_EQ(none.stats().entries, 0u);
}

TEST(MaskCache, ClearForgetsAll) {
  CacheTable table(plenty);
  table.insert("a", makeRows(3, 7));
  std::shared_ptr<const PreparedRows> held = table.find("a");
  table.clear();
  EXPECT_FALSE(table.find("a"));
  MaskCacheStats stats = table.stats();
  EXPECT_EQ(stats.entries, 0u);
  EXPECT_EQ(stats.bytes, 0u);
  EXPECT_EQ(stats.evictions, 0u);
  EXPECT_EQ(stats.hits, 1u);
  EXPECT_EQ(markOf(*held), 7u) << "who found an entry keeps it alive";
  table.insert("a", makeRows(3, 8));
  EXPECT_EQ(markOf(*table.find("a")), 8u);
}

/// The same in the plainest way.
struct PlainCache {
  struct Entry {
    std::string key;
    uint32_t mark;
    size_t bytes;
  };

  const Entry *find(const std::string &key) {
    auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry &entry) { return entry.key == key; });
    if (found == entries.end())
      return nullptr;
    std::rotate(entries.begin(), found, found + 1);
    return &entries.front();
  }
  void insert(const Entry &entry) {
    auto isSame = [&](const Entry &other) { return other.key == entry.key; };
    if (entry.bytes > maxBytes || std::any_of(entries.begin(), entries.end(), isSame))
      return;
    entries.insert(entries.begin(), entry);
    for (; bytes() > maxBytes; ++evictions)
      entries.pop_back();
  }
  size_t bytes() const {
    size_t sum = 0;
    for (const Entry &entry : entries)
      sum += entry.bytes;
    return sum;
  }

  size_t maxBytes;
  std::vector<Entry> entries;
  uint64_t evictions = 0;
};

TEST(MaskCache, IsAPlainCache) {
  std::mt19937 generator(1);
  auto below = [&](uint32_t bound) { return std::uniform_int_distribution<uint32_t>(0, bound - 1)(generator); };
  for (int program = 0; program < 30; ++program) {
    size_t maxBytes = entryBytes("a", 0) * (1 + below(8)) + below(500);
    CacheTable table(maxBytes);
    PlainCache plain{maxBytes, {}};
    for (uint32_t step = 0; step < 300; ++step) {
      std::string key(1, static_cast<char>('a' + below(12)));
      if (below(2) == 0) {
        size_t words = below(200);
        table.insert(key, makeRows(words, step));
        plain.insert({key, step, entryBytes(key, words)});
      } else {
        std::shared_ptr<const PreparedRows> rows = table.find(key);
        const PlainCache::Entry *entry = plain.find(key);
        ASSERT_EQ(rows != nullptr, entry != nullptr) << program << ' ' << step;
        ASSERT_TRUE(!entry || markOf(*rows) == entry->mark);
      }
      MaskCacheStats stats = table.stats();
      ASSERT_EQ(stats.entries, plain.entries.size());
      ASSERT_EQ(stats.bytes, plain.bytes());
      ASSERT_EQ(stats.evictions, plain.evictions);
      ASSERT_LE(stats.bytes, maxBytes);
    }
  }
}

//===----------------------------------------------------------------------===//
// Plans with captured arrays
//===----------------------------------------------------------------------===//

using Versions = std::vector<std::optional<uint64_t>>;

/// Prepares functions with a cache, and says whether their rows came from it.
struct CachedPlans {
  explicit CachedPlans(size_t maxBytes = plenty) : cache(maxBytes) {}

  std::shared_ptr<const Plan> prepare(const std::string &function, const std::vector<Value> &arguments,
                                      Versions versions = {}) {
    MaskCacheStats before = cache.stats();
    Result<std::shared_ptr<const Plan>> plan =
        Plan::prepare(artifact, function, arguments, {&cache, std::move(versions)});
    EXPECT_TRUE(plan.isOk()) << plan.status().message();
    MaskCacheStats after = cache.stats();
    hits = after.hits - before.hits;
    misses = after.misses - before.misses;
    return *plan;
  }
  bool hit() const { return hits == 1 && misses == 0; }
  bool missed() const { return hits == 0 && misses == 1; }

  MaskCache cache;
  std::shared_ptr<const Artifact> artifact = linkedArtifact();
  uint64_t hits = 0, misses = 0; ///< Of the last call.
};

/// Runs a plan of "packed", and compares it with the reference.
void expectPacked(Problem &problem, const Plan &plan, Documents &documents) {
  problem.launch(plan, {documents.captured()}, false);
  problem.expectReference([&](int64_t b, int64_t, int64_t q, int64_t k) { return documents.attends(b, q, k); }, false);
}

void expectSameTiles(const Plan &a, const Plan &b) {
  EXPECT_EQ(a.tiles().partial, b.tiles().partial);
  EXPECT_EQ(a.tiles().full, b.tiles().full);
  EXPECT_EQ(a.tiles().total, b.tiles().total);
  EXPECT_EQ(a.step(0).listBytes, b.step(0).listBytes);
}

TEST(CachedPlan, SameDocumentsAreFound) {
  Problem problem({2, 2, 1, 150, 150});
  Documents documents(2, 150, 40);
  CachedPlans plans;
  std::shared_ptr<const Plan> first = plans.prepare("packed", problem.arguments({documents.captured()}));
  EXPECT_TRUE(plans.missed());
  std::shared_ptr<const Plan> second = plans.prepare("packed", problem.arguments({documents.captured()}));
  EXPECT_TRUE(plans.hit());
  expectSameTiles(*first, *second);
  expectPacked(problem, *first, documents);
  expectPacked(problem, *second, documents);
  // Equal ids elsewhere are the same ids, whatever their stride.
  std::vector<int32_t> copy(400, -7);
  for (size_t i = 0; i < 150; ++i) {
    copy[i] = documents.ids[i];
    copy[200 + i] = documents.ids[150 + i];
  }
  Value strided = makeArray(copy.data(), DType::I32, Shape{2, {2, 150}}, {200, 1});
  std::shared_ptr<const Plan> third = plans.prepare("packed", problem.arguments({strided}));
  EXPECT_TRUE(plans.hit());
  problem.launch(*third, {strided}, false);
  problem.expectReference([&](int64_t b, int64_t, int64_t q, int64_t k) { return documents.attends(b, q, k); }, false);
}

TEST(CachedPlan, SameShapeOtherIdsOtherResult) {
  Problem problem({2, 2, 1, 150, 150});
  Documents documents(2, 150, 90), others(2, 150, 20);
  CachedPlans plans;
  std::shared_ptr<const Plan> first = plans.prepare("packed", problem.arguments({documents.captured()}));
  std::shared_ptr<const Plan> second = plans.prepare("packed", problem.arguments({others.captured()}));
  EXPECT_TRUE(plans.missed());
  EXPECT_NE(first->tiles().partial, second->tiles().partial);
  expectPacked(problem, *first, documents);
  expectPacked(problem, *second, others);
}

TEST(CachedPlan, ChangedContentsAtTheSameAddressMiss) {
  Problem problem({1, 2, 1, 150, 150});
  Documents documents(1, 150, 90);
  CachedPlans plans;
  plans.prepare("packed", problem.arguments({documents.captured()}));
  for (size_t changed : {size_t(0), size_t(77), size_t(149)}) {
    documents.ids[changed] = 1000;
    std::shared_ptr<const Plan> plan = plans.prepare("packed", problem.arguments({documents.captured()}));
    EXPECT_TRUE(plans.missed()) << changed;
    expectPacked(problem, *plan, documents);
  }
}

TEST(CachedPlan, VersionsOfTheCallerStandForContents) {
  Problem problem({1, 2, 1, 150, 150});
  Documents documents(1, 150, 90);
  std::vector<Value> arguments = problem.arguments({documents.captured()});
  auto version = [](uint64_t number) { return Versions{{}, {}, {}, number}; };
  CachedPlans plans;
  std::shared_ptr<const Plan> first = plans.prepare("packed", arguments, version(5));
  EXPECT_TRUE(plans.missed());
  plans.prepare("packed", arguments, version(5));
  EXPECT_TRUE(plans.hit());
  plans.prepare("packed", arguments, version(6));
  EXPECT_TRUE(plans.missed());
  // Neither a hash nor a version of an array that is not captured is a version of this one.
  plans.prepare("packed", arguments);
  EXPECT_TRUE(plans.missed());
  plans.prepare("packed", arguments, Versions{5, 6, 7});
  EXPECT_TRUE(plans.hit());
  // The caller's promise is taken: what the array holds is not looked at.
  std::fill(documents.ids.begin(), documents.ids.end(), 3);
  std::shared_ptr<const Plan> old = plans.prepare("packed", arguments, version(5));
  EXPECT_TRUE(plans.hit());
  expectSameTiles(*first, *old);
}

TEST(CachedPlan, ShapesAreInTheKey) {
  Documents documents(1, 150, 30);
  CachedPlans plans;
  for (Sizes sizes : {Sizes{1, 2, 1, 150, 150}, Sizes{1, 2, 1, 149, 150}, Sizes{1, 2, 1, 150, 149},
                      Sizes{1, 4, 1, 150, 150}, Sizes{1, 2, 2, 150, 150}}) {
    Problem problem(sizes);
    std::vector<Value> arguments = problem.arguments({documents.captured()});
    plans.prepare("packed", arguments, {{}, {}, {}, 1});
    EXPECT_TRUE(plans.missed());
    plans.prepare("packed", arguments, {{}, {}, {}, 1});
    EXPECT_TRUE(plans.hit());
  }
  // So is that of the captured array.
  Problem problem({1, 2, 1, 150, 150});
  Value shorter = makeArray(documents.ids.data(), DType::I32, Shape{2, {1, 140}});
  plans.prepare("packed", problem.arguments({shorter}), {{}, {}, {}, 1});
  EXPECT_TRUE(plans.missed());
}

TEST(CachedPlan, ArtifactsOfOneFileDoNotShare) {
  Problem problem({1, 2, 1, 150, 150});
  Documents documents(1, 150, 30);
  CachedPlans plans;
  for (int i = 0; i < 2; ++i) {
    Result<std::shared_ptr<const Artifact>> artifact = Artifact::open(SPARSE_ATTN_TEST_ARTIFACT);
    ASSERT_TRUE(artifact.isOk()) << artifact.status().message();
    plans.artifact = *artifact;
    plans.prepare("packed", problem.arguments({documents.captured()}));
    EXPECT_TRUE(plans.missed());
    plans.prepare("packed", problem.arguments({documents.captured()}));
    EXPECT_TRUE(plans.hit());
  }
}

TEST(CachedPlan, FunctionsOfOneArtifactShareKernels) {
  Problem problem({1, 2, 2, 150, 150});
  Documents documents(1, 150, 30);
  CachedPlans plans;
  plans.prepare("packed", problem.arguments({documents.captured()}));
  plans.prepare("two_steps", problem.arguments({makeScalar(6), makeScalar(6), documents.captured()}));
  EXPECT_TRUE(plans.hit());
}

TEST(CachedPlan, ClosedFormsAreNotKept) {
  Problem problem({1, 2, 2, 50, 50});
  CachedPlans plans;
  plans.prepare("window", problem.arguments({makeScalar(6), makeScalar(6)}));
  EXPECT_EQ(plans.hits + plans.misses, 0u);
  EXPECT_EQ(plans.cache.stats().entries, 0u);
}

TEST(CachedPlan, FailuresAreNotKept) {
  Problem problem({1, 2, 2, 50, 50});
  CachedPlans plans;
  Value missing = makeArray(nullptr, DType::I32, Shape{2, {1, 50}});
  EXPECT_FALSE(Plan::prepare(plans.artifact, "packed", problem.arguments({missing}), {&plans.cache, {}}).isOk());
  EXPECT_EQ(plans.cache.stats().entries, 0u);
}

TEST(CachedPlan, PlansKeepTheirRowsAlive) {
  Problem problem({1, 2, 1, 150, 150});
  Documents documents(1, 150, 30);
  std::shared_ptr<const Plan> first, second, third;
  {
    CachedPlans plans;
    first = plans.prepare("packed", problem.arguments({documents.captured()}));
    second = plans.prepare("packed", problem.arguments({documents.captured()}));
    plans.cache.clear();
    third = plans.prepare("packed", problem.arguments({documents.captured()}));
    EXPECT_TRUE(plans.missed());
  }
  for (const auto &plan : {first, second, third})
    expectPacked(problem, *plan, documents);
}

TEST(CachedPlan, EvictedRowsAreListedAgain) {
  Problem problem({1, 2, 1, 150, 150});
  Documents documents(1, 150, 30), others(1, 150, 20);
  CachedPlans measure;
  measure.prepare("packed", problem.arguments({documents.captured()}));
  measure.prepare("packed", problem.arguments({others.captured()}));
  CachedPlans plans(measure.cache.stats().bytes - 1);
  std::shared_ptr<const Plan> first = plans.prepare("packed", problem.arguments({documents.captured()}));
  plans.prepare("packed", problem.arguments({others.captured()}));
  EXPECT_EQ(plans.cache.stats().evictions, 1u);
  std::shared_ptr<const Plan> again = plans.prepare("packed", problem.arguments({documents.captured()}));
  EXPECT_TRUE(plans.missed());
  expectPacked(problem, *first, documents);
  expectPacked(problem, *again, documents);
}

TEST(CachedPlan, LaunchLeavesTheCacheAlone) {
  Problem problem({1, 2, 1, 150, 150});
  Documents documents(1, 150, 30);
  CachedPlans plans;
  std::shared_ptr<const Plan> plan = plans.prepare("packed", problem.arguments({documents.captured()}));
  MaskCacheStats before = plans.cache.stats();
  for (int i = 0; i < 3; ++i)
    problem.launch(*plan, {documents.captured()}, false);
  MaskCacheStats after = plans.cache.stats();
  EXPECT_EQ(after.hits, before.hits);
  EXPECT_EQ(after.misses, before.misses);
  EXPECT_EQ(after.entries, before.entries);
  EXPECT_EQ(after.bytes, before.bytes);
}

TEST(CachedPlan, ThreadsShareACache) {
  constexpr int threads = 4, rounds = 25, kinds = 6;
  ThreadScope scope(1); // A sanitizer does not know what the threads of the library wait for.
  Problem problem({1, 2, 1, 150, 150});
  std::vector<Documents> documents;
  std::vector<TileCounts> expected;
  size_t bytes = 0;
  for (int kind = 0; kind < kinds; ++kind) {
    documents.emplace_back(1, 150, 10 + 20 * kind);
    CachedPlans alone;
    expected.push_back(alone.prepare("packed", problem.arguments({documents.back().captured()}))->tiles());
    bytes = std::max(bytes, alone.cache.stats().bytes);
  }
  MaskCache cache(3 * bytes);
  std::shared_ptr<const Artifact> artifact = linkedArtifact();
  auto work = [&](int thread) {
    std::mt19937 generator(static_cast<uint32_t>(thread));
    for (int round = 0; round < rounds; ++round) {
      size_t kind = std::uniform_int_distribution<size_t>(0, kinds - 1)(generator);
      Result<std::shared_ptr<const Plan>> plan =
          Plan::prepare(artifact, "packed", problem.arguments({documents[kind].captured()}), {&cache, {}});
      ASSERT_TRUE(plan.isOk()) << plan.status().message();
      EXPECT_EQ((*plan)->tiles().partial, expected[kind].partial);
      EXPECT_EQ((*plan)->tiles().full, expected[kind].full);
      EXPECT_LE(cache.stats().bytes, cache.stats().maxBytes);
      if (round == rounds / 2)
        cache.clear();
    }
  };
  std::vector<std::thread> pool;
  for (int thread = 0; thread < threads; ++thread)
    pool.emplace_back(work, thread);
  for (std::thread &thread : pool)
    thread.join();
  MaskCacheStats stats = cache.stats();
  EXPECT_EQ(stats.hits + stats.misses, uint64_t(threads * rounds));
  EXPECT_GT(stats.hits, 0u);
  EXPECT_GE(stats.misses, uint64_t(kinds));
}

//===----------------------------------------------------------------------===//
// Plans with captured masks and numbers
//===----------------------------------------------------------------------===//

constexpr int64_t far = 1000;

TEST(CachedPlan, MasksAreFoundByTheirContents) {
  std::mt19937 generator(1);
  Problem problem({2, 2, 1, 75, 150});
  BlockGrid grid = gridOf(75, 150, {4, 4});
  MaskTable masks(2, 2, grid, 0.3, generator), others(2, 2, grid, 0.3, generator);
  CachedPlans plans;
  auto prepare = [&](MaskTable &table, Versions versions = {}) {
    return plans.prepare("blocks", problem.arguments({table.value(), makeScalar(far)}), std::move(versions));
  };
  std::shared_ptr<const Plan> first = prepare(masks);
  EXPECT_TRUE(plans.missed());
  // Other handles, another representation: the same pairs.
  std::vector<BlockMask> converted;
  for (const BlockMask &mask : masks.masks)
    converted.push_back(*mask.withRepresentation({Representation::Roaring, 1}));
  MaskTable same(std::move(converted), 2, 2);
  std::shared_ptr<const Plan> second = prepare(same);
  EXPECT_TRUE(plans.hit());
  expectSameTiles(*first, *second);
  std::shared_ptr<const Plan> third = prepare(others);
  EXPECT_TRUE(plans.missed());
  EXPECT_NE(first->tiles().partial, third->tiles().partial);
  // One mask of four is another; so are the same masks in another order.
  MaskTable mixed({masks.masks[0], masks.masks[1], others.masks[0], masks.masks[3]}, 2, 2);
  prepare(mixed);
  EXPECT_TRUE(plans.missed());
  MaskTable swapped({masks.masks[1], masks.masks[0], masks.masks[2], masks.masks[3]}, 2, 2);
  prepare(swapped);
  EXPECT_TRUE(plans.missed());
  // A version stands for the masks of a table of that size.
  prepare(masks, {{}, {}, {}, 9});
  EXPECT_TRUE(plans.missed());
  prepare(others, {{}, {}, {}, 9});
  EXPECT_TRUE(plans.hit());
  MaskTable shared({masks.masks[0]}, 1, 1);
  prepare(shared, {{}, {}, {}, 9});
  EXPECT_TRUE(plans.missed());
}

TEST(CachedPlan, SharedMasksAndHeadsOfTheirOwnDiffer) {
  std::mt19937 generator(2);
  Problem problem({2, 2, 1, 75, 150});
  BlockMask mask = randomMask(gridOf(75, 150, {4, 4}), 0.3, generator);
  CachedPlans plans;
  for (int64_t batches : {1, 2})
    for (int64_t heads : {1, 2}) {
      MaskTable table(std::vector<BlockMask>(static_cast<size_t>(batches * heads), mask), batches, heads);
      plans.prepare("blocks", problem.arguments({table.value(), makeScalar(far)}));
      EXPECT_TRUE(plans.missed()) << batches << ' ' << heads;
    }
}

TEST(CachedPlan, NumbersAreInTheKey) {
  std::mt19937 generator(3);
  Problem problem({1, 2, 1, 75, 150});
  MaskTable masks(1, 1, gridOf(75, 150, {4, 4}), 0.5, generator);
  CachedPlans plans;
  for (int64_t left : {far, int64_t(40), int64_t(0)}) {
    std::vector<Value> captures = {masks.value(), makeScalar(left)};
    for (bool again : {false, true}) {
      std::shared_ptr<const Plan> plan = plans.prepare("blocks", problem.arguments(captures));
      EXPECT_EQ(plans.hit(), again) << left;
      problem.launch(*plan, captures, false);
      problem.expectReference(
          [&](int64_t, int64_t, int64_t q, int64_t k) {
            return q - left <= k &&
                   masks.masks[0].contains(static_cast<uint32_t>((q - 75) / 4), static_cast<uint32_t>(k / 4));
          },
          false);
    }
  }
  // A number has no version: its value counts.
  plans.prepare("blocks", problem.arguments({masks.value(), makeScalar(1)}), {{}, {}, {}, {}, 1});
  EXPECT_TRUE(plans.missed());
  plans.prepare("blocks", problem.arguments({masks.value(), makeScalar(2)}), {{}, {}, {}, {}, 1});
  EXPECT_TRUE(plans.missed());
}

} // namespace
