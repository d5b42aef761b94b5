//===- mask-pairs.cpp - Writes a mask file, or prints one ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/BlockMaskBuilder.h"
#include "sparse_attn/MaskFile.h"

#include <cstdio>
#include <cstring>
#include <random>

using namespace sparse_attn;

/// Two terms, and rows that become arrays, runs and bitsets, in all four slabs.
static Result<BlockMask> makeMask() {
  BlockMaskBuilder builder({65540, 72000, 16, 64});
  std::mt19937 generator(5);
  bool added =
      builder.addWindow(1, 2, {65000, 65540}).isOk() && builder.addTerm({10, 60, 0, 400, -30, 300, 7, 3}).isOk();
  for (uint32_t q : {0u, 1u, 20u, 65535u, 65536u, 65539u}) {
    for (uint32_t i = 0; i < 300; ++i)
      added &= builder.addAttention(q, {static_cast<uint32_t>(generator() % 72000)}).isOk();
    added &= builder.addRange(q, 65000 - q / 100, 66000 + q / 100).isOk();
  }
  std::vector<uint32_t> dense;
  for (uint32_t k = 0; k < 72000; k += 1 + generator() % 5)
    dense.push_back(k);
  added &= builder.addAttention(40, dense).isOk();
  if (!added)
    return Status(StatusCode::InvalidArgument, "expects to add blocks, but got an error");
  return builder.freeze();
}

static int fail(const Status &status) {
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}

/// `make FILE`, or `print FILE` for its grid and then a line a pair.
int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  const bool makes = std::strcmp(argv[1], "make") == 0;
  Result<BlockMask> mask = makes ? makeMask() : loadMask(std::string(argv[2]));
  if (!mask.isOk())
    return fail(mask.status());
  if (makes) {
    Status status = saveMask(*mask, std::string(argv[2]));
    return status.isOk() ? 0 : fail(status);
  }
  const BlockGrid &grid = mask->grid();
  std::printf("%u %u %u %u\n", grid.queryBlocks, grid.keyBlocks, grid.queryBlockSize, grid.keyBlockSize);
  for (uint32_t q = 0; q < grid.queryBlocks; ++q)
    for (uint32_t k : mask->activeBlocks(q))
      std::printf("%u %u\n", q, k);
  return 0;
}
