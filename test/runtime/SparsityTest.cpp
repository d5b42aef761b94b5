//===- SparsityTest.cpp - Captured numbers for a share of tiles -----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Problem.h"

#include "sparse_attn/Sparsity.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

/// The share of tiles that a plan visits where the chosen arguments have a value.
double visitedShare(const std::string &function, std::vector<Value> arguments, const std::vector<size_t> &chosen,
                    int64_t value) {
  for (size_t index : chosen)
    arguments[index] = makeScalar(value);
  Result<std::shared_ptr<const Plan>> plan = Plan::prepare(linkedArtifact(), function, arguments);
  EXPECT_TRUE(plan.isOk()) << plan.status().message();
  TileCounts tiles = (*plan)->tiles();
  return static_cast<double>(tiles.partial + tiles.full) / static_cast<double>(tiles.total);
}

/// Compares what is found for many shares with the largest of all values that keep to them.
void expectLargest(const std::string &function, const std::vector<Value> &arguments, const std::vector<size_t> &chosen,
                   int64_t longest) {
  std::vector<double> shares;
  for (int64_t value = 0; value <= longest; ++value) {
    shares.push_back(visitedShare(function, arguments, chosen, value));
    if (value > 0) {
      ASSERT_GE(shares[static_cast<size_t>(value)], shares[static_cast<size_t>(value - 1)]) << value;
    }
  }
  int64_t before = 0;
  for (double share = std::max(shares.front(), 0.01); share <= 1; share += 0.03) {
    auto past = std::upper_bound(shares.begin(), shares.end(), share);
    Result<int64_t> found = fitSparsity(linkedArtifact(), function, arguments, chosen, share);
    ASSERT_TRUE(found.isOk()) << found.status().message();
    EXPECT_EQ(*found, past - shares.begin() - 1) << share;
    EXPECT_GE(*found, before) << share;
    before = *found;
  }
  Result<int64_t> all = fitSparsity(linkedArtifact(), function, arguments, chosen, 1.0);
  ASSERT_TRUE(all.isOk()) << all.status().message();
  EXPECT_EQ(*all, longest);
}

TEST(Sparsity, FindsTheLargestValue) {
  Problem problem({1, 2, 1, 61, 61});
  expectLargest("window", problem.arguments({makeScalar(0), makeScalar(2)}), {3}, 61);
  expectLargest("window", problem.arguments({makeScalar(0), makeScalar(0)}), {3, 4}, 61);
}

TEST(Sparsity, LengthsMayDiffer) {
  Problem decode({1, 1, 1, 3, 90}), prefill({2, 1, 1, 70, 20});
  expectLargest("window", decode.arguments({makeScalar(0), makeScalar(0)}), {3}, 90);
  expectLargest("window", prefill.arguments({makeScalar(0), makeScalar(0)}), {3, 4}, 70);
}

TEST(Sparsity, CountsAllHeadsAndSteps) {
  Problem problem({1, 3, 1, 50, 50});
  expectLargest("width_of_head", problem.arguments({makeScalar(0)}), {3}, 50);
  Documents documents(1, 50, 20);
  expectLargest("two_steps", problem.arguments({makeScalar(0), makeScalar(0), documents.captured()}), {3, 4}, 50);
}

TEST(Sparsity, OtherNumbersKeepTheirValues) {
  Problem problem({1, 1, 1, 64, 64});
  // 8 tiles on the diagonal and 7 before it: the given bound of 8 already takes them.
  Result<int64_t> right =
      fitSparsity(linkedArtifact(), "window", problem.arguments({makeScalar(8), makeScalar(0)}), {4}, 15.0 / 64);
  ASSERT_TRUE(right.isOk()) << right.status().message();
  EXPECT_EQ(*right, 0);
}

TEST(Sparsity, NothingToVisitIsAnyShare) {
  Problem problem({1, 1, 1, 0, 40});
  Result<int64_t> found =
      fitSparsity(linkedArtifact(), "window", problem.arguments({makeScalar(0), makeScalar(0)}), {3}, 0.01);
  ASSERT_TRUE(found.isOk()) << found.status().message();
  EXPECT_EQ(*found, 40);
}

