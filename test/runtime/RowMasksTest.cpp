//===- RowMasksTest.cpp - Masks within plans ------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two views of one thing: what compiled code reads of a mask while rows are
// listed and when it runs, against the mask itself; and functions with masks,
// against the reference.
//
//===----------------------------------------------------------------------===//

#include "MaskProblem.h"

#include "RowLists.h"

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

//===----------------------------------------------------------------------===//
// States and words
//===----------------------------------------------------------------------===//

/// Lists over random masks, with sizes and blocks of all kinds.
struct ListedMasks {
  explicit ListedMasks(uint32_t seed) : generator(seed) {
    queries = pick(1, 150);
    keys = pick(1, 300);
    tileQ = power(3, 6);
    tileK = power(3, 6);
    grid = {pick(1, 3), pick(1, 3), (queries + tileQ - 1) / tileQ, pick(0, 1) == 1, pick(0, 1) == 1, {}};
    KernelInfo kernel;
    kernel.schedule = KernelInfo::Schedule::Listed;
    for (int64_t i = 0, count = pick(1, 3); i < count; ++i) {
      CaptureInfo capture;
      capture.kind = i == 1 ? ArgumentKind::Scalar : ArgumentKind::Mask;
      kernel.captures.push_back(capture);
      masks.push_back(i == 1 ? StepMask() : randomMasks());
    }
    layout = std::make_unique<BlockLayout>(kernel);
    block.assign(layout->words, 0);
  }

  int64_t pick(int64_t least, int64_t most) { return std::uniform_int_distribution<int64_t>(least, most)(generator); }
  int64_t power(int64_t least, int64_t most) { return int64_t(1) << pick(least, most); }

  StepMask randomMasks() {
    int64_t queryBlock = power(0, 8), keyBlock = power(0, 8);
    StepMask mask{{}, grid.perBatch ? grid.batch : 1, grid.perHead ? grid.heads : 1};
    for (int64_t i = 0; i < mask.batches * mask.heads; ++i)
      mask.masks.push_back(randomMask(gridOf(queries, keys, {queryBlock, keyBlock}), 0.3, generator));
    return mask;
  }

  Result<RowLists> list(PlanEntry plan) {
    return listRows({plan, &block, layout.get(), &masks, &sequences, queries, tileQ, tileK}, grid, keyTiles());
  }
  int64_t keyTiles() const { return (keys + tileK - 1) / tileK; }

  std::mt19937 generator;
  int64_t queries, keys, tileQ, tileK;
  RowGrid grid;
  std::vector<StepMask> masks;
  std::vector<Sequence> sequences;
  std::unique_ptr<BlockLayout> layout;
  std::vector<uint64_t> block;
};

/// For entries, which have no other way to know.
const ListedMasks *listed;

/// How many mask rows of a query tile hold each key block, and how many rows there are.
std::vector<int32_t> statesOf(const BlockMask &mask, int64_t t) {
  int64_t size = mask.grid().queryBlockSize;
  int64_t first = t * listed->tileQ, past = std::min(first + listed->tileQ, listed->queries);
  std::vector<int32_t> states;
  for (uint32_t k = 0; k < mask.grid().keyBlocks; ++k) {
    int64_t rows = 0, holding = 0;
    for (int64_t q = first / size; q <= (past - 1) / size; ++q, ++rows)
      holding += mask.contains(static_cast<uint32_t>(q), k);
    states.push_back(holding == 0 ? 0 : holding == rows ? 2 : 1);
  }
  return states;
}

/// Compares all levels of minima and maxima, which `words` name, with level 0.
bool levelsHold(const uint64_t *words, const std::vector<int32_t> &states) {
  auto minima = reinterpret_cast<const int32_t *>(words[0]), maxima = reinterpret_cast<const int32_t *>(words[1]);
  int64_t entries = static_cast<int64_t>(words[2]), blocks = static_cast<int64_t>(states.size());
  if (entries < blocks || (entries & (entries - 1)) != 0)
    return false;
  for (int64_t level = 0; entries >> level > 0; ++level)
    for (int64_t i = 0; i < entries >> level; ++i) {
      int32_t minimum = INT32_MAX, maximum = 0;
      for (int64_t k = i << level; k < std::min((i + 1) << level, blocks); ++k) {
        minimum = std::min(minimum, states[static_cast<size_t>(k)]);
        maximum = std::max(maximum, states[static_cast<size_t>(k)]);
      }
      int64_t at = 2 * entries - (2 * entries >> level) + i;
      if (minima[at] != minimum || maxima[at] != maximum)
        return false;
    }
  return true;
}

