//===- sparse-attn-bench.cpp - Measures kernels, prints a table -----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

using namespace sparse_attn::bench;

namespace {

struct Options {
  std::string compiler, only, json;
  bool quick = false;
  std::string measureMemory, dtype = "f32", length = "1048576"; ///< Set when this program starts itself.
};

[[noreturn]] void usage(FILE *stream, int code) {
  std::fprintf(stream, "usage: sparse-attn-bench [--only TEXT] [--quick] [--json FILE] [--compiler PROGRAM]\n\n"
                       "Measures speed, skipping, memory, scale and compile time, and holds each against its bar.\n\n"
                       "  --only TEXT         only rows with TEXT in their name or their section's title\n"
                       "  --quick             a rough look: few repeats, at most 131072 tokens, no memory rows\n"
                       "  --json FILE         also write the table as JSON\n"
                       "  --compiler PROGRAM  the sparse-attn-compile to use (default: the one beside this program)\n");
  std::exit(code);
}

Options parse(int argc, char **argv) {
  Options options;
  const std::pair<const char *, std::string *> values[] = {
      {"--only", &options.only},         {"--json", &options.json},
      {"--compiler", &options.compiler}, {"--measure-memory", &options.measureMemory},
      {"--dtype", &options.dtype},       {"--length", &options.length}};
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument == "--help")
      usage(stdout, 0);
    if (argument == "--quick") {
      options.quick = true;
      continue;
    }
    std::string name = argument.substr(0, argument.find('='));
    auto known = std::find_if(std::begin(values), std::end(values), [&](auto &value) { return name == value.first; });
    if (known == std::end(values) || (name == argument && i + 1 == argc))
      usage(stderr, 2);
    *known->second = name == argument ? argv[++i] : argument.substr(name.size() + 1);
  }
  return options;
}

/// The value of the first line of /proc/cpuinfo with that key.
std::string cpuInfo(const std::string &key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind(key, 0) == 0 && line.find(": ") != std::string::npos)
      return line.substr(line.find(": ") + 2);
  return "unknown";
}

/// The load tells how far to trust times that passed; CPU times stand some of it.
void printMachine() {
  double load = 0;
  getloadavg(&load, 1);
  std::printf("%s, family %s, model %s; %u threads; load %.1f\n", cpuInfo("model name").c_str(),
              cpuInfo("cpu family").c_str(), cpuInfo("model\t").c_str(), std::thread::hardware_concurrency(), load);
}

void run(const Options &options) {
  printMachine();
  Compiler compiler(options.compiler);
  Table table;
  Bench bench(compiler, table, options.only, options.quick);
  benchThroughput(bench);
  benchThreads(bench);
  benchSkipping(bench);
  benchDilation(bench);
  benchScale(bench);
  benchDescent(bench);
  benchBlockMasks(bench);
  benchCompiling(bench);
  table.printSummary();
  if (!options.json.empty())
    table.writeJson(options.json, options.quick);
}

} // namespace

int main(int argc, char **argv) {
  Options options = parse(argc, argv);
  try {
    if (!options.measureMemory.empty())
      return measureMemory(options.measureMemory, options.dtype, std::stoll(options.length));
    if (hostFmaChains().empty())
      fail("expects a CPU with avx2 and fma");
    run(options);
    return 0;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "sparse-attn-bench: error: %s\n", error.what());
    return 1;
  }
}
