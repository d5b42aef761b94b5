//===- PlanTest.cpp - What prepare finds out, and what it rejects ---------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Problem.h"

#include "ArgumentBlock.h"
#include "CapturedContent.h"
#include "ItemOrder.h"
#include "RowLists.h"

#include <numeric>
#include <set>

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

constexpr int64_t huge = INT64_MAX;

Result<std::shared_ptr<const Plan>> prepare(const std::string &function, const std::vector<Value> &arguments) {
  return Plan::prepare(linkedArtifact(), function, arguments);
}

//===----------------------------------------------------------------------===//
// Tiles, orders, lists
//===----------------------------------------------------------------------===//

TEST(Plan, CountsTilesOfEveryItem) {
  Problem problem({2, 4, 2, 61, 100});
  Documents documents(2, 100, 30);
  std::vector<Value> captures = {makeScalar(6), makeScalar(2), documents.captured()};
  Result<std::shared_ptr<const Plan>> plan = prepare("two_steps", problem.arguments(captures));
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  TileCounts sum;
  for (size_t step = 0; step < (*plan)->stepCount(); ++step)
    for (int64_t item = 0; item < (*plan)->step(step).items; ++item) {
      Result<TileCounts> counts = (*plan)->itemTiles(step, item);
      ASSERT_TRUE(counts.isOk());
      sum.partial += counts->partial;
      sum.full += counts->full;
      sum.total += counts->total;
    }
  TileCounts tiles = (*plan)->tiles();
  EXPECT_EQ(tiles.partial, sum.partial);
  EXPECT_EQ(tiles.full, sum.full);
  EXPECT_EQ(tiles.total, sum.total);
  EXPECT_EQ(tiles.total, 2 * 4 * 8 * (13 + 2));
  EXPECT_FALSE((*plan)->budgetExceeded());
  EXPECT_EQ((*plan)->resultShape(0), (Shape{4, {2, 4, 61, 16}}));
  // Two lists of 8 rows a batch, with one offset more, and at least an interval a row.
  EXPECT_GE((*plan)->step(1).listBytes, (2 * 8 + 1) * 2 * sizeof(int64_t) + 2 * 8 * 8);
  EXPECT_EQ((*plan)->step(0).listBytes, 0u);
}

TEST(Plan, BudgetIsReported) {
  Problem problem({1, 1, 1, 20, 20});
  Documents documents(1, 20, 5);
  std::fill(documents.ids.begin() + 8, documents.ids.begin() + 16, -1);
  Result<std::shared_ptr<const Plan>> plan = prepare("packed", problem.arguments({documents.captured()}));
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  EXPECT_TRUE((*plan)->budgetExceeded());
  EXPECT_TRUE((*plan)->step(0).budgetExceeded);
}

TEST(Plan, ListsDoNotDependOnThreads) {
  Problem problem({3, 2, 2, 700, 700});
  Documents documents(3, 700, 100);
  TileCounts first;
  for (int32_t threads : {1, 2, 4}) {
    ThreadScope scope(threads);
    Result<std::shared_ptr<const Plan>> plan = prepare("packed", problem.arguments({documents.captured()}));
    ASSERT_TRUE(plan.isOk()) << plan.status().message();
    TileCounts tiles = (*plan)->tiles();
    if (threads == 1)
      first = tiles;
    EXPECT_EQ(tiles.partial, first.partial);
    EXPECT_EQ(tiles.full, first.full);
  }
  EXPECT_LT(first.partial + first.full, first.total);
}

