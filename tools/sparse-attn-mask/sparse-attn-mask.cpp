//===- sparse-attn-mask.cpp - Makes, inspects and draws block masks -------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include "sparse_attn/Device.h"
#include "support/Check.h"
#include "support/CommandLine.h"

#include <iostream>

using namespace sparse_attn::tools;
using namespace sparse_attn::tools::mask;

namespace {

void printHelp() {
  std::cout << "usage: sparse-attn-mask COMMAND ...\n\n"
               "Makes, inspects, combines and draws block masks: which key blocks each query block reads.\n\n";
  for (const Command &command : commands())
    std::cout << helpLine(command.name, command.summary);
  std::cout << "\n'sparse-attn-mask COMMAND --help' lists the options of a command.\n"
               "Exit codes: 0 success, 1 verify found a bad file, 2 bad usage or input.\n";
}

const Command &findCommand(const std::string &name) {
  std::string names;
  for (const Command &command : commands()) {
    if (name == command.name)
      return command;
    names += (names.empty() ? "" : ", ") + std::string(command.name);
  }
  if (name.empty())
    fail("expects a command: ", names, "; --help shows how");
  fail("expects a command: ", names, "; but got '", name, "'");
}

int runCommand(const std::vector<std::string> &words) {
  std::string name = words.empty() ? "" : words.front();
  if (name == "--help" || name == "-h") {
    printHelp();
    return Success;
  }
  if (name == "--version") {
    printVersion();
    return Success;
  }
  const Command &command = findCommand(name);
  std::optional<Options> options = parseOptions(command, {words.begin() + 1, words.end()});
  if (!options)
    return Success;
  check(sparse_attn::setThreadCount(options->threads));
  return command.run(*options);
}

} // namespace

int main(int argc, char **argv) {
  return runTool("sparse-attn-mask", [&] { return runCommand({argv + 1, argv + argc}); });
}
