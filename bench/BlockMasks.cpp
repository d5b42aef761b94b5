//===- BlockMasks.cpp - Attention over blocks chosen at run time ----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"
#include "Problem.h"

#include "sparse_attn/BlockMaskBuilder.h"
#include "sparse_attn/Device.h"
#include "sparse_attn/MaskCache.h"

#include <random>

namespace sparse_attn::bench {

namespace {

constexpr int64_t headSize = 64;
constexpr int64_t blockSize = 64;

/// A function of q, k, v and a mask; `body` makes %p of %mask.
std::string maskedModule(const std::string &body) {
  const std::string array = "tensor<?x?x?x64xf32>", mask = "!sparse_attn.block_mask";
  return "sparse_attn.pattern @pattern(%mask: " + mask + ") {\n  " + body +
         "\n  sparse_attn.yield %p\n}\nfunc.func @attention(%q: " + array + ", %k: " + array + ", %v: " + array +
         ", %mask: " + mask + ") -> " + array +
         " {\n  %o = sparse_attn.attention %q, %k, %v pattern(@pattern(%mask) : (" + mask + ")) : (" + array + ", " +
         array + ", " + array + ") -> " + array + "\n  return %o : " + array + "\n}\n";
}

Value tableOf(const BlockMask *const &mask) {
  Value value{};
  value.data = const_cast<const BlockMask **>(&mask);
  value.dtype = SPARSE_ATTN_BLOCK_MASK;
  value.rank = 2;
  value.size[0] = value.size[1] = value.stride[0] = value.stride[1] = 1;
  return value;
}

/// A plan with its arguments and memory.
struct Call {
  Call(std::shared_ptr<const Plan> plan, std::vector<Value> arguments, const Value &result)
      : plan(std::move(plan)), arguments(std::move(arguments)), results{result},
        workspace(this->plan->workspaceBytes()) {}

  void launch() const { check(plan->launch(arguments, results, workspace.data(), plan->workspaceBytes())); }

  std::shared_ptr<const Plan> plan;
  std::vector<Value> arguments, results;
  Buffer workspace;
};

/// One query tile at the end of a million keys, which sees the last 512: by the closed form, and by a mask as well.
void addLaunchRow(Bench &bench) {
  bench.row("launch of one query tile", [&](Row &row) {
    const int64_t keys = int64_t(1) << 20, queries = blockSize;
    Arrays arrays(DType::F32, 1, keys, headSize);
    std::vector<Value> arguments = arrays.arguments(keys);
    arguments[0] = arrays.arguments(queries)[0];
    Value result = arrays.result(queries);
    BlockMask mask =
        valueOf(BlockMask::fromTerms({1, static_cast<uint32_t>(keys / blockSize), static_cast<uint32_t>(blockSize),
                                      static_cast<uint32_t>(blockSize)},
                                     {BandTerm::rectangle({0, 1}, {0, static_cast<uint32_t>(keys / blockSize)})}));
    const BlockMask *pointer = &mask;
    Pattern window = windowPattern(511, 0);
    std::shared_ptr<const Artifact> closed = bench.compiler.open(moduleText(window, DType::F32, headSize), "native");
    std::shared_ptr<const Artifact> masked = bench.compiler.open(
        maskedModule("%b = sparse_attn.blocks %mask\n  %w = sparse_attn.window left(511) right(0)\n  "
                     "%p = sparse_attn.intersect %b, %w"),
        "native");
    Call structured(prepare(closed, arguments), arguments, result);
    arguments.push_back(tableOf(pointer));
    Call listed(prepare(masked, arguments), arguments, result);
    Measurement found = measure({[&] { listed.launch(); }, [&] { structured.launch(); }}, bench.effort());
    row.measured = format(1e6 * found.seconds[0], 1, " us");
    row.reference = "closed form " + format(1e6 * found.seconds[1], 1, " us");
    row.figure = 1e6 * (found.seconds[0] - found.seconds[1]);
    row.unit = "us more";
    row.bar.atMost = 20;
    row.note = "1,048,576 keys, " + std::to_string(listed.plan->tiles().partial + listed.plan->tiles().full) +
               " tiles visited by each";
  });
}

BlockMask randomMask(int64_t length, double density) {
  uint32_t blocks = static_cast<uint32_t>(length / blockSize);
  BlockMaskBuilder builder({blocks, blocks, static_cast<uint32_t>(blockSize), static_cast<uint32_t>(blockSize)});
  std::mt19937_64 random(11);
  std::bernoulli_distribution chosen(density);
  for (uint32_t q = 0; q < blocks; ++q)
    for (uint32_t k = 0; k < blocks; ++k)
      if (chosen(random))
        check(builder.addAttention(q, {k}));
  return valueOf(builder.freeze());
}

/// Random blocks: what a launch takes, what a plan takes, and what one takes that a cache holds.
void addRandomRows(Bench &bench, double density) {
  const int64_t length = 16384;
  std::string name = "random blocks, " + format(100 * density, 0, " %");
  Arrays arrays(DType::F32, 1, length, headSize);
  BlockMask mask = randomMask(length, density);
  const BlockMask *pointer = &mask;
  std::vector<Value> arguments = arrays.arguments(length);
  arguments.push_back(tableOf(pointer));
  bench.row(name, [&](Row &row) {
    std::shared_ptr<const Artifact> artifact =
        bench.compiler.open(maskedModule("%p = sparse_attn.blocks %mask"), "native");
    Call sparse(prepare(artifact, arguments), arguments, arrays.result(length));
    Problem dense(bench.compiler.open(moduleText(densePattern(), DType::F32, headSize), "native"), arrays, length);
    Measurement found = measure({[&] { sparse.launch(); }, [&] { dense.launch(); }}, Effort{bench.quick ? 1 : 5, 0});
    double budget = found.seconds[1] * mask.density();
    row.measured = format(1e3 * found.seconds[0], 2, " ms");
    row.reference = "dense x " + format(100 * mask.density(), 2, " % ") + format(1e3 * budget, 2, " ms");
    row.figure = budget / found.seconds[0];
  });
  bench.row(name + ", prepare", [&](Row &row) {
    std::shared_ptr<const Artifact> artifact =
        bench.compiler.open(maskedModule("%p = sparse_attn.blocks %mask"), "native");
    MaskCache cache(size_t(64) << 20);
    PrepareOptions cached{&cache, {}};
    auto prepareWith = [&](const PrepareOptions &options) {
      valueOf(Plan::prepare(artifact, "attention", arguments, options));
    };
    prepareWith(cached);
    Measurement found = measure({[&] { prepareWith({}); }, [&] { prepareWith(cached); }}, bench.effort());
    row.measured = format(1e3 * found.seconds[0], 3, " ms");
    row.figure = 1e6 * found.seconds[1];
    row.unit = "us from a cache";
    row.note = "the contents are hashed once a mask";
  });
}

} // namespace

void benchBlockMasks(Bench &bench) {
  check(setThreadCount(1));
  bench.beginSection("Block masks: 64x64 tokens a block, f32, d=64, one thread");
  addLaunchRow(bench);
  for (double density : {0.05, 0.2})
    addRandomRows(bench, density);
}

} // namespace sparse_attn::bench
