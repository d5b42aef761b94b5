//===- CApiTest.cpp - The C interface -------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Problem.h"

#include <array>
#include <cstdint>
#include <thread>

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

TEST(CApi, OpensPreparesAndLaunches) {
  EXPECT_STREQ(sparse_attn_version(), SPARSE_ATTN_TEST_VERSION);
  Problem problem({1, 4, 2, 30, 40});
  std::vector<Value> arguments = problem.arguments({makeScalar(4), makeScalar(4)});
  std::vector<Value> results = problem.results(true);
  sparse_attn_artifact *artifact = nullptr;
  sparse_attn_plan *plan = nullptr;
  ASSERT_EQ(sparse_attn_artifact_open(SPARSE_ATTN_TEST_ARTIFACT, &artifact), SPARSE_ATTN_OK)
      << sparse_attn_last_error();
  ASSERT_EQ(sparse_attn_prepare(artifact, "window", arguments.data(), arguments.size(), &plan), SPARSE_ATTN_OK)
      << sparse_attn_last_error();
  // The plan keeps the library loaded.
  sparse_attn_artifact_close(artifact);
  int64_t partial, full, total;
  ASSERT_EQ(sparse_attn_plan_tiles(plan, &partial, &full, &total), SPARSE_ATTN_OK);
  EXPECT_EQ(total, 4 * 4 * 5);
  EXPECT_GT(partial, 0);
  EXPECT_EQ(sparse_attn_plan_tiles(plan, nullptr, nullptr, nullptr), SPARSE_ATTN_OK);
  int64_t tileQ, tileK;
  ASSERT_EQ(sparse_attn_plan_tile_sizes(plan, 0, &tileQ, &tileK), SPARSE_ATTN_OK);
  EXPECT_EQ(tileQ, 8);
  EXPECT_EQ(tileK, 8);
  EXPECT_EQ(sparse_attn_plan_tile_sizes(plan, 0, nullptr, nullptr), SPARSE_ATTN_OK);
  EXPECT_EQ(sparse_attn_plan_tile_sizes(plan, 1, &tileQ, &tileK), SPARSE_ATTN_INVALID_ARGUMENT);
  Workspace workspace(sparse_attn_workspace_bytes(plan));
  ASSERT_EQ(sparse_attn_launch(plan, arguments.data(), arguments.size(), results.data(), results.size(),
                               workspace.memory.get(), workspace.bytes, nullptr),
            SPARSE_ATTN_OK)
      << sparse_attn_last_error();
  problem.expectReference([](int64_t, int64_t, int64_t q, int64_t k) { return q - 4 <= k && k <= q + 4; }, true);
  sparse_attn_plan_destroy(plan);
}

