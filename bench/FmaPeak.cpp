//===- FmaPeak.cpp - The machine's peak of fused multiply-adds ------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints how many f32 operations a second this machine can do at most, on one
// or more threads.
//
//===----------------------------------------------------------------------===//

#include "FmaChains.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

using namespace sparse_attn::bench;

namespace {

/// Long enough for the clock (some 10 ms), short enough that one of many repeats runs undisturbed.
constexpr int64_t stepsPerRun = 4'000'000;
constexpr int repeats = 40;

double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Wall time of one run on each of `threads` threads, started together.
double timeTogether(const FmaChains &chains, int threads) {
  std::atomic<int> waiting{threads};
  std::vector<std::thread> others;
  auto arriveAndRun = [&] {
    for (--waiting; waiting.load() > 0;)
      std::this_thread::yield();
    chains.run(stepsPerRun);
  };
  for (int t = 1; t < threads; ++t)
    others.emplace_back(arriveAndRun);
  while (waiting.load() > 1)
    std::this_thread::yield();
  auto start = std::chrono::steady_clock::now();
  arriveAndRun();
  for (std::thread &thread : others)
    thread.join();
  return secondsSince(start);
}

/// The best of many runs, in GFLOP/s over all threads.
double measure(const FmaChains &chains, int threads) {
  double best = 0;
  for (int r = 0; r < repeats; ++r)
    best = std::max(best, threads * chains.operations(stepsPerRun) / timeTogether(chains, threads) * 1e-9);
  return best;
}

struct Options {
  int threads = 1;
  std::string json;
};

[[noreturn]] void usage(FILE *stream, int code) {
  std::fprintf(stream, "usage: sparse-attn-fma-peak [--threads=N] [--json=FILE]\n\n"
                       "Measures the peak of f32 fused multiply-adds at 256 and, where the CPU has it, 512 bits.\n\n"
                       "  --threads=N   run on N threads at once and print their sum; 0 is all (default 1)\n"
                       "  --json=FILE   also write {\"threads\", \"gflops_256\", \"gflops_512\", \"gflops\"}\n");
  std::exit(code);
}

Options parse(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument == "--help")
      usage(stdout, 0);
    char *end = nullptr;
    if (argument.rfind("--json=", 0) == 0) {
      options.json = argument.substr(std::strlen("--json="));
    } else if (argument.rfind("--threads=", 0) == 0) {
      long threads = std::strtol(argument.c_str() + std::strlen("--threads="), &end, 10);
      if (*end || threads < 0 || threads > 4096)
        usage(stderr, 2);
      options.threads = threads ? static_cast<int>(threads) : static_cast<int>(std::thread::hardware_concurrency());
    } else {
      usage(stderr, 2);
    }
  }
  options.threads = std::max(options.threads, 1);
  return options;
}

/// Writes the results; `gflops512` is 0 where the CPU has no 512-bit units.
bool writeJson(const Options &options, double gflops256, double gflops512) {
  FILE *file = std::fopen(options.json.c_str(), "w");
  if (!file)
    return false;
  std::fprintf(file, "{\n  \"threads\": %d,\n  \"gflops_256\": %.2f,\n", options.threads, gflops256);
  if (gflops512 > 0)
    std::fprintf(file, "  \"gflops_512\": %.2f,\n", gflops512);
  std::fprintf(file, "  \"gflops\": %.2f\n}\n", std::max(gflops256, gflops512));
  return std::fclose(file) == 0;
}

} // namespace

int main(int argc, char **argv) {
  Options options = parse(argc, argv);
  std::vector<FmaChains> widths = hostFmaChains();
  if (widths.empty()) {
    std::fprintf(stderr, "sparse-attn-fma-peak: error: expects a CPU with avx2 and fma\n");
    return 1;
  }
  double gflops256 = 0, gflops512 = 0;
  for (const FmaChains &chains : widths) {
    double gflops = measure(chains, options.threads);
    (chains.bits == 256 ? gflops256 : gflops512) = gflops;
    std::printf("%d bits: %8.1f GFLOP/s on %d thread%s\n", chains.bits, gflops, options.threads,
                options.threads > 1 ? "s" : "");
  }
  if (!options.json.empty() && !writeJson(options, gflops256, gflops512)) {
    std::fprintf(stderr, "sparse-attn-fma-peak: error: cannot write %s\n", options.json.c_str());
    return 1;
  }
  return 0;
}
