//===- Problem.h - Random arrays, run and compared ------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the tests of plans and launches share: an attention problem with random
// arrays, its run through the runtime, and the reference's answer.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_TEST_PROBLEM_H
#define SPARSE_ATTN_TEST_PROBLEM_H

#include "sparse_attn/Artifact.h"
#include "sparse_attn/Device.h"
#include "sparse_attn/Plan.h"
#include "sparse_attn/Reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

extern "C" const sparse_attn_image handwritten_sparse_attn_image;
extern "C" const sparse_attn_image handwritten_gpu_sparse_attn_image;

namespace sparse_attn::test {

constexpr int64_t headSize = 16;
constexpr double scale = 0.25;

/// The artifact that is linked into the tests.
inline std::shared_ptr<const Artifact> linkedArtifact() {
  Result<std::shared_ptr<const Artifact>> artifact = Artifact::fromImage(&handwritten_sparse_attn_image);
  EXPECT_TRUE(artifact.isOk()) << artifact.status().message();
  return *artifact;
}

/// Restores the number of threads.
struct ThreadScope {
  explicit ThreadScope(int32_t threads) { EXPECT_TRUE(setThreadCount(threads).isOk()); }
  ~ThreadScope() { EXPECT_TRUE(setThreadCount(0).isOk()); }
};

/// A random float array [batch, heads, length, 16], with heads inside of positions if `headsInside`.
struct Tensor {
  Tensor() = default;
  Tensor(std::array<int64_t, 4> sizes, bool headsInside, uint32_t seed) {
    size = sizes;
    int64_t heads = sizes[1], length = sizes[2], width = sizes[3];
    stride = {heads * length * width, length * width, width, 1};
    if (headsInside)
      stride = {heads * length * width, width, heads * width, 1};
    elements.resize(static_cast<size_t>(sizes[0] * heads * length * width));
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal;
    for (float &element : elements)
      element = normal(generator);
  }

  Value value() { return makeArray(elements.data(), DType::F32, Shape{4, size}, stride); }
  FloatView view() const { return {elements.data(), size, stride}; }
  double at(int64_t b, int64_t h, int64_t s, int64_t d) const { return view().at(b, h, s, d); }

  std::array<int64_t, 4> size{};
  std::array<int64_t, 4> stride{};
  std::vector<float> elements;
};

/// 64-byte aligned bytes, filled with what no kernel leaves unnoticed.
struct Workspace {
  explicit Workspace(size_t size) : bytes(size), memory(std::aligned_alloc(64, (size + 64) / 64 * 64), &std::free) {
    std::memset(memory.get(), 0xff, size);
  }
  size_t bytes;
  std::unique_ptr<void, decltype(&std::free)> memory;
};

struct Sizes {
  int64_t batch, queryHeads, keyHeads, queries, keys;
};

/// Query, key and value, their captures, and the results of a run.
struct Problem {
  explicit Problem(Sizes sizes, bool headsInside = false)
      : sizes(sizes), headsInside(headsInside),
        query({sizes.batch, sizes.queryHeads, sizes.queries, headSize}, headsInside, 1),
        key({sizes.batch, sizes.keyHeads, sizes.keys, headSize}, headsInside, 2),
        value({sizes.batch, sizes.keyHeads, sizes.keys, headSize}, headsInside, 3), output(query),
        lse(static_cast<size_t>(sizes.batch * sizes.queryHeads * sizes.queries)) {
    clear();
  }

  void clear() {
    std::fill(output.elements.begin(), output.elements.end(), NAN);
    std::fill(lse.begin(), lse.end(), NAN);
  }

  /// Query, key, value and then `captures`.
  std::vector<Value> arguments(std::vector<Value> captures) {
    std::vector<Value> all = {query.value(), key.value(), value.value()};
    all.insert(all.end(), captures.begin(), captures.end());
    return all;
  }
  std::vector<Value> results(bool withLse) {
    std::vector<Value> all = {output.value()};
    if (withLse)
      all.push_back(makeArray(lse.data(), DType::F32, Shape{3, {sizes.batch, sizes.queryHeads, sizes.queries, 0}}));
    return all;
  }

  /// Prepares and launches; returns the plan.
  std::shared_ptr<const Plan> run(const std::string &function, const std::vector<Value> &captures, bool withLse) {
    Result<std::shared_ptr<const Plan>> plan = Plan::prepare(linkedArtifact(), function, arguments(captures));
    EXPECT_TRUE(plan.isOk()) << plan.status().message();
    if (!plan.isOk())
      return nullptr;
    launch(**plan, captures, withLse);
    return *plan;
  }

  void launch(const Plan &plan, const std::vector<Value> &captures, bool withLse) {
    clear();
    Workspace workspace(plan.workspaceBytes());
    Status status = plan.launch(arguments(captures), results(withLse), workspace.memory.get(), workspace.bytes);
    EXPECT_TRUE(status.isOk()) << status.message();
  }

  /// Compares output, and lse if `withLse`, with the reference under `mask`, which gets the aligned position of q.
  void expectReference(const std::function<bool(int64_t b, int64_t h, int64_t q, int64_t k)> &mask, bool withLse,
                       const ScoreFunction &score = nullptr) {
    MaskFunction rows = [&](int64_t b, int64_t h, int64_t row, uint8_t *attends) {
      for (int64_t k = 0; k < sizes.keys; ++k)
        attends[k] = mask(b, h, row + sizes.keys - sizes.queries, k);
    };
    std::vector<double> wanted(output.elements.size()), wantedLse(lse.size());
    referenceAttention(query.view(), key.view(), value.view(), scale, rows, wanted.data(), wantedLse.data(), score);
    size_t next = 0;
    for (int64_t b = 0; b < sizes.batch; ++b)
      for (int64_t h = 0; h < sizes.queryHeads; ++h)
        for (int64_t s = 0; s < sizes.queries; ++s)
          for (int64_t d = 0; d < headSize; ++d)
            ASSERT_NEAR(output.at(b, h, s, d), wanted[next++], 1e-5) << b << ' ' << h << ' ' << s << ' ' << d;
    for (size_t i = 0; withLse && i < lse.size(); ++i)
      if (std::isinf(wantedLse[i]))
        ASSERT_EQ(double(lse[i]), wantedLse[i]);
      else
        ASSERT_NEAR(lse[i], wantedLse[i], 1e-5);
  }

  Sizes sizes;
  bool headsInside;
  Tensor query, key, value, output;
  std::vector<float> lse;
};

/// Document ids [batch, positions], ascending; documents have 1 to `longest` positions.
struct Documents {
  Documents(int64_t batch, int64_t positions, int32_t longest) : batch(batch), positions(positions) {
    std::mt19937 generator(7);
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t i = 0, left = 0, id = 0; i < positions; ++i, --left) {
        if (left == 0) {
          left = std::uniform_int_distribution<int32_t>(1, longest)(generator);
          ++id;
        }
        ids.push_back(static_cast<int32_t>(id));
      }
  }
  Value captured() { return makeArray(ids.data(), DType::I32, Shape{2, {batch, positions}}); }
  bool attends(int64_t b, int64_t q, int64_t k) const {
    return k <= q && q >= 0 && q < positions && k < positions &&
           ids[static_cast<size_t>(b * positions + q)] == ids[static_cast<size_t>(b * positions + k)];
  }

  int64_t batch, positions;
  std::vector<int32_t> ids;
};

} // namespace sparse_attn::test

#endif // SPARSE_ATTN_TEST_PROBLEM_H