/// Fails where the states of a row are wrong; lists two thirds of its tiles as partial.
int32_t checkStates(const uint64_t *block, int64_t b, int64_t h, int64_t t, uint32_t *partial, uint32_t *,
                    int64_t *counts) {
  for (size_t i = 0; i < listed->masks.size(); ++i)
    if (listed->masks[i].isMask() &&
        !levelsHold(block + listed->layout->captures[i], statesOf(listed->masks[i].of(b, h), t)))
      return 1;
  counts[0] = counts[1] = counts[2] = 0;
  for (int64_t tile = 0; tile < listed->keyTiles(); tile += 3) {
    partial[2 * counts[0]] = static_cast<uint32_t>(tile);
    partial[2 * counts[0]++ + 1] = static_cast<uint32_t>(std::min<int64_t>(2, listed->keyTiles() - tile));
  }
  return 0;
}

/// The words of one tile, by the definition: a bit for each mask block of the tile, by row and column.
std::vector<uint32_t> wordsOf(int64_t b, int64_t h, int64_t t, int64_t tile) {
  std::vector<uint32_t> words;
  for (const StepMask &step : listed->masks) {
    if (!step.isMask())
      continue;
    const BlockMask &mask = step.of(b, h);
    int64_t queryBlock = mask.grid().queryBlockSize, keyBlock = mask.grid().keyBlockSize;
    int64_t rows = std::max<int64_t>(listed->tileQ / queryBlock, 1);
    int64_t columns = std::max<int64_t>(listed->tileK / keyBlock, 1);
    size_t begin = words.size();
    words.resize(begin + static_cast<size_t>((rows * columns + 31) / 32));
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c)
        if (mask.contains(static_cast<uint32_t>(t * listed->tileQ / queryBlock + r),
                          static_cast<uint32_t>(tile * listed->tileK / keyBlock + c)))
          words[begin + static_cast<size_t>((r * columns + c) / 32)] |= uint32_t(1) << ((r * columns + c) % 32);
  }
  return words;
}

TEST(RowMasks, StatesAndWordsAreThoseOfTheMasks) {
  for (uint32_t seed = 0; seed < 150; ++seed) {
    ListedMasks problem(seed);
    listed = &problem;
    Result<RowLists> lists = problem.list(checkStates);
    ASSERT_TRUE(lists.isOk()) << seed << ": " << lists.status().message();
    ASSERT_EQ(lists->partialEntries.size(), static_cast<size_t>(problem.grid.rows()) + 1);
    size_t next = 0;
    for (int64_t row = 0, entries = 0; row < problem.grid.rows(); ++row) {
      int64_t item = problem.grid.item(0, row), tiles = problem.grid.tiles;
      ASSERT_EQ(lists->partialEntries[static_cast<size_t>(row)], entries);
      for (int64_t tile = 0; tile < problem.keyTiles(); ++tile) {
        if (tile % 3 == 2)
          continue;
        std::vector<uint32_t> words =
            wordsOf(item / tiles / problem.grid.heads, item / tiles % problem.grid.heads, item % tiles, tile);
        ASSERT_LE(next + words.size(), lists->partialWords.size());
        ASSERT_TRUE(std::equal(words.begin(), words.end(), lists->partialWords.begin() + static_cast<int64_t>(next)))
            << seed << ", row " << row << ", tile " << tile;
        next += words.size();
        ++entries;
      }
    }
    EXPECT_EQ(next, lists->partialWords.size());
  }
}

//===----------------------------------------------------------------------===//
// Functions with masks
//===----------------------------------------------------------------------===//

constexpr int64_t far = 1000;

/// The mask of `masks` (1 or all of each) for (b, h) holds the blocks of row and key, and q - left <= k.
auto attendsBy(const MaskTable &masks, const Sizes &sizes, int64_t left) {
  return [&masks, sizes, left](int64_t b, int64_t h, int64_t q, int64_t k) {
    const BlockMask &mask = masks.of(b, h);
    int64_t row = q - sizes.keys + sizes.queries;
    return q - left <= k && mask.contains(static_cast<uint32_t>(row / mask.grid().queryBlockSize),
                                          static_cast<uint32_t>(k / mask.grid().keyBlockSize));
  };
}

struct FunctionWithMask {
  const char *name;
  MaskBlock block;
};
const FunctionWithMask maskFunctions[] = {{"blocks", {4, 4}}, {"coarse_blocks", {32, 128}}};

TEST(MaskPlan, RunsPerHeadPerBatchAndShared) {
  std::mt19937 generator(1);
  for (const FunctionWithMask &function : maskFunctions)
    for (int64_t batches : {1, 2})
      for (int64_t heads : {1, 4})
        for (int64_t left : {int64_t(9), far}) {
          Problem problem({2, 4, 2, 75, 301});
          MaskTable masks(batches, heads, gridOf(75, 301, function.block), 0.4, generator);
          std::shared_ptr<const Plan> plan = problem.run(function.name, {masks.value(), makeScalar(left)}, false);
          ASSERT_TRUE(plan);
          problem.expectReference(attendsBy(masks, problem.sizes, left), false);
          EXPECT_EQ(plan->step(0).perBatch, batches > 1);
          EXPECT_EQ(plan->step(0).perHead, heads > 1);
          // Tiles within a mask block are full or empty.
          EXPECT_TRUE(plan->tiles().partial > 0 || function.block.keys == 128);
          EXPECT_LT(plan->tiles().partial + plan->tiles().full, plan->tiles().total);
        }
}

