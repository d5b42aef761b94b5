//===- Scale.cpp - A million tokens ---------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"
#include "Problem.h"

#include "sparse_attn/Device.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace sparse_attn::bench {

namespace {

constexpr int64_t headSize = 64;
constexpr double mebi = 1 << 20;

/// What is scaled: a module, and how far.
struct Scaled {
  std::string (*module)(DType dtype);
  int64_t shortest, longest;
  double memoryBar; ///< MiB beyond the arrays.
};

std::string longformerModule(DType dtype) { return moduleText(longformerPattern(256, 256, 64), dtype, headSize); }
std::string longNetModule(DType dtype) {
  return mergeModuleText({segmentPattern(2048, 1), segmentPattern(4096, 2), segmentPattern(8192, 4)}, dtype, headSize);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// A line of /proc/self/status, in bytes.
int64_t statusBytes(const std::string &key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.rfind(key + ":", 0) == 0)
      return std::stoll(line.substr(key.size() + 1)) * 1024;
  fail("expects ", key, " in /proc/self/status");
}

void addMemoryRow(Bench &bench, const Scaled &scaled, DType dtype) {
  bench.row(std::string("memory, ") + dtypeName(dtype) + ", all threads", [&](Row &row) {
    std::string artifact = bench.compiler.compile(scaled.module(dtype), "native");
    std::istringstream output(
        outputOf({"/proc/self/exe", "--measure-memory=" + artifact, std::string("--dtype=") + dtypeName(dtype),
                  "--length=" + std::to_string(scaled.longest)}));
    int64_t beyond = 0, workspace = 0;
    if (!(output >> beyond >> workspace))
      fail("expects two numbers, but got '", output.str(), "'");
    row.figure = static_cast<double>(beyond) / mebi;
    row.unit = "MiB";
    row.bar.atMost = scaled.memoryBar;
    row.reference = "beyond q, k, v, o";
    row.note = "workspace " + format(static_cast<double>(workspace) / mebi, 2, " MiB");
  });
}

//===----------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------===//

/// Median CPU times of one thread for each length; the lengths take turns.
std::vector<double> timeLengths(Bench &bench, const Scaled &scaled, const std::vector<int64_t> &lengths) {
  Arrays arrays(DType::F32, 1, lengths.back(), headSize);
  std::shared_ptr<const Artifact> artifact = bench.compiler.open(scaled.module(DType::F32), "native");
  std::vector<Problem> problems;
  for (int64_t length : lengths)
    problems.emplace_back(artifact, arrays, length);
  std::vector<std::function<void()>> works;
  for (size_t i = 0; i < lengths.size(); ++i)
    works.push_back([&problem = problems[i], runs = lengths.back() / lengths[i]] {
      // As many runs as make each length take about as long.
      for (int64_t run = 0; run < runs; ++run)
        problem.launch();
    });
  std::vector<double> seconds = measure(works, Effort{bench.quick ? 1 : 5, 0}).seconds;
  for (size_t i = 0; i < lengths.size(); ++i)
    seconds[i] *= static_cast<double>(lengths[i]) / static_cast<double>(lengths.back());
  return seconds;
}

void benchScaled(Bench &bench, const Scaled &scaled) {
  int64_t longest = bench.quick ? std::min<int64_t>(scaled.longest, 131072) : scaled.longest;
  if (!bench.quick) {
    addMemoryRow(bench, scaled, DType::F32);
    addMemoryRow(bench, scaled, DType::BF16);
  }
  if (!bench.selects("linear"))
    return;
  std::vector<int64_t> lengths;
  for (int64_t length = scaled.shortest; length <= longest; length *= 2)
    lengths.push_back(length);
  std::vector<double> seconds;
  for (size_t i = 1; i < lengths.size(); ++i)
    bench.row("linear, f32, " + std::to_string(lengths[i - 1]) + " to " + std::to_string(lengths[i]), [&](Row &row) {
      if (seconds.empty())
        seconds = timeLengths(bench, scaled, lengths);
      row.measured = format(1e3 * seconds[i], 2, " ms");
      row.reference = "half of it " + format(1e3 * seconds[i - 1], 2, " ms");
      row.figure = seconds[i] / seconds[i - 1];
      row.bar = {1.9, 2.1};
    });
}

} // namespace

int measureMemory(const std::string &path, const std::string &dtypeText, int64_t length) {
  // Reading the artifact is part of what is measured, and so is everything that the runtime allocates.
  std::optional<DType> dtype = parseDType(dtypeText);
  if (!dtype)
    fail("expects a dtype, but got ", dtypeText);
  Arrays arrays(*dtype, 1, length, headSize);
  int64_t before = statusBytes("VmRSS");
  Problem problem(valueOf(Artifact::open(path)), arrays, length);
  problem.launch();
  int64_t peak = statusBytes("VmHWM");
  std::printf("%lld %zu\n", static_cast<long long>(peak - before), problem.plan().workspaceBytes());
  return 0;
}

void benchScale(Bench &bench) {
  check(setThreadCount(1));
  bench.beginSection("Scale: window 512 + 64 global, 1 head, d=64, one thread");
  benchScaled(bench, {longformerModule, 16384, int64_t(1) << 20, 16});
  bench.beginSection("Scale: LongNet, segments 2048/4096/8192 of rates 1/2/4 merged, 1 head, d=64, one thread");
  benchScaled(bench, {longNetModule, 32768, int64_t(1) << 18, 64});
}

} // namespace sparse_attn::bench
