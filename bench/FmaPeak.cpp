//===- FmaPeak.cpp - The machine's peak of fused multiply-adds ------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Measures how many f32 operations a second this machine can do at most: many
// independent chains of fused multiply-adds in registers, nothing else. Every
// "percent of peak" in our tables is a percentage of this number.
//
// A fused multiply-add has a latency of 4 cycles and two issue each cycle, so
// 8 chains suffice on paper; 12 (the most that 16 registers hold with two
// operands) and 24 (of 32 registers) leave slack for uneven port assignment.
//
//===----------------------------------------------------------------------===//

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

namespace {

constexpr int chains256 = 12;
constexpr int chains512 = 24;
/// Long enough for the clock (some 10 ms), short enough that one of many repeats runs undisturbed.
constexpr int64_t stepsPerRun = 4'000'000;
constexpr int repeats = 40;

/// Runs `steps` multiply-adds in each chain. The loop is assembly: the compiler can neither fold it nor spill its
/// registers. Values converge to 1, so no step is slowed by denormals or infinities.
void runChains256(int64_t steps) {
  const float half = 0.5f;
  asm volatile(".irp c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15\n"
               "  vbroadcastss %[half], %%ymm\\c\n"
               ".endr\n"
               "1:\n"
               ".irp c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11\n"
               "  vfmadd213ps %%ymm15, %%ymm14, %%ymm\\c\n"
               ".endr\n"
               "  sub $1, %[steps]\n"
               "  jnz 1b\n"
               "  vzeroupper\n"
               : [steps] "+r"(steps)
               : [half] "m"(half)
               : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                 "xmm14", "xmm15");
}

__attribute__((target("avx512f"))) void runChains512(int64_t steps) {
  const float half = 0.5f;
  asm volatile(".irp c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 30, 31\n"
               "  vbroadcastss %[half], %%zmm\\c\n"
               ".endr\n"
               "1:\n"
               ".irp c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23\n"
               "  vfmadd213ps %%zmm31, %%zmm30, %%zmm\\c\n"
               ".endr\n"
               "  sub $1, %[steps]\n"
               "  jnz 1b\n"
               "  vzeroupper\n"
               : [steps] "+r"(steps)
               : [half] "m"(half)
               : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                 "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22",
                 "xmm23", "xmm30", "xmm31");
}

struct Kernel {
  int bits;
  int chains;
  void (*run)(int64_t steps);

  /// Floating point operations of one run on one thread; a multiply-add counts as two.
  double operations() const { return 2.0 * (bits / 32) * chains * stepsPerRun; }
};

double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Wall time of one run on each of `threads` threads, started together.
double timeTogether(const Kernel &kernel, int threads) {
  std::atomic<int> waiting{threads};
  std::vector<std::thread> others;
  auto arriveAndRun = [&] {
    for (--waiting; waiting.load() > 0;)
      std::this_thread::yield();
    kernel.run(stepsPerRun);
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
double measure(const Kernel &kernel, int threads) {
  double best = 0;
  for (int r = 0; r < repeats; ++r)
    best = std::max(best, threads * kernel.operations() / timeTogether(kernel, threads) * 1e-9);
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
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    std::fprintf(stderr, "sparse-attn-fma-peak: error: expects a CPU with avx2 and fma\n");
    return 1;
  }
  double gflops256 = measure({256, chains256, runChains256}, options.threads), gflops512 = 0;
  std::printf("256 bits: %8.1f GFLOP/s on %d thread%s\n", gflops256, options.threads, options.threads > 1 ? "s" : "");
  if (__builtin_cpu_supports("avx512f")) {
    gflops512 = measure({512, chains512, runChains512}, options.threads);
    std::printf("512 bits: %8.1f GFLOP/s on %d thread%s\n", gflops512, options.threads, options.threads > 1 ? "s" : "");
  }
  if (!options.json.empty() && !writeJson(options, gflops256, gflops512)) {
    std::fprintf(stderr, "sparse-attn-fma-peak: error: cannot write %s\n", options.json.c_str());
    return 1;
  }
  return 0;
}
