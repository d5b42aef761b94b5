//===- LaunchTest.cpp - Runs compared with the reference ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Problem.h"

#include <thread>

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

auto windowMask(int64_t left, int64_t right) {
  return [=](int64_t, int64_t, int64_t q, int64_t k) { return q - left <= k && k <= q + right; };
}

struct LaunchTest : testing::TestWithParam<std::tuple<Sizes, bool>> {};

TEST_P(LaunchTest, WindowMatchesReference) {
  auto [sizes, headsInside] = GetParam();
  Problem problem(sizes, headsInside);
  std::shared_ptr<const Plan> plan = problem.run("window", {makeScalar(5), makeScalar(3)}, true);
  ASSERT_TRUE(plan);
  problem.expectReference(windowMask(5, 3), true);
}

TEST_P(LaunchTest, WidthOfHeadMatchesReference) {
  auto [sizes, headsInside] = GetParam();
  Problem problem(sizes, headsInside);
  ASSERT_TRUE(problem.run("width_of_head", {makeScalar(9)}, false));
  problem.expectReference([](int64_t, int64_t h, int64_t q, int64_t k) { return k <= q && q - k < 9 * (h + 1); },
                          false);
}

TEST_P(LaunchTest, PackedMatchesReference) {
  auto [sizes, headsInside] = GetParam();
  Problem problem(sizes, headsInside);
  Documents documents(sizes.batch, sizes.keys, 40);
  ASSERT_TRUE(problem.run("packed", {documents.captured()}, false));
  problem.expectReference([&](int64_t b, int64_t, int64_t q, int64_t k) { return documents.attends(b, q, k); }, false);
}

TEST_P(LaunchTest, ThreadsDoNotChangeBits) {
  auto [sizes, headsInside] = GetParam();
  Problem problem(sizes, headsInside);
  std::vector<Value> captures = {makeScalar(11), makeScalar(0)};
  std::vector<std::vector<float>> outputs;
  for (int32_t threads : {1, 2, 5}) {
    ThreadScope scope(threads);
    ASSERT_TRUE(problem.run("window", captures, true));
    problem.output.elements.insert(problem.output.elements.end(), problem.lse.begin(), problem.lse.end());
    outputs.push_back(problem.output.elements);
    problem.output.elements.resize(problem.query.elements.size());
  }
  for (const std::vector<float> &output : outputs)
    EXPECT_TRUE(output.empty() || std::memcmp(output.data(), outputs[0].data(), output.size() * sizeof(float)) == 0);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, LaunchTest,
    testing::Combine(testing::Values(Sizes{1, 1, 1, 64, 64}, Sizes{2, 4, 2, 37, 37}, Sizes{2, 6, 1, 9, 130},
                                     Sizes{1, 2, 2, 1, 200}, Sizes{1, 3, 3, 70, 20}, Sizes{3, 2, 1, 8, 1},
                                     Sizes{2, 2, 2, 5, 0}, Sizes{2, 2, 2, 0, 5}, Sizes{0, 2, 2, 5, 5},
                                     Sizes{1, 0, 0, 5, 5}, Sizes{1, 0, 2, 5, 5}),
                     testing::Bool()));

TEST(Launch, EmptyRowsGiveZeroAndMinusInfinity) {
  // The first queries lie before all keys.
  Problem problem({1, 1, 1, 40, 8});
  ASSERT_TRUE(problem.run("window", {makeScalar(2), makeScalar(2)}, true));
  for (int64_t d = 0; d < headSize; ++d)
    EXPECT_EQ(problem.output.at(0, 0, 0, d), 0.0);
  EXPECT_EQ(problem.lse[0], -INFINITY);
}

TEST(Launch, TwoStepsShareABuffer) {
  Sizes sizes{2, 4, 2, 50, 90};
  Problem problem(sizes);
  Documents documents(sizes.batch, sizes.keys, 30);
  std::vector<Value> captures = {makeScalar(6), makeScalar(6), documents.captured()};
  std::shared_ptr<const Plan> plan = problem.run("two_steps", captures, false);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->stepCount(), 2u);
  std::vector<float> got = problem.output.elements;
  ASSERT_TRUE(problem.run("window", {makeScalar(6), makeScalar(6)}, true));
  problem.query.elements = problem.output.elements;
  problem.output.elements = got;
  problem.expectReference([&](int64_t b, int64_t, int64_t q, int64_t k) { return documents.attends(b, q, k); }, false);
}