TEST(MaskPlan, FullAndEmptyMasksNeedNoMaskCode) {
  Problem problem({1, 2, 2, 50, 150});
  BlockGrid grid = gridOf(50, 150, {4, 4});
  MaskTable all({*BlockMask::fromTerms(grid, {BandTerm::rectangle({0, grid.queryBlocks}, {0, grid.keyBlocks})})}, 1, 1);
  MaskTable none({*BlockMask::fromTerms(grid, {})}, 1, 1);
  std::shared_ptr<const Plan> plan = problem.run("blocks", {all.value(), makeScalar(far)}, false);
  EXPECT_EQ(plan->tiles().partial, 0);
  EXPECT_EQ(plan->tiles().full, plan->tiles().total);
  problem.expectReference([](int64_t, int64_t, int64_t, int64_t) { return true; }, false);
  plan = problem.run("blocks", {none.value(), makeScalar(far)}, false);
  EXPECT_EQ(plan->tiles().partial + plan->tiles().full, 0);
  problem.expectReference([](int64_t, int64_t, int64_t, int64_t) { return false; }, false);
}

TEST(MaskPlan, PredicateIsThatOfTheMask) {
  std::mt19937 generator(2);
  Problem problem({2, 2, 1, 21, 90});
  MaskTable masks(2, 2, gridOf(21, 90, {4, 4}), 0.5, generator);
  Result<std::shared_ptr<const Plan>> plan =
      Plan::prepare(linkedArtifact(), "blocks", problem.arguments({masks.value(), makeScalar(30)}));
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  auto attends = attendsBy(masks, problem.sizes, 30);
  std::vector<uint8_t> row(90);
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t h = 0; h < 2; ++h)
      for (int64_t i = 0; i < 21; ++i) {
        ASSERT_TRUE((*plan)->predicate(0, b, h, i, row.data()).isOk());
        for (int64_t k = 0; k < 90; ++k)
          ASSERT_EQ(row[static_cast<size_t>(k)] != 0, attends(b, h, i + 69, k)) << b << h << ' ' << i << ' ' << k;
      }
}

TEST(MaskPlan, MasksAreNotNeededAfterPrepare) {
  std::mt19937 generator(3);
  Problem problem({1, 2, 2, 40, 140});
  auto masks = std::make_unique<MaskTable>(1, 2, gridOf(40, 140, {4, 4}), 0.5, generator);
  const MaskTable same(masks->masks, 1, 2);
  Value table = masks->value();
  Result<std::shared_ptr<const Plan>> plan =
      Plan::prepare(linkedArtifact(), "blocks", problem.arguments({table, makeScalar(far)}));
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  masks.reset();
  // The table is compared by its address, which may be null.
  table.data = nullptr;
  problem.launch(**plan, {table, makeScalar(far)}, false);
  problem.expectReference(attendsBy(same, problem.sizes, far), false);
}

TEST(MaskPlan, EmptyProblemsTakeEmptyTables) {
  for (Sizes sizes : {Sizes{0, 2, 2, 20, 20}, Sizes{2, 0, 0, 20, 20}, Sizes{2, 2, 2, 0, 20}, Sizes{2, 2, 2, 20, 0}}) {
    std::mt19937 generator(4);
    Problem problem(sizes);
    MaskTable masks(sizes.batch, sizes.queryHeads, gridOf(sizes.queries, sizes.keys, {4, 4}), 0.5, generator);
    EXPECT_TRUE(problem.run("blocks", {masks.value(), makeScalar(far)}, false));
    MaskTable shared(1, 1, gridOf(sizes.queries, sizes.keys, {4, 4}), 0.5, generator);
    EXPECT_TRUE(problem.run("blocks", {shared.value(), makeScalar(far)}, false));
  }
}

//===----------------------------------------------------------------------===//
// Refusals
//===----------------------------------------------------------------------===//

/// Prepares "blocks" for 2 batches, 4 heads, 20 queries and 30 keys.
Status prepareBlocks(const Value &masks) {
  Problem problem({2, 4, 2, 20, 30});
  return Plan::prepare(linkedArtifact(), "blocks", problem.arguments({masks, makeScalar(far)})).status();
}

void expectRefusal(const Value &masks, StatusCode code, const char *message) {
  Status status = prepareBlocks(masks);
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_THAT(status.message(), testing::HasSubstr(message));
}