TEST(CApi, TellsTheSizesOfResults) {
  Problem problem({1, 4, 2, 30, 40});
  std::vector<Value> arguments = problem.arguments({makeScalar(4), makeScalar(4)});
  sparse_attn_artifact *artifact = nullptr;
  sparse_attn_plan *plan = nullptr;
  ASSERT_EQ(sparse_attn_artifact_from_image(&handwritten_sparse_attn_image, &artifact), SPARSE_ATTN_OK);
  ASSERT_EQ(sparse_attn_prepare(artifact, "window", arguments.data(), arguments.size(), &plan), SPARSE_ATTN_OK)
      << sparse_attn_last_error();
  sparse_attn_artifact_close(artifact);
  EXPECT_EQ(sparse_attn_result_bytes(plan, 0), 4u * 30 * 16 * sizeof(float));
  EXPECT_EQ(sparse_attn_result_bytes(plan, 1), 4u * 30 * sizeof(float));
  EXPECT_EQ(sparse_attn_result_bytes(plan, 2), 0u);
  EXPECT_EQ(sparse_attn_result_bytes(plan, SIZE_MAX), 0u);
  EXPECT_EQ(sparse_attn_result_bytes(nullptr, 0), 0u);

  int32_t rank = 0;
  std::array<int64_t, 4> got{-1, -1, -1, -1};
  ASSERT_EQ(sparse_attn_result_sizes(plan, 0, &rank, got.data()), SPARSE_ATTN_OK) << sparse_attn_last_error();
  EXPECT_EQ(rank, 4);
  EXPECT_EQ(got, (std::array<int64_t, 4>{1, 4, 30, 16}));
  got.fill(-1);
  ASSERT_EQ(sparse_attn_result_sizes(plan, 1, &rank, got.data()), SPARSE_ATTN_OK) << sparse_attn_last_error();
  EXPECT_EQ(rank, 3);
  EXPECT_EQ(got, (std::array<int64_t, 4>{1, 4, 30, -1})); // No more than the rank is written.
  EXPECT_EQ(sparse_attn_result_sizes(plan, 2, &rank, got.data()), SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_STREQ(sparse_attn_last_error(), "expects a result below 2, but got 2");
  EXPECT_EQ(sparse_attn_result_sizes(nullptr, 0, &rank, got.data()), SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_STREQ(sparse_attn_last_error(), "expects a plan, but got null");
  EXPECT_EQ(sparse_attn_result_sizes(plan, 0, nullptr, got.data()), SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_STREQ(sparse_attn_last_error(), "expects a place for the rank, but got null");
  EXPECT_EQ(sparse_attn_result_sizes(plan, 0, &rank, nullptr), SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_STREQ(sparse_attn_last_error(), "expects a place for the sizes, but got null");
  sparse_attn_plan_destroy(plan);
}

TEST(CApi, NullsAreErrors) {
  sparse_attn_artifact *artifact = nullptr;
  sparse_attn_plan *plan = nullptr;
  EXPECT_EQ(sparse_attn_artifact_open(nullptr, &artifact), SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_STREQ(sparse_attn_last_error(), "expects a path, but got null");
  EXPECT_EQ(sparse_attn_artifact_open("x", nullptr), SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_EQ(sparse_attn_artifact_from_image(nullptr, &artifact), SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_EQ(sparse_attn_artifact_from_image(&handwritten_sparse_attn_image, nullptr), SPARSE_ATTN_INVALID_ARGUMENT);
  ASSERT_EQ(sparse_attn_artifact_from_image(&handwritten_sparse_attn_image, &artifact), SPARSE_ATTN_OK);
  EXPECT_EQ(sparse_attn_prepare(nullptr, "window", nullptr, 0, &plan), SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_EQ(sparse_attn_prepare(artifact, nullptr, nullptr, 0, &plan), SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_EQ(sparse_attn_prepare(artifact, "window", nullptr, 5, &plan), SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_EQ(sparse_attn_prepare(artifact, "window", nullptr, 0, nullptr), SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_EQ(sparse_attn_plan_tiles(nullptr, nullptr, nullptr, nullptr), SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_EQ(sparse_attn_launch(nullptr, nullptr, 0, nullptr, 0, nullptr, 0, nullptr), SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_STREQ(sparse_attn_last_error(), "expects a plan, but got null");
  EXPECT_EQ(sparse_attn_workspace_bytes(nullptr), 0u);
  sparse_attn_plan_destroy(nullptr);
  sparse_attn_artifact_close(nullptr);
  sparse_attn_artifact_close(artifact);
}

TEST(CApi, ErrorsBelongToTheirThread) {
  EXPECT_EQ(sparse_attn_set_threads(-1), SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_STREQ(sparse_attn_last_error(), "expects 0 to 1024 threads, but got -1");
  EXPECT_EQ(sparse_attn_set_threads(1025), SPARSE_ATTN_INVALID_ARGUMENT);
  std::thread([] { EXPECT_STREQ(sparse_attn_last_error(), ""); }).join();
  EXPECT_EQ(sparse_attn_set_threads(0), SPARSE_ATTN_OK);
  EXPECT_STREQ(sparse_attn_last_error(), "expects 0 to 1024 threads, but got 1025");
}

TEST(CApi, StreamsAreForOtherDevices) {
  Problem problem({1, 1, 1, 8, 8});
  std::vector<Value> arguments = problem.arguments({makeScalar(4), makeScalar(4)});
  sparse_attn_artifact *artifact = nullptr;
  sparse_attn_plan *plan = nullptr;
  ASSERT_EQ(sparse_attn_artifact_from_image(&handwritten_sparse_attn_image, &artifact), SPARSE_ATTN_OK);
  ASSERT_EQ(sparse_attn_prepare(artifact, "window", arguments.data(), arguments.size(), &plan), SPARSE_ATTN_OK);
  int stream;
  EXPECT_EQ(sparse_attn_launch(plan, arguments.data(), arguments.size(), nullptr, 0, nullptr, 0, &stream),
            SPARSE_ATTN_INVALID_ARGUMENT);
  EXPECT_THAT(sparse_attn_last_error(), testing::StartsWith("expects a null stream on the CPU, but got 0x"));
  sparse_attn_plan_destroy(plan);
  sparse_attn_artifact_close(artifact);
}

} // namespace
