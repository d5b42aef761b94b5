//===- Create.cpp - The command create ------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "FromArrays.h"
#include "FromPattern.h"
#include "FromScores.h"
#include "MaskFiles.h"

#include "support/InputError.h"

#include <iostream>
#include <optional>

namespace sparse_attn::tools::mask {

namespace {

ExitCode createFromPattern(const Options &options, AtomicFile &file) {
  if (options.inputs.size() != 1)
    fail("expects one pattern, but got ", options.inputs.size(), " files");
  refuseOptions(options, scoreOptions, "scores");
  refuseOptions(options, {"--query-blocks", "--key-blocks"}, "pairs, a matrix or rows");
  std::optional<AtomicFile> partialFile;
  if (!options.partialFile.empty())
    partialFile.emplace(options.partialFile);
  PatternBlocks blocks = findPatternBlocks(options);
  if (blocks.overestimated)
    std::cerr << "sparse-attn-mask: warning: the listing of blocks stopped early; the mask has more than need be\n";
  writeMask(file, blocks.read);
  if (partialFile)
    writeMask(*partialFile, blocks.partial);
  return Success;
}

} // namespace

ExitCode create(const Options &options) {
  AtomicFile file(onlyOutput(options));
  if (isPatternFile(options.inputs[0]))
    return createFromPattern(options, file);
  writeMask(file, maskFromArrays(options));
  return Success;
}

} // namespace sparse_attn::tools::mask
