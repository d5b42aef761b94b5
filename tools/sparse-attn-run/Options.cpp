//===- Options.cpp - The command line --------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include "support/CommandLine.h"

#include <algorithm>
#include <iostream>
#include <sstream>
#include <vector>

namespace sparse_attn::tools::run {

namespace {

DType parseFloatType(const std::string &text) {
  std::optional<DType> dtype = parseDType(text);
  if (!dtype || *dtype == DType::I32)
    fail("--random expects dtype f32, f16 or bf16, but got '", text, "'");
  return *dtype;
}

void parseRandomEntry(RandomShape &shape, const std::string &entry) {
  auto [name, value] = splitAssignment("--random", entry);
  if (name == "dtype") {
    shape.dtype = parseFloatType(value);
    return;
  }
  const std::pair<const char *, std::optional<int64_t> *> sizes[] = {{"B", &shape.batch},      {"H", &shape.queryHeads},
                                                                     {"Hkv", &shape.keyHeads}, {"S", &shape.queries},
                                                                     {"Skv", &shape.keys},     {"D", &shape.headSize}};
  auto known = std::find_if(std::begin(sizes), std::end(sizes), [&](auto &size) { return name == size.first; });
  if (known == std::end(sizes))
    fail("--random expects B, H, Hkv, S, Skv, D or dtype, but got '", name, "'");
  *known->second = parseInteger<int64_t>("--random " + name, value, 0, int64_t(1) << 40);
}

RandomShape parseRandom(const std::string &text) {
  RandomShape shape;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(',', begin), text.size());
    parseRandomEntry(shape, text.substr(begin, end - begin));
    begin = end + 1;
  }
  return shape;
}

DeviceKind parseDevice(const std::string &text) {
  for (DeviceKind kind : {DeviceKind::Cpu, DeviceKind::Cuda, DeviceKind::Sim})
    if (text == deviceName(kind))
      return kind;
  fail("--device expects cpu, cuda or sim, but got '", text, "'");
}

SimulatorOptions::Schedule parseSchedule(const std::string &text) {
  using Schedule = SimulatorOptions::Schedule;
  const std::pair<const char *, Schedule> schedules[] = {
      {"in_order", Schedule::InOrder}, {"random", Schedule::Random}, {"reverse", Schedule::Reverse}};
  for (auto &[name, schedule] : schedules)
    if (text == name)
      return schedule;
  fail("--sim-schedule expects in_order, random or reverse, but got '", text, "'");
}