TEST(MaskPlanErrors, OtherBlocksOrLengths) {
  std::mt19937 generator(5);
  auto refused = [&](const BlockGrid &grid, const char *message) {
    MaskTable masks(1, 1, grid, 0.5, generator);
    expectRefusal(masks.value(), StatusCode::ShapeMismatch, message);
  };
  refused(gridOf(20, 30, {8, 4}), "kernel 'blocks_0': expects captured mask 0 to have 5 x 8 blocks of 4 x 4 tokens, "
                                  "but got 3 x 8 blocks of 8 x 4 tokens");
  refused(gridOf(20, 30, {4, 16}), "5 x 8 blocks of 4 x 4 tokens, but got 5 x 2 blocks of 4 x 16 tokens");
  refused(gridOf(21, 30, {4, 4}), "5 x 8 blocks of 4 x 4 tokens, but got 6 x 8 blocks of 4 x 4 tokens");
  refused(gridOf(20, 33, {4, 4}), "5 x 8 blocks of 4 x 4 tokens, but got 5 x 9 blocks of 4 x 4 tokens");
  refused({}, "5 x 8 blocks of 4 x 4 tokens, but got 0 x 0 blocks of 1 x 1 tokens");
}

TEST(MaskPlanErrors, TablesOfOtherSizes) {
  std::mt19937 generator(6);
  BlockGrid grid = gridOf(20, 30, {4, 4});
  auto refused = [&](int64_t batches, int64_t heads, const char *message) {
    MaskTable masks(batches, heads, grid, 0.5, generator);
    expectRefusal(masks.value(), StatusCode::ShapeMismatch, message);
  };
  refused(3, 1, "expects captured masks 0 for 1 or all of 2 batches, but got 3");
  refused(0, 1, "expects captured masks 0 for 1 or all of 2 batches, but got 0");
  // Masks are by query head.
  refused(1, 2, "expects captured masks 0 for 1 or all of 4 heads, but got 2");
  refused(2, 5, "expects captured masks 0 for 1 or all of 4 heads, but got 5");
}

TEST(MaskPlanErrors, TablesThatAreNone) {
  std::mt19937 generator(7);
  MaskTable masks(2, 4, gridOf(20, 30, {4, 4}), 0.5, generator);
  EXPECT_TRUE(prepareBlocks(masks.value()).isOk());
  Value value = masks.value();
  value.data = nullptr;
  expectRefusal(value, StatusCode::InvalidArgument, "argument 'mask': expects data, but got null");
  value = masks.value();
  value.dtype = SPARSE_ATTN_I32;
  expectRefusal(value, StatusCode::InvalidArgument, "but got rank 2 and type 3");
  value = masks.value();
  value.rank = 3;
  expectRefusal(value, StatusCode::InvalidArgument, "but got rank 3 and type 4");
  expectRefusal(makeScalar(1), StatusCode::InvalidArgument, "expects a table of block masks");
  value = masks.value();
  value.size[0] = -1;
  expectRefusal(value, StatusCode::ShapeMismatch, "but got -1");
  value = masks.value();
  value.stride[1] = 2;
  expectRefusal(value, StatusCode::ShapeMismatch, "but got 4 and 2");
  masks.pointers[6] = nullptr;
  expectRefusal(masks.value(), StatusCode::InvalidArgument,
                "kernel 'blocks_0': expects captured mask 0 of batch 1, head 2, but got null");
}

TEST(MaskPlanErrors, LaunchWantsTheTableOfThePlan) {
  std::mt19937 generator(8);
  Problem problem({2, 4, 2, 20, 30});
  MaskTable masks(2, 4, gridOf(20, 30, {4, 4}), 0.5, generator);
  MaskTable others(2, 4, gridOf(20, 30, {4, 4}), 0.5, generator);
  Result<std::shared_ptr<const Plan>> plan =
      Plan::prepare(linkedArtifact(), "blocks", problem.arguments({masks.value(), makeScalar(far)}));
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  Workspace workspace((*plan)->workspaceBytes());
  auto launch = [&](const Value &table, int64_t left) {
    return (*plan)
        ->launch(problem.arguments({table, makeScalar(left)}), problem.results(false), workspace.memory.get(),
                 workspace.bytes)
        .message();
  };
  EXPECT_EQ(launch(masks.value(), far), "");
  EXPECT_THAT(launch(others.value(), far), testing::HasSubstr("expects the captured array of the plan"));
  EXPECT_THAT(launch(masks.value(), 3), testing::HasSubstr("expects the captured scalar to be 1000"));
  Value shared = masks.value();
  shared.size[0] = 1;
  EXPECT_THAT(launch(shared, far), testing::HasSubstr("expects size 0 to be 2 as in the plan, but got 1"));
}

} // namespace