TEST(Plan, PredicateIsTheKernels) {
  Problem problem({1, 2, 2, 10, 12});
  Result<std::shared_ptr<const Plan>> plan = prepare("window", problem.arguments({makeScalar(1), makeScalar(0)}));
  ASSERT_TRUE(plan.isOk());
  std::vector<uint8_t> attends(12, 2);
  ASSERT_TRUE((*plan)->predicate(0, 0, 1, 3, attends.data()).isOk());
  EXPECT_EQ(attends, (std::vector<uint8_t>{0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ((*plan)->predicate(0, 0, 2, 3, attends.data()).message(), "expects coordinate 1 to be below 2, but got 2");
  EXPECT_EQ((*plan)->predicate(0, 0, 0, -1, attends.data()).code(), StatusCode::InvalidArgument);
  EXPECT_EQ((*plan)->predicate(1, 0, 0, 0, attends.data()).code(), StatusCode::InvalidArgument);
  EXPECT_EQ((*plan)->itemTiles(0, 4).status().message(), "expects an item below 4, but got 4");
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

TEST(Scores, AreThoseOfTheKernel) {
  Problem problem({1, 2, 2, 3, 5});
  // Rows of the array lie apart, and heads further.
  std::vector<float> elements(100, NAN);
  for (int64_t h = 0; h < 2; ++h)
    for (int64_t i = 0; i < 3; ++i)
      for (int64_t k = 0; k < 5; ++k)
        elements[static_cast<size_t>(40 * h + 7 * i + k)] = static_cast<float>(100 * h + 10 * i + k);
  Value bias = makeArray(elements.data(), DType::F32, Shape{3, {2, 3, 5}}, {40, 7, 1});
  Result<std::shared_ptr<const Plan>> plan = prepare("biased", problem.arguments({makeScalar(2), bias}));
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  std::vector<float> scores = {0.5f, 1.5f, 2.5f, 3.5f, 4.5f};
  ASSERT_TRUE((*plan)->modifyScores(0, 0, 1, 2, scores.data()).isOk());
  EXPECT_EQ(scores, (std::vector<float>{120.5f, 122.5f, 124.5f, 126.5f, 128.5f}));

  EXPECT_EQ((*plan)->modifyScores(1, 0, 0, 0, scores.data()).message(), "expects a step below 1, but got 1");
  EXPECT_EQ((*plan)->modifyScores(0, 0, 2, 0, scores.data()).message(),
            "expects coordinate 1 to be below 2, but got 2");
  EXPECT_EQ((*plan)->modifyScores(0, 0, 0, 3, scores.data()).code(), StatusCode::InvalidArgument);
  EXPECT_EQ((*plan)->modifyScores(0, -1, 0, 0, scores.data()).code(), StatusCode::InvalidArgument);
  scores[3] = NAN;
  Status failed = (*plan)->modifyScores(0, 0, 0, 0, scores.data());
  EXPECT_EQ(failed.code(), StatusCode::DeviceError);
  EXPECT_EQ(failed.message(), "expects the score region to succeed, but got error 7");
}

TEST(Scores, StayWithoutARegion) {
  Problem problem({1, 1, 1, 4, 3});
  Result<std::shared_ptr<const Plan>> plan = prepare("width_of_head", problem.arguments({makeScalar(2)}));
  ASSERT_TRUE(plan.isOk());
  std::vector<float> scores = {1, 2, 3};
  ASSERT_TRUE((*plan)->modifyScores(0, 0, 0, 1, scores.data()).isOk());
  EXPECT_EQ(scores, (std::vector<float>{1, 2, 3}));
  EXPECT_EQ((*plan)->modifyScores(0, 0, 0, 4, scores.data()).code(), StatusCode::InvalidArgument);
}

TEST(Scores, ArraysMayHaveAnySizes) {
  // Neither batch nor heads nor lengths are asked of the array; empty ones read as 0, wherever their data is.
  Problem problem({1, 2, 1, 9, 20});
  std::vector<float> elements(60, 1000.0f);
  for (std::array<int64_t, 3> sizes : {std::array<int64_t, 3>{0, 3, 20}, {2, 0, 20}, {2, 3, 0}, {0, 0, 0}}) {
    Shape shape{3, {sizes[0], sizes[1], sizes[2]}};
    Value bias = makeArray(nullptr, DType::F32, shape, {int64_t(1) << 40, int64_t(1) << 20, 1});
    std::shared_ptr<const Plan> plan = problem.run("biased", {makeScalar(4), bias}, false);
    ASSERT_TRUE(plan);
    problem.expectReference([](int64_t, int64_t h, int64_t q, int64_t k) { return k <= q && q - k < 4 * (h + 1); },
                            false);
    std::vector<float> scores(20, 0.25f);
    ASSERT_TRUE(plan->modifyScores(0, 0, 1, 8, scores.data()).isOk());
    EXPECT_EQ(scores, std::vector<float>(20, 0.25f));
  }
  for (size_t i = 0; i < elements.size(); ++i)
    elements[i] = 0.125f * static_cast<float>(i % 11);
  Value bias = makeArray(elements.data(), DType::F32, Shape{3, {1, 30, 2}});
  ASSERT_TRUE(problem.run("biased", {makeScalar(4), bias}, false));
  ScoreFunction score = [&](int64_t, int64_t, int64_t row, double *scores) {
    for (int64_t k = 0; k < 20; ++k)
      scores[k] += static_cast<double>(elements[static_cast<size_t>(2 * row + std::min<int64_t>(k, 1))]);
  };
  problem.expectReference([](int64_t, int64_t h, int64_t q, int64_t k) { return k <= q && q - k < 4 * (h + 1); }, false,
                          score);
}

TEST(Scores, ArraysAreThoseOfTheManifest) {
  Problem problem({1, 1, 1, 4, 4});
  std::vector<float> elements(8);
  auto message = [&](const Value &bias) {
    return prepare("biased", problem.arguments({makeScalar(1), bias})).status().message();
  };
  EXPECT_THAT(message(makeArray(elements.data(), DType::F32, Shape{2, {2, 4}})), testing::HasSubstr("bias"));
  EXPECT_THAT(message(makeArray(elements.data(), DType::I32, Shape{3, {1, 2, 4}})), testing::HasSubstr("bias"));
  EXPECT_THAT(message(makeArray(elements.data(), DType::F32, Shape{3, {1, 2, 2}}, {4, 2, 2})),
              testing::HasSubstr("bias"));
  EXPECT_THAT(message(makeArray(nullptr, DType::F32, Shape{3, {1, 2, 4}})), testing::HasSubstr("bias"));
  EXPECT_THAT(message(makeArray(elements.data(), DType::F32, Shape{3, {(int64_t(1) << 30) + 1, 0, 4}})),
              testing::HasSubstr("expects a captured length of at most 1073741824, but got 1073741825"));
}

TEST(CapturedContent, RowsAreVisitedInOrder) {
  std::vector<int32_t> elements(200);
  std::iota(elements.begin(), elements.end(), 0);
  auto rowsOf = [](const Value &array) {
    std::vector<std::vector<int32_t>> rows;
    visitRows(array, [&](const void *elements, int64_t count) {
      auto first = static_cast<const int32_t *>(elements);
      rows.emplace_back(first, first + count);
    });
    return rows;
  };
  using Rows = std::vector<std::vector<int32_t>>;
  EXPECT_EQ(rowsOf(makeArray(&elements[3], DType::I32, Shape{1, {2}})), (Rows{{3, 4}}));
  EXPECT_EQ(rowsOf(makeArray(elements.data(), DType::I32, Shape{3, {2, 3, 2}}, {100, 10, 1})),
            (Rows{{0, 1}, {10, 11}, {20, 21}, {100, 101}, {110, 111}, {120, 121}}));
  // Every size of 4 counts, also where strides are not ordered, repeat rows or go backwards.
  EXPECT_EQ(rowsOf(makeArray(&elements[50], DType::I32, Shape{4, {2, 1, 2, 1}}, {1, 7, 60, 1})),
            (Rows{{50}, {110}, {51}, {111}}));
  EXPECT_EQ(rowsOf(makeArray(&elements[50], DType::I32, Shape{4, {2, 2, 1, 2}}, {0, -5, 3, 1})),
            (Rows{{50, 51}, {45, 46}, {50, 51}, {45, 46}}));
  for (std::array<int64_t, 4> sizes : {std::array<int64_t, 4>{0, 2, 3, 4}, {2, 0, 3, 4}, {2, 3, 4, 0}})
    EXPECT_EQ(rowsOf(makeArray(nullptr, DType::F32, Shape{4, sizes}, {0, 0, 0, 1})), Rows());
}

TEST(ArgumentBlock, EmptyCapturesHaveNoSizes) {
  // An index that is clamped to a size would leave the one element that kernels read.
  uint64_t words[9];
  std::fill_n(words, 9, ~uint64_t(0));
  writeCapture(words, makeArray(nullptr, DType::F32, Shape{4, {7, 0, 5, 3}}, {50, 9, 3, 1}));
  EXPECT_EQ(*reinterpret_cast<const float *>(words[0]), 0.0f);
  EXPECT_EQ(std::vector<uint64_t>(words + 1, words + 9), std::vector<uint64_t>(8, 0));
}

TEST(BlockLayout, NoBlockIsLongerThanTheMost) {
  // What a launch copies a block to has room for that many words.
  KernelInfo kernel;
  kernel.lse = true;
  kernel.schedule = KernelInfo::Schedule::Listed;
  CaptureInfo widest;
  widest.rank = 4;
  widest.ofScores = true;
  kernel.captures.assign(maxCaptures - 1, widest);
  kernel.captures.emplace_back();
  kernel.captures.back().kind = ArgumentKind::Mask;
  EXPECT_LE(BlockLayout(kernel).words, maxBlockWords);
}

//===----------------------------------------------------------------------===//
// Tiles that are named, and captures that are empty
//===----------------------------------------------------------------------===//

TEST(Plan, NamesTheTilesOfEveryItem) {
  Problem problem({2, 2, 1, 61, 50});
  Result<std::shared_ptr<const Plan>> plan = prepare("window", problem.arguments({makeScalar(20), makeScalar(3)}));
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  std::vector<uint32_t> partial, full;
  for (int64_t item = 0; item < (*plan)->step(0).items; ++item) {
    ASSERT_TRUE((*plan)->visitedTiles(0, item, partial, full).isOk());
    Result<TileCounts> counts = (*plan)->itemTiles(0, item);
    ASSERT_TRUE(counts.isOk());
    EXPECT_EQ(static_cast<int64_t>(partial.size()), counts->partial) << item;
    EXPECT_EQ(static_cast<int64_t>(full.size()), counts->full) << item;
  }
  // Rows 40 to 47 lie at 29 to 36: keys 9 to 39, of which all rows see 16 to 32.
  ASSERT_TRUE((*plan)->visitedTiles(0, 5, partial, full).isOk());
  EXPECT_EQ(partial, (std::vector<uint32_t>{1, 4}));
  EXPECT_EQ(full, (std::vector<uint32_t>{2, 3}));
  EXPECT_EQ((*plan)->visitedTiles(0, 32, partial, full).message(), "expects an item below 32, but got 32");
  EXPECT_EQ((*plan)->visitedTiles(1, 0, partial, full).message(), "expects a step below 1, but got 1");
}

TEST(Plan, TilesMayBeMissing) {
  Problem problem({1, 1, 1, 10, 10});
  Result<std::shared_ptr<const Plan>> plan = prepare("width_of_head", problem.arguments({makeScalar(3)}));
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  std::vector<uint32_t> partial, full;
  Status status = (*plan)->visitedTiles(0, 0, partial, full);
  EXPECT_EQ(status.code(), StatusCode::Unsupported);
  EXPECT_THAT(status.message(), testing::HasSubstr("entry 'tiles'"));
}

TEST(Plan, EmptyCapturesReadAsOneZero) {
  // The kernel follows the address and the stride, and fails where it finds no zero. It would crash on these.
  Problem problem({2, 1, 1, 10, 10});
  Value ids = makeArray(nullptr, DType::I32, Shape{2, {2, 0}}, {int64_t(1) << 40, 1});
  Result<std::shared_ptr<const Plan>> plan = prepare("packed", problem.arguments({ids}));
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  problem.launch(**plan, {ids}, false);
  problem.expectReference([](int64_t, int64_t, int64_t, int64_t) { return false; }, false);
}

TEST(Plan, HeavyTilesComeFirst) {
  // Tiles of a causal window grow; those of a wide one are all equal.
  Problem problem({1, 2, 2, 64, 64});
  Result<std::shared_ptr<const Plan>> causal = prepare("window", problem.arguments({makeScalar(64), makeScalar(0)}));
  Result<std::shared_ptr<const Plan>> all = prepare("window", problem.arguments({makeScalar(64), makeScalar(64)}));
  ASSERT_TRUE(causal.isOk() && all.isOk());
  EXPECT_TRUE((*causal)->step(0).reordered);
  EXPECT_FALSE((*all)->step(0).reordered);
}

TEST(ItemOrder, IsAStablePermutationOfEveryGrid) {
  for (bool perBatch : {false, true})
    for (bool perHead : {false, true}) {
      RowGrid grid{3, 4, 5, perBatch, perHead, {}};
      std::vector<uint32_t> weights(static_cast<size_t>(grid.rows()));
      for (size_t i = 0; i < weights.size(); ++i)
        weights[i] = static_cast<uint32_t>(i * 7 % 4);
      ItemOrder order(grid, weights);
      ASSERT_FALSE(order.isNatural());
      ASSERT_EQ(order.items(), 60);
      std::set<int64_t> seen;
      for (int64_t position = 0; position < 60; ++position) {
        int64_t item = order.item(position);
        ASSERT_TRUE(item >= 0 && item < 60 && seen.insert(item).second);
        // The documented row of the item has the weight that the position asks for.
        auto row = [&](int64_t i) { return i / 20 * grid.batchStride() + i / 5 % 4 * grid.headStride() + i % 5; };
        if (position % grid.rows() == 0)
          continue;
        int64_t before = row(order.item(position - 1)), now = row(item);
        uint32_t weightBefore = weights[static_cast<size_t>(before)], weightNow = weights[static_cast<size_t>(now)];
        EXPECT_TRUE(weightBefore > weightNow || (weightBefore == weightNow && before < now));
      }
    }
}

TEST(ItemOrder, NeedsNoMemoryWhereWorkNeverGrows) {
  RowGrid grid{1, 2, 4, false, false, {}};
  EXPECT_TRUE(ItemOrder(grid, {3, 3, 3, 3}).isNatural());
  EXPECT_TRUE(ItemOrder(grid, {9, 3, 3, 1}).isNatural());
  EXPECT_FALSE(ItemOrder(grid, {3, 3, 3, 4}).isNatural());
  EXPECT_EQ(ItemOrder(grid, {3, 3, 3, 3}).items(), 8);
}

/// Lists tile t of three as its bits say; rows differ by batch and head.
int32_t listBits(const uint64_t *, int64_t b, int64_t h, int64_t t, uint32_t *partial, uint32_t *full,
                 int64_t *counts) {
  counts[0] = counts[1] = counts[2] = 0;
  for (uint32_t tile = 0; tile < 10; ++tile)
    if (uint32_t choice = (tile * 3 + static_cast<uint32_t>(b * 5 + h * 7 + t)) % 4; choice < 2) {
      uint32_t *list = choice == 0 ? partial : full;
      list[2 * counts[choice]] = tile;
      list[2 * counts[choice]++ + 1] = 1;
    }
  return 0;
}

/// Lists the rows of a kernel without captures, which reads no argument block.
Result<RowLists> listWithoutMasks(PlanEntry plan, const RowGrid &grid, int64_t keyTiles) {
  std::vector<uint64_t> block;
  BlockLayout layout{KernelInfo()};
  std::vector<StepMask> masks;
  std::vector<Sequence> sequences;
  return listRows({plan, &block, &layout, &masks, &sequences, grid.tiles * 16, 16, 16}, grid, keyTiles);
}

TEST(RowLists, HoldWhatEachRowListed) {
  for (bool perBatch : {false, true})
    for (bool perHead : {false, true}) {
      RowGrid grid{2, 3, 150, perBatch, perHead, {}};
      Result<RowLists> lists = listWithoutMasks(listBits, grid, 10);
      ASSERT_TRUE(lists.isOk());
      ASSERT_EQ(lists->partialOffsets.size(), static_cast<size_t>(grid.rows()) + 1);
      for (int64_t b = 0; b < (perBatch ? 2 : 1); ++b)
        for (int64_t h = 0; h < (perHead ? 3 : 1); ++h)
          for (int64_t t = 0; t < 150; ++t) {
            uint32_t partial[20], full[20];
            int64_t counts[3];
            listBits(nullptr, b, h, t, partial, full, counts);
            size_t row = static_cast<size_t>(b * grid.batchStride() + h * grid.headStride() + t);
            int64_t begin = lists->partialOffsets[row];
            ASSERT_EQ(lists->partialOffsets[row + 1] - begin, counts[0]);
            ASSERT_TRUE(std::equal(partial, partial + 2 * counts[0], lists->partial.data() + 2 * begin));
            begin = lists->fullOffsets[row];
            ASSERT_EQ(lists->fullOffsets[row + 1] - begin, counts[1]);
            ASSERT_TRUE(std::equal(full, full + 2 * counts[1], lists->full.data() + 2 * begin));
          }
    }
}

TEST(RowLists, WrongListsAreRejected) {
  auto list = [](PlanEntry plan) { return listWithoutMasks(plan, RowGrid{1, 1, 3, false, false, {}}, 10).status(); };
  EXPECT_EQ(
      list([](const uint64_t *, int64_t, int64_t, int64_t, uint32_t *, uint32_t *, int64_t *) { return 5; }).message(),
      "expects the kernel to list key tiles, but got error 5");
  EXPECT_EQ(list([](const uint64_t *, int64_t, int64_t, int64_t, uint32_t *, uint32_t *, int64_t *counts) {
              counts[1] = 11;
              return 0;
            }).message(),
            "expects the kernel to list at most 10 intervals, but got 0 partial and 11 full ones");
  EXPECT_EQ(list([](const uint64_t *, int64_t, int64_t, int64_t, uint32_t *partial, uint32_t *, int64_t *counts) {
              counts[0] = 1;
              partial[0] = 9;
              partial[1] = 2;
              return 0;
            }).code(),
            StatusCode::DeviceError);
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

struct ErrorCase {
  const char *function;
  std::function<void(std::vector<Value> &)> change;
  StatusCode code;
  const char *message;
};

void check(const ErrorCase &each) {
  Problem problem({2, 4, 2, 20, 30});
  Documents documents(2, 30, 5);
  bool packed = std::string(each.function) == "packed";
  std::vector<Value> arguments = problem.arguments(packed ? std::vector<Value>{documents.captured()}
                                                          : std::vector<Value>{makeScalar(6), makeScalar(6)});
  each.change(arguments);
  Result<std::shared_ptr<const Plan>> plan = prepare(each.function, arguments);
  EXPECT_EQ(plan.status().code(), each.code) << plan.status().message();
  EXPECT_THAT(plan.status().message(), testing::HasSubstr(each.message));
}

TEST(PlanErrors, NumberAndKindOfArguments) {
  check({"window", [](auto &a) {}, StatusCode::Ok, ""});
  check({"none", [](auto &a) {}, StatusCode::InvalidArgument,
         "expects a function among window, width_of_head, packed, two_steps, demanding, blocks, coarse_blocks, "
         "biased, but got "
         "'none'"});
  check({"window", [](auto &a) { a.pop_back(); }, StatusCode::InvalidArgument, "expects 5 arguments, but got 4"});
  check({"window", [](auto &a) { a.push_back(a[0]); }, StatusCode::InvalidArgument, "expects 5 arguments, but got 6"});
  check({"window", [](auto &a) { a[0] = makeScalar(1); }, StatusCode::InvalidArgument,
         "function 'window': argument 'q': expects an array of rank 4, but got a scalar (rank 0)"});
  check({"window", [](auto &a) { a[3] = a[0]; }, StatusCode::InvalidArgument,
         "argument 'left': expects a scalar (rank 0), but got an array of rank 4"});
  check({"window", [](auto &a) { a[1].dtype = SPARSE_ATTN_BF16; }, StatusCode::InvalidArgument,
         "argument 'k': expects element type f32, but got bf16"});
  check({"window", [](auto &a) { a[1].dtype = 77; }, StatusCode::InvalidArgument,
         "expects element type f32, but got the unknown type 77"});
  check({"window", [](auto &a) { a[1].rank = 3; }, StatusCode::ShapeMismatch, "expects rank 4, but got 3"});
  check({"window", [](auto &a) { a[1].rank = 5; }, StatusCode::InvalidArgument, "expects rank 4, but got 5"});
  check({"window", [](auto &a) { a[1].rank = -1; }, StatusCode::InvalidArgument, "expects rank 4, but got -1"});
  check({"window", [](auto &a) { a[1].data = static_cast<char *>(a[1].data) + 2; }, StatusCode::InvalidArgument,
         "expects data aligned to 4 bytes, but got an address 2 past a multiple"});
  check({"window", [](auto &a) { a[0].data = a[1].data = a[2].data = nullptr; }, StatusCode::Ok, ""});
  check({"packed", [](auto &a) { a[3].data = nullptr; }, StatusCode::InvalidArgument,
         "argument 'ids': expects data, but got null"});
  EXPECT_EQ(Plan::prepare(nullptr, "window", {}).status().message(), "expects an artifact, but got null");
  EXPECT_EQ(Plan::prepare(linkedArtifact(), "window", {nullptr, 5}).status().message(),
            "function 'window': expects 5 arguments, but got null");
}

TEST(PlanErrors, ShapesThatDisagree) {
  check({"window", [](auto &a) { a[0].size[0] = 3; }, StatusCode::ShapeMismatch,
         "kernel 'window_0': expects query and key to agree in batch, but got 3 and 2"});
  check({"window", [](auto &a) { a[0].size[1] = 5; }, StatusCode::ShapeMismatch,
         "expects the number of query heads to be a multiple of the number of key heads, but got 5 and 2"});
  check({"window", [](auto &a) { a[1].size[1] = a[2].size[1] = 0; }, StatusCode::ShapeMismatch,
         "expects the number of query heads to be a multiple of the number of key heads, but got 4 and 0"});
  check({"window", [](auto &a) { a[2].size[1] = 1; }, StatusCode::ShapeMismatch,
         "expects key and value to agree in heads, but got 2 and 1"});
  check({"window", [](auto &a) { a[2].size[2] = 29; }, StatusCode::ShapeMismatch,
         "expects key and value to agree in length, but got 30 and 29"});
  check({"window", [](auto &a) { a[2].size[0] = 1; }, StatusCode::ShapeMismatch,
         "expects key and value to agree in batch, but got 2 and 1"});
  check({"window", [](auto &a) { a[0].size[3] = 8; }, StatusCode::ShapeMismatch,
         "argument 'q': expects size 3 to be 16, but got 8"});
  check({"packed", [](auto &a) { a[3].size[0] = 1; }, StatusCode::ShapeMismatch,
         "expects captured array 0 to have one row for each of the 2 batches, but got 1"});
}

TEST(PlanErrors, SizesOutOfRange) {
  check({"window", [](auto &a) { a[0].size[2] = -1; }, StatusCode::ShapeMismatch,
         "argument 'q': expects size 2 to be at least 0, but got -1"});
  check({"window", [](auto &a) { a[0].size[0] = INT64_MIN; }, StatusCode::ShapeMismatch, "to be at least 0, but got "});
  check({"window", [](auto &a) { a[0].stride[2] = -16; }, StatusCode::ShapeMismatch,
         "argument 'q': expects stride 2 to be at least 0, but got -16"});
  check({"window", [](auto &a) { a[0].stride[3] = 2; }, StatusCode::ShapeMismatch,
         "argument 'q': expects the innermost stride to be 1, but got 2"});
  check({"window", [](auto &a) { a[0].stride[0] = huge; }, StatusCode::ShapeMismatch,
         "expects an array below 2^63 bytes"});
  check({"window", [](auto &a) { a[0].stride[0] = huge / 4; }, StatusCode::ShapeMismatch,
         "expects an array below 2^63 bytes"});
  check(
      {"window", [](auto &a) { a[0].size[0] = huge; }, StatusCode::ShapeMismatch, "expects an array below 2^63 bytes"});
  check({"window", [](auto &a) { a[0].size[2] = maxLength + 1; }, StatusCode::ShapeMismatch,
         "expects a query length of at most 1073741824, but got 1073741825"});
  check({"window", [](auto &a) { a[1].size[2] = a[2].size[2] = maxLength + 1; }, StatusCode::ShapeMismatch,
         "expects a key length of at most 1073741824, but got 1073741825"});
  check({"packed", [](auto &a) { a[3].size[1] = maxLength + 1; }, StatusCode::ShapeMismatch,
         "expects a captured length of at most 1073741824, but got 1073741825"});
}

TEST(PlanErrors, WorkThatOverflows) {
  // Broadcast arrays have any number of batches without memory.
  auto broadcast = [](std::vector<Value> &a) {
    for (int i = 0; i < 3; ++i) {
      a[i].size[0] = int64_t(1) << 40;
      a[i].stride[0] = 0;
    }
  };
  check({"window",
         [&](auto &a) {
           broadcast(a);
           for (int i = 0; i < 3; ++i) {
             a[i].size[2] = 1 << 15;
             a[i].size[1] = 1 << 2;
           }
           a[0].size[2] = 1 << 14;
         },
         StatusCode::ShapeMismatch, "2^63"});
  // Every head has rows of its own.
  Problem problem({1, 1, 1, 20, 20});
  std::vector<Value> arguments = problem.arguments({makeScalar(2)});
  for (int i = 0; i < 3; ++i) {
    arguments[i].size[1] = int64_t(1) << 33;
    arguments[i].stride[1] = 0;
  }
  EXPECT_EQ(prepare("width_of_head", arguments).status().message(),
            "function 'width_of_head': kernel 'width_of_head_0': expects at most 4294967295 query tiles with a "
            "schedule of their own, but got 42949672960");
}

TEST(PlanErrors, MissingCpuFeatureIsNamed) {
  Problem problem({1, 1, 1, 8, 8});
  Result<std::shared_ptr<const Plan>> plan = prepare("demanding", problem.arguments({makeScalar(2)}));
  EXPECT_EQ(plan.status().code(), StatusCode::Unsupported);
  EXPECT_EQ(plan.status().message(), "function 'demanding': kernel 'demanding_0' (least): expects a CPU with feature "
                                     "nor-this, but got one without it");
}

} // namespace