const std::vector<Option<Options>> table = {
    {"--function", "NAME", "the function to run; needed where there are several",
     [](Options &o, const std::string &v) { o.function = v; }},
    {"--device", "cpu|cuda|sim", "where to run: the CPU, a GPU or a simulated one (default: what the artifact is for)",
     [](Options &o, const std::string &v) { o.device.kind = parseDevice(v); }},
    {"--sim-schedule", "in_order|random|reverse", "how the simulated GPU orders its threads",
     [](Options &o, const std::string &v) { o.device.schedule = parseSchedule(v); }},
    {"--sim-seed", "N", "seed of that order",
     [](Options &o, const std::string &v) { o.device.seed = parseInteger<uint64_t>("--sim-seed", v, 0); }},
    {"--threads", "N", "threads that run the kernel (default: all cores)",
     [](Options &o, const std::string &v) { o.threads = parseInteger<int>("--threads", v, 1, 4096); }},
    {"--q", "FILE.npy", "queries, [batch, heads, length, head size]",
     [](Options &o, const std::string &v) { o.files.query = v; }},
    {"--k", "FILE.npy", "keys", [](Options &o, const std::string &v) { o.files.key = v; }},
    {"--v", "FILE.npy", "values", [](Options &o, const std::string &v) { o.files.value = v; }},
    {"--capture", "NAME=FILE.npy|INT", "any other argument of the function: an array or an integer",
     [](Options &o, const std::string &v) { o.files.captures.push_back(splitAssignment("--capture", v)); }},
    {"--sparsity", "SHARE",
     "choose the captured numbers that are not given: the largest that visit that share of tiles",
     [](Options &o, const std::string &v) {
       o.sparsity = parseShare("--sparsity", v);
       o.files.numbersMayMiss = true;
     }},
    {"--mask", "NAME=FILE", "a block mask; once for all heads, or for each batch and head in order",
     [](Options &o, const std::string &v) { o.files.masks.push_back(splitAssignment("--mask", v)); }},
    {"--random", "B=1,H=8,Hkv=2,S=4096,Skv=4096,D=64,dtype=bf16",
     "normally distributed inputs instead of files; what the function fixes may be left out",
     [](Options &o, const std::string &v) { o.random = parseRandom(v); }},
    {"--seed", "N", "seed of --random (default 0)",
     [](Options &o, const std::string &v) { o.seed = parseInteger<uint64_t>("--seed", v, 0); }},
    {"--out", "FILE.npy", "write the output; once for each output where there are several",
     [](Options &o, const std::string &v) { o.outputs.push_back(v); }},
    {"--lse", "FILE.npy", "write the log-sum-exp; likewise",
     [](Options &o, const std::string &v) { o.logSumExps.push_back(v); }},
    {"--row-max", "FILE.npy", "write the greatest score of each row; likewise",
     [](Options &o, const std::string &v) { o.rowMaxima.push_back(v); }},
    {"--weights", "FOLDER",
     "write the attention weights of the visited blocks: offsets.npy, indices.npy, values.npy; likewise",
     [](Options &o, const std::string &v) { o.weights.push_back(v); }},
    {"--column-sums", "FILE.npy", "write the sums of the weights of each key; likewise",
     [](Options &o, const std::string &v) { o.columnSums.push_back(v); }},
    {"--tiles", "FILE.npy", "write the visited tiles in order: batch, head, query tile, key tile, without mask code",
     [](Options &o, const std::string &v) { o.tiles = v; }},
    {"--verify", nullptr, "compare with the reference; exit with 1 where the error exceeds the tolerance",
     [](Options &o, const std::string &) { o.verify = true; }},
    {"--time", "N", "measure: the median of N runs; on a GPU, each from the launch until all is done",
     [](Options &o, const std::string &v) { o.timedRuns = parseInteger<int>("--time", v, 1, 1'000'000); }},
    {"--json", "FILE", "write what --verify and --time found as JSON",
     [](Options &o, const std::string &v) { o.json = v; }},
    {"--target", "NAME", "target to compile a .mlir for (default: the device)",
     [](Options &o, const std::string &v) { o.device.target = v; }},
    {"--cpu", "NAME", "CPU to compile a .mlir for (default: native)",
     [](Options &o, const std::string &v) { o.compileFlags.push_back("--cpu=" + v); }},
    {"--element-type", "TYPE", "f32, f16 or bf16 instead of what a .mlir says",
     [](Options &o, const std::string &v) { o.compileFlags.push_back("--element-type=" + v); }},
    {"--tile-q", "N", "queries in a tile, when compiling a .mlir",
     [](Options &o, const std::string &v) {
       o.compileFlags.push_back("--tile-q=" + std::to_string(parseInteger<int>("--tile-q", v, 1)));
     }},
    {"--tile-k", "N", "keys in a tile, when compiling a .mlir",
     [](Options &o, const std::string &v) {
       o.compileFlags.push_back("--tile-k=" + std::to_string(parseInteger<int>("--tile-k", v, 1)));
     }},
};

/// Checks what options cannot be combined.
void checkOptions(const Options &options) {
  if (options.input.empty())
    fail("expects a module (.mlir) or an artifact (.so); --help shows how");
  bool files = !options.files.query.empty() || !options.files.key.empty() || !options.files.value.empty();
  if (options.random && files)
    fail("expects either --random or --q, --k and --v, but got both");
  if (!options.random && !files)
    fail("expects inputs: --q, --k and --v, or --random");
  bool simulates = options.device.kind == DeviceKind::Sim;
  if (options.device.schedule && !simulates)
    fail("--sim-schedule expects --device=sim");
  if (options.device.seed && !simulates)
    fail("--sim-seed expects --device=sim");
}

} // namespace

std::string helpText() {
  std::ostringstream text;
  text << "usage: sparse-attn-run IN.mlir|ARTIFACT.so [options]\n\n"
          "Runs a compiled attention function on arrays, checks it against a reference in double precision and\n"
          "measures it. A module (.mlir) is compiled first.\n\n";
  for (const Option<Options> &option : table)
    text << helpLine(describeOption(option.name, option.metavar), option.help);
  text << "  --help                this text\n"
          "  --version             the version\n\n"
          "bf16 arrays are uint16 (or ml_dtypes' bfloat16) in .npy files.\n"
          "Exit codes: 0 success, 1 verification failed, 2 bad usage or input.\n";
  return text.str();
}

std::optional<Options> parseOptions(int argc, char **argv) {
  auto setInput = [](Options &options, const std::string &word) {
    if (!options.input.empty())
      fail("expects one input, but got '", options.input, "' and '", word, "'");
    options.input = word;
  };
  Options options;
  switch (parseCommandLine({argv + 1, argv + argc}, table, "--help", options, setInput).request) {
  case Request::Help:
    std::cout << helpText();
    return std::nullopt;
  case Request::Version:
    std::cout << "sparse-attn-run " SPARSE_ATTN_VERSION "\n";
    return std::nullopt;
  case Request::Work:
    break;
  }
  checkOptions(options);
  return options;
}

} // namespace sparse_attn::tools::run
