//===- Combine.cpp - The commands and, or and andnot ----------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "MaskFiles.h"

#include "support/Check.h"

namespace sparse_attn::tools::mask {

namespace {

using Operation = Result<BlockMask> (*)(const BlockMask &, const BlockMask &, const FreezeOptions &);

ExitCode combine(const Options &options, Operation operation) {
  AtomicFile file(onlyOutput(options));
  FreezeOptions freeze = freezeOptions(options);
  BlockMask result = readMask(options.inputs[0], freeze);
  for (size_t i = 1; i < options.inputs.size(); ++i) {
    Result<BlockMask> next = operation(result, readMask(options.inputs[i], freeze), freeze);
    if (!next.isOk())
      fail(options.inputs[i], ": ", next.status().message());
    result = std::move(*next);
  }
  writeMask(file, result);
  return Success;
}

} // namespace

ExitCode intersect(const Options &options) { return combine(options, conjunction); }

ExitCode unite(const Options &options) { return combine(options, disjunction); }

ExitCode subtract(const Options &options) { return combine(options, difference); }

} // namespace sparse_attn::tools::mask
