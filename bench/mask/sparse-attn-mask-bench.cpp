//===- sparse-attn-mask-bench.cpp - Measures block masks ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskBench.h"
#include "sparse_attn/Device.h"

#include "Error.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

using namespace sparse_attn::bench;

namespace {

struct Options {
  std::string json;
  bool quick = false;
  bool bars = false;
};

[[noreturn]] void usage(FILE *stream, int code) {
  std::fprintf(stream, "usage: sparse-attn-mask-bench [--quick] [--bars] [--json FILE]\n\n"
                       "Measures block masks, holds them against bars and against other ways to keep a mask.\n\n"
                       "  --quick      a rough look: few repeats\n"
                       "  --bars       only the bars\n"
                       "  --json FILE  also write the table as JSON\n");
  std::exit(code);
}

Options parse(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument == "--help")
      usage(stdout, 0);
    else if (argument == "--quick")
      options.quick = true;
    else if (argument == "--bars")
      options.bars = true;
    else if (argument == "--json" && i + 1 < argc)
      options.json = argv[++i];
    else
      usage(stderr, 2);
  }
  return options;
}

void run(const Options &options) {
  Table table;
  const Effort effort = options.quick ? Effort{3, 0.02} : Effort{9, 0.3};
  double load = 0;
  getloadavg(&load, 1);
  std::printf("load %.1f\n", load);
  benchBars(table, MaskSample(maskShapes().back()), effort);
  check(sparse_attn::setThreadCount(1));
  for (const MaskShape &shape : maskShapes())
    if (!options.bars)
      benchForms(table, MaskSample(shape), effort);
  table.printSummary();
  if (!options.json.empty())
    table.writeJson(options.json, options.quick);
}

} // namespace

int main(int argc, char **argv) {
  Options options = parse(argc, argv);
  try {
    run(options);
    return 0;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "sparse-attn-mask-bench: error: %s\n", error.what());
    return 1;
  }
}