void expectError(const std::string &function, const std::vector<Value> &arguments, const std::vector<size_t> &chosen,
                 double share, const std::string &message) {
  Result<int64_t> found = fitSparsity(linkedArtifact(), function, arguments, chosen, share);
  ASSERT_FALSE(found.isOk());
  EXPECT_EQ(found.status().code(), StatusCode::InvalidArgument);
  EXPECT_THAT(found.status().message(), testing::HasSubstr(message));
}

TEST(Sparsity, RefusesBadRequests) {
  Problem problem({1, 1, 1, 64, 64});
  std::vector<Value> arguments = problem.arguments({makeScalar(0), makeScalar(0)});
  for (double share : {0.0, -0.5, 1.5, std::nan(""), std::numeric_limits<double>::infinity()})
    expectError("window", arguments, {3}, share, "expects a share of tiles above 0 and at most 1, but got ");
  expectError("window", arguments, {}, 0.5, "function 'window': expects a captured number to choose, but got none");
  expectError("window", arguments, {5}, 0.5, "expects an argument below 5, but got 5");
  expectError("window", arguments, {0}, 0.5, "expects a number that a pattern captures, but got argument 'q'");
  expectError("windows", arguments, {3}, 0.5, "but got 'windows'");
  arguments.pop_back();
  expectError("window", arguments, {3}, 0.5, "expects 5 arguments, but got 4");
  Result<int64_t> found = fitSparsity(nullptr, "window", arguments, {3}, 0.5);
  EXPECT_EQ(found.status().message(), "expects an artifact, but got null");
}

TEST(Sparsity, RefusesWhatTheLeastValueExceeds) {
  Problem problem({1, 1, 1, 64, 64});
  expectError(
      "window", problem.arguments({makeScalar(0), makeScalar(0)}), {3, 4}, 0.1,
      "expects a share of tiles of at least 0.125, which the chosen numbers visit where they are 0, but got 0.1");
}

TEST(Sparsity, CInterfaceSetsTheNumbers) {
  Problem problem({1, 1, 1, 64, 64});
  std::vector<Value> arguments = problem.arguments({makeScalar(-1), makeScalar(-1)});
  sparse_attn_artifact *artifact = nullptr;
  ASSERT_EQ(sparse_attn_artifact_from_image(&handwritten_sparse_attn_image, &artifact), SPARSE_ATTN_OK);
  auto fit = [&](const size_t *chosen, size_t count, double share) {
    return sparse_attn_fit_sparsity(artifact, "window", arguments.data(), arguments.size(), chosen, count, share);
  };
  EXPECT_EQ(fit(nullptr, 0, 0.1), SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_EQ(arguments[3].scalar, -1);
  ASSERT_EQ(fit(nullptr, 0, 22.0 / 64), SPARSE_ATTN_OK) << sparse_attn_last_error();
  EXPECT_EQ(arguments[3].scalar, 8);
  EXPECT_EQ(arguments[4].scalar, 8);
  arguments[4] = makeScalar(0);
  size_t left = 3;
  ASSERT_EQ(fit(&left, 1, 15.0 / 64), SPARSE_ATTN_OK) << sparse_attn_last_error();
  EXPECT_EQ(arguments[3].scalar, 8);
  EXPECT_EQ(arguments[4].scalar, 0);
  EXPECT_EQ(fit(nullptr, 1, 0.5), SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_STREQ(sparse_attn_last_error(), "expects 1 chosen arguments, but got null");
  EXPECT_EQ(sparse_attn_fit_sparsity(nullptr, "window", arguments.data(), 5, &left, 1, 0.5),
            SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_EQ(sparse_attn_fit_sparsity(artifact, nullptr, arguments.data(), 5, &left, 1, 0.5),
            SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_EQ(sparse_attn_fit_sparsity(artifact, "window", nullptr, 5, &left, 1, 0.5), SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_EQ(sparse_attn_fit_sparsity(artifact, "other", arguments.data(), 5, &left, 1, 0.5),
            SPARSE_ATTN_INVALID_ARGUMENT);
  sparse_attn_artifact_close(artifact);
}

} // namespace
