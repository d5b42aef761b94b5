//===- Throughput.cpp - Speed against the FMA peak ------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"
#include "Problem.h"

#include "sparse_attn/Device.h"

#include <algorithm>
#include <thread>

namespace sparse_attn::bench {

namespace {

struct Case {
  DType dtype;
  int64_t headSize;
  Pattern pattern;
  int64_t length;
  std::string level = "native";

  std::string name() const {
    return std::string(dtypeName(dtype)) + " d=" + std::to_string(headSize) + " " + pattern.name + " at " +
           std::to_string(length);
  }
};

/// A kernel of one head, ready to run on one thread.
struct Ready {
  Ready(Bench &bench, const Case &what)
      : arrays(what.dtype, 1, what.length, what.headSize),
        problem(bench.compiler.open(moduleText(what.pattern, what.dtype, what.headSize), what.level), arrays,
                what.length),
        attending(what.pattern.count(what.length)) {
    problem.launch();
    problem.check(what.pattern);
  }

  /// Floating point operations on active pairs.
  double operations() const {
    return 4.0 * static_cast<double>(attending.pairs) * static_cast<double>(arrays.headSize);
  }

  /// What the code was made for, and how many of the visited tiles carry mask code.
  std::string note() const {
    StepInfo step = problem.plan().step(0);
    std::string text = step.variant->level + ", tile " + std::to_string(step.variant->tileQ) + "x" +
                       std::to_string(step.variant->tileK);
    if (step.tiles.partial > 0)
      text += ", " + format(100.0 * static_cast<double>(step.tiles.partial) /
                                static_cast<double>(step.tiles.partial + step.tiles.full),
                            0, " % of tiles masked");
    return text;
  }

  Arrays arrays;
  Problem problem;
  Attending attending;
};

/// A share of the peak; `bits` is the width of the peak, or 0 for the best.
void addAgainstPeak(Bench &bench, const Case &what, double bar, int bits = 0) {
  bench.row(what.name(), [&](Row &row) {
    Ready ready(bench, what);
    Measurement found = measure({[&] { ready.problem.launch(); }}, bench.effort());
    double rate = 1e-9 * ready.operations() / found.seconds[0];
    double peak = bits == 256 ? found.peak.bits256 : found.peak.best();
    row.measured = format(rate, 1, " GFLOP/s");
    row.reference = "peak " + format(peak, 1, " GFLOP/s, ") + std::to_string(bits ? bits : found.peak.bestBits()) + "b";
    row.figure = rate / peak;
    row.unit = "%";
    row.bar.atLeast = bar;
    row.note = ready.note();
  });
}

/// The speed of one kernel as a share of another's, run in turn.
void addAgainstKernel(Bench &bench, const Case &what, const Case &other, double bar) {
  bench.row(what.name(), [&](Row &row) {
    Ready ready(bench, what), against(bench, other);
    Measurement found = measure({[&] { ready.problem.launch(); }, [&] { against.problem.launch(); }}, bench.effort());
    double rate = 1e-9 * ready.operations() / found.seconds[0];
    double otherRate = 1e-9 * against.operations() / found.seconds[1];
    row.measured = format(rate, 1, " GFLOP/s");
    row.reference = "our f32 " + format(otherRate, 1, " GFLOP/s");
    row.figure = rate / otherRate;
    row.unit = "%";
    row.bar.atLeast = bar;
    row.note = ready.note();
  });
}

/// The dense kernel, and those whose visited tiles are all full: a window in blocks, which goes through lists, and
/// chunks of as many blocks, whose schedule has a closed form.
std::vector<Case> fullTileCases(DType dtype, const std::string &level) {
  std::vector<Case> cases;
  for (int64_t headSize : {64, 128}) {
    cases.push_back({dtype, headSize, densePattern(), 4096, level});
    cases.push_back({dtype, headSize, blockWindowPattern(8), 16384, level});
    cases.push_back({dtype, headSize, chunkPattern(9 * 64), 16384, level});
  }
  return cases;
}

} // namespace

void benchThroughput(Bench &bench) {
  check(setThreadCount(1));
  bench.beginSection("Speed of f32, one thread");
  for (const Case &each : fullTileCases(DType::F32, "native"))
    addAgainstPeak(bench, each, 0.85);
  addAgainstPeak(bench, {DType::F32, 64, windowPattern(511, 0), 16384}, 0.75);
  addAgainstPeak(bench, {DType::F32, 128, windowPattern(511, 0), 16384}, 0.75);

  bench.beginSection("Speed of bf16, one thread");
  for (const Case &each : fullTileCases(DType::BF16, "native"))
    addAgainstPeak(bench, each, 1.55);

  bench.beginSection("Speed of f32 code for AVX2 (x86-64-v3), one thread, against the peak at 256 bits");
  for (const Case &each : fullTileCases(DType::F32, "x86-64-v3"))
    addAgainstPeak(bench, each, 0.75, 256);

  bench.beginSection("Speed of f16, and of bf16 without its dot product (x86-64-v4), against f32, one thread");
  for (auto [dtype, level] : {std::pair(DType::F16, "native"), std::pair(DType::BF16, "x86-64-v4")}) {
    std::vector<Case> cases = fullTileCases(dtype, level), f32 = fullTileCases(DType::F32, level);
    for (size_t i = 0; i < cases.size(); ++i)
      addAgainstKernel(bench, cases[i], f32[i], 0.85);
  }
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

namespace {

/// The least times of two works that run in turn, in seconds that passed, and the median CPU times of the process.
struct ThreadTimes {
  double best[2];
  double cpu[2];
};

ThreadTimes timeThreads(const Problem &problem, int repeats) {
  std::vector<double> wall[2], cpu[2];
  for (int repeat = 0; repeat < repeats; ++repeat)
    for (int threads : {1, 2}) {
      check(setThreadCount(threads));
      double wallStart = wallSeconds(), cpuStart = processSeconds();
      problem.launch();
      wall[threads - 1].push_back(wallSeconds() - wallStart);
      cpu[threads - 1].push_back(processSeconds() - cpuStart);
    }
  ThreadTimes times;
  for (int i : {0, 1}) {
    times.best[i] = *std::min_element(wall[i].begin(), wall[i].end());
    times.cpu[i] = median(cpu[i]);
  }
  return times;
}

} // namespace

void benchThreads(Bench &bench) {
  bench.beginSection("Two threads against one (time that passed, least of many repeats)");
  if (std::thread::hardware_concurrency() < 2)
    return;
  for (const Case &what :
       {Case{DType::F32, 64, densePattern(), 4096}, Case{DType::F32, 64, blockWindowPattern(8), 16384},
        Case{DType::BF16, 64, densePattern(), 4096}})
    bench.row(what.name(), [&](Row &row) {
      check(setThreadCount(2));
      Ready ready(bench, what);
      ThreadTimes times = timeThreads(ready.problem, bench.quick ? 10 : 300);
      row.measured = format(1e3 * times.best[1], 2, " ms");
      row.reference = "one " + format(1e3 * times.best[0], 2, " ms");
      row.figure = times.best[0] / times.best[1];
      row.unit = "x";
      row.bar.atLeast = 1.9;
      row.note = "by CPU time " + format(2 * times.cpu[0] / times.cpu[1], 2, "x");
    });
  check(setThreadCount(1));
}

} // namespace sparse_attn::bench
