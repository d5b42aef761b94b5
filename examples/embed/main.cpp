//===- main.cpp - Two artifacts linked into one program -------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs both kernels on one input and compares each with plain loops. Arrays are
// [batch, length, heads, head size], read through strides.
//
//===----------------------------------------------------------------------===//

#include "local.h"
#include "sinks.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <vector>

constexpr int64_t length = 500, heads = 2, headSize = 64, width = 40;
constexpr float tolerance = 1e-5f;
using Tensor = std::vector<float>;
using Attends = std::function<bool(int64_t query, int64_t key)>;

static void check(sparse_attn_status status) {
  if (status == SPARSE_ATTN_OK)
    return;
  std::fprintf(stderr, "error: %s\n", sparse_attn_last_error());
  std::exit(1);
}

static Tensor makeNormal(unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  Tensor values(length * heads * headSize);
  std::generate(values.begin(), values.end(), [&] { return normal(engine); });
  return values;
}

/// [length, heads, head size] in memory, seen as [batch, heads, length, head size].
static sparse_attn_value view(Tensor &values) {
  return {values.data(),
          SPARSE_ATTN_F32,
          4,
          {1, heads, length, headSize},
          {heads * length * headSize, headSize, heads * headSize, 1},
          0};
}

/// Memory for a launch, 64-byte aligned.
class Workspace {
public:
  explicit Workspace(const sparse_attn_plan *plan)
      : bytes(sparse_attn_workspace_bytes(plan)), data(std::aligned_alloc(64, (bytes + 64) / 64 * 64)) {}
  Workspace(const Workspace &) = delete;
  ~Workspace() { std::free(data); }

  const size_t bytes;
  void *const data;
};

static void attendToRow(const Tensor &q, const Tensor &k, const Tensor &v, const Attends &attends, int64_t head,
                        int64_t query, float *output) {
  auto at = [&](int64_t token) { return (token * heads + head) * headSize; };
  double sum = 0, row[headSize] = {};
  for (int64_t key = 0; key < length; ++key) {
    if (!attends(query, key))
      continue;
    double score = 0;
    for (int64_t i = 0; i < headSize; ++i)
      score += q[at(query) + i] * k[at(key) + i];
    double weight = std::exp(score / std::sqrt(headSize));
    sum += weight;
    for (int64_t i = 0; i < headSize; ++i)
      row[i] += weight * v[at(key) + i];
  }
  for (int64_t i = 0; i < headSize; ++i)
    output[at(query) + i] = float(row[i] / sum);
}

static bool compare(const char *name, const Tensor &q, const Tensor &k, const Tensor &v, const Attends &attends,
                    const Tensor &output) {
  Tensor expected(output.size());
  for (int64_t head = 0; head < heads; ++head)
    for (int64_t query = 0; query < length; ++query)
      attendToRow(q, k, v, attends, head, query, expected.data());
  float error = 0;
  for (size_t i = 0; i < output.size(); ++i)
    error = std::max(error, std::isnan(output[i]) ? INFINITY : std::fabs(output[i] - expected[i]));
  std::printf("%-6s error %.1e, tolerance %.0e\n", name, error, tolerance);
  return error <= tolerance;
}

static bool runLocal(Tensor &q, Tensor &k, Tensor &v) {
  sparse_attn_artifact *artifact;
  check(sparse_attn_artifact_from_image(&local_sparse_attn_image, &artifact));
  Tensor output(q.size());
  sparse_attn_value qv = view(q), kv = view(k), vv = view(v), ov = view(output);
  sparse_attn_plan *plan;
  check(local_attention_prepare(artifact, &qv, &kv, &vv, &plan));
  {
    Workspace workspace(plan);
    check(local_attention_launch(plan, &qv, &kv, &vv, &ov, workspace.data, workspace.bytes, nullptr));
  }
  sparse_attn_plan_destroy(plan);
  sparse_attn_artifact_close(artifact);
  return compare("local", q, k, v, [](int64_t i, int64_t j) { return j <= i && j >= i - 63; }, output);
}

static bool runSinks(Tensor &q, Tensor &k, Tensor &v) {
  sparse_attn_artifact *artifact;
  check(sparse_attn_artifact_from_image(&sinks_sparse_attn_image, &artifact));
  Tensor output(q.size());
  sparse_attn_value qv = view(q), kv = view(k), vv = view(v), ov = view(output), number{};
  number.scalar = width;
  sparse_attn_plan *plan;
  check(sinks_attention_prepare(artifact, &qv, &kv, &vv, &number, &plan));
  {
    Workspace workspace(plan);
    check(sinks_attention_launch(plan, &qv, &kv, &vv, &number, &ov, workspace.data, workspace.bytes, nullptr));
  }
  sparse_attn_plan_destroy(plan);
  sparse_attn_artifact_close(artifact);
  return compare("sinks", q, k, v, [](int64_t i, int64_t j) { return j <= i && (j >= i - width || j < 4); }, output);
}

int main() {
  Tensor q = makeNormal(1), k = makeNormal(2), v = makeNormal(3);
  bool local = runLocal(q, k, v), sinks = runSinks(q, k, v);
  return local && sinks ? 0 : 1;
}