TEST(Launch, ConcurrentLaunchesOfOnePlan) {
  ThreadScope scope(2);
  Sizes sizes{2, 4, 2, 61, 61};
  Problem first(sizes);
  Documents documents(sizes.batch, sizes.keys, 30);
  std::vector<Value> captures = {makeScalar(6), makeScalar(6), documents.captured()};
  std::shared_ptr<const Plan> plan = first.run("two_steps", captures, false);
  ASSERT_TRUE(plan);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      Problem problem(sizes);
      for (int repeat = 0; repeat < 20; ++repeat) {
        problem.launch(*plan, captures, false);
        wrong += problem.output.elements != first.output.elements;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Launch, MoreThreadsThanPlannedAreHarmless) {
  Sizes sizes{2, 4, 2, 61, 61};
  Problem problem(sizes);
  std::vector<Value> captures = {makeScalar(3), makeScalar(3)};
  std::shared_ptr<const Plan> plan;
  {
    ThreadScope scope(1);
    plan = problem.run("window", captures, true);
    EXPECT_EQ(plan->workspaceBytes(), 16384u);
  }
  ThreadScope scope(4);
  problem.launch(*plan, captures, true);
  problem.expectReference(windowMask(3, 3), true);
}

TEST(Launch, StridesMayDifferFromPrepare) {
  Problem planned({2, 4, 2, 20, 20}), problem({2, 4, 2, 20, 20}, true);
  std::vector<Value> captures = {makeScalar(3), makeScalar(3)};
  std::shared_ptr<const Plan> plan = planned.run("window", captures, true);
  problem.launch(*plan, captures, true);
  problem.expectReference(windowMask(3, 3), true);
}

TEST(Launch, BroadcastKeysHaveStrideZero) {
  Problem problem({3, 2, 2, 20, 20});
  problem.key.stride[0] = 0;
  problem.value.stride[1] = 0;
  ASSERT_TRUE(problem.run("window", {makeScalar(3), makeScalar(3)}, true));
  problem.expectReference(windowMask(3, 3), true);
}

/// Launches a planned problem after `change`, and returns what is wrong.
template <typename Change> Status launchChanged(const Change &change) {
  Problem problem({1, 2, 2, 20, 20});
  Documents documents(1, 20, 5);
  std::vector<Value> arguments = problem.arguments({makeScalar(6), makeScalar(6), documents.captured()});
  std::vector<Value> results = problem.results(false);
  Result<std::shared_ptr<const Plan>> plan = Plan::prepare(linkedArtifact(), "two_steps", arguments);
  EXPECT_TRUE(plan.isOk()) << plan.status().message();
  Workspace workspace((*plan)->workspaceBytes());
  char *memory = static_cast<char *>(workspace.memory.get());
  change(arguments, results, memory, workspace.bytes);
  return (*plan)->launch(arguments, results, memory, workspace.bytes);
}

using Values = std::vector<Value>;

TEST(LaunchErrors, AreWorded) {
  std::vector<int32_t> otherIds(20);
  struct Case {
    std::function<void(Values &, Values &, char *&, size_t &)> change;
    StatusCode code;
    const char *message;
  };
  const Case cases[] = {
      {[](Values &, Values &, char *&, size_t &) {}, StatusCode::Ok, ""},
      {[](Values &arguments, Values &, char *&, size_t &) { arguments.pop_back(); }, StatusCode::InvalidArgument,
       "expects 6 arguments, but got 5"},
      {[](Values &, Values &results, char *&, size_t &) { results.clear(); }, StatusCode::InvalidArgument,
       "expects 1 results, but got 0"},
      {[](Values &arguments, Values &, char *&, size_t &) { arguments[0].size[2] = 19; }, StatusCode::ShapeMismatch,
       "argument 'q': expects size 2 to be 20 as in the plan, but got 19"},
      {[](Values &arguments, Values &, char *&, size_t &) { arguments[1].data = nullptr; }, StatusCode::InvalidArgument,
       "argument 'k': expects data, but got null"},
      {[](Values &arguments, Values &, char *&, size_t &) { arguments[3].scalar = 7; }, StatusCode::InvalidArgument,
       "argument 'left': expects the captured scalar to be 6 as in the plan, but got 7"},
      {[&](Values &arguments, Values &, char *&, size_t &) { arguments[5].data = otherIds.data(); },
       StatusCode::InvalidArgument, "argument 'ids': expects the captured array of the plan"},
      {[](Values &arguments, Values &, char *&, size_t &) { arguments[5].data = nullptr; }, StatusCode::Ok, ""},
      {[](Values &, Values &results, char *&, size_t &) { results[0].size[1] = 1; }, StatusCode::ShapeMismatch,
       "result 0: expects size 1 to be 2 as in the plan, but got 1"},
      {[](Values &, Values &results, char *&, size_t &) { results[0].stride[1] = 0; }, StatusCode::ShapeMismatch,
       "result 0: expects elements that do not overlap, but got a stride of 0 across 1 elements"},
      {[](Values &, Values &results, char *&, size_t &) { results[0].stride[2] = 15; }, StatusCode::ShapeMismatch,
       "result 0: expects elements that do not overlap, but got a stride of 15 across 16 elements"},
      {[](Values &, Values &results, char *&, size_t &) { results[0].data = nullptr; }, StatusCode::InvalidArgument,
       "result 0: expects data, but got null"},
      {[](Values &, Values &, char *&memory, size_t &) { memory = nullptr; }, StatusCode::InvalidArgument,
       "bytes, but got 0"},
      {[](Values &, Values &, char *&, size_t &bytes) { bytes -= 1; }, StatusCode::InvalidArgument,
       "expects a workspace of "},
      {[](Values &, Values &, char *&memory, size_t &) { memory += 8; }, StatusCode::InvalidArgument,
       "expects a workspace aligned to 64 bytes, but got an address 8 past a multiple"},
  };
  for (const Case &each : cases) {
    Status status = launchChanged(each.change);
    EXPECT_EQ(status.code(), each.code) << status.message();
    EXPECT_THAT(status.message(), testing::HasSubstr(each.message));
  }
}

TEST(LaunchErrors, FailingKernelIsADeviceError) {
  // The scratch memory of the hand-written kernels holds 4096 scores.
  Problem problem({1, 1, 1, 16, 4097});
  std::vector<Value> captures = {makeScalar(1), makeScalar(1)};
  for (int32_t threads : {1, 2}) {
    ThreadScope scope(threads);
    Result<std::shared_ptr<const Plan>> plan = Plan::prepare(linkedArtifact(), "window", problem.arguments(captures));
    ASSERT_TRUE(plan.isOk());
    Workspace workspace((*plan)->workspaceBytes());
    Status status =
        (*plan)->launch(problem.arguments(captures), problem.results(true), workspace.memory.get(), workspace.bytes);
    EXPECT_EQ(status.code(), StatusCode::DeviceError);
    EXPECT_EQ(status.message(), "kernel 'window_0': expects the kernel to succeed, but got error 1");
  }
}

} // namespace
