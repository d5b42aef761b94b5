//===- ArgumentLayout.cpp - The words of an argument block ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/ArgumentLayout.h"

using namespace mlir;
using namespace mlir::sparse_attn;

static int64_t countWords(Type type) {
  if (auto array = dyn_cast<MemRefType>(type))
    return 1 + 2 * array.getRank();
  return isa<BlockMaskType>(type) ? 3 : 1;
}

ArgumentLayout::ArgumentLayout(KernelParts parts) : isListed(parts.plan) {
  int64_t words = 0;
  auto take = [&](int64_t count) {
    words += count;
    return words - count;
  };
  hasMasks = false;
  for (BlockArgument array : parts.kernel.getArrays()) {
    arrays.push_back(take(countWords(array.getType())));
    hasMasks |= isa<BlockMaskType>(array.getType());
  }
  lists = take(isListed ? (hasMasks ? 8 : 6) : 0);
  for (bool pyramid : parts.getPyramids())
    pyramids.push_back(pyramid ? take(3) : -1);
  blocks = take(parts.kernel.isOverBlocks() ? 2 : 0);
  device = take(4);
  deviceWords = words;
}
