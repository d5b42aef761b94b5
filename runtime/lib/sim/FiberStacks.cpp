//===- FiberStacks.cpp - Stacks of the threads of a launch ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/FiberStacks.h"

#include <cstdint>
#include <cstring>
#include <sys/mman.h>

namespace sparse_attn::sim {

namespace {

constexpr uint64_t markValue = 0x7374'6163'6b20'656e;

} // namespace

FiberStacks::~FiberStacks() {
  if (memory != nullptr)
    munmap(memory, total);
}

bool FiberStacks::allocate(size_t count) {
  total = count * stride;
  void *mapped =
      mmap(nullptr, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (mapped == MAP_FAILED)
    return false;
  memory = static_cast<char *>(mapped);
  return true;
}

void FiberStacks::mark(size_t index) const { std::memcpy(stack(index), &markValue, sizeof(markValue)); }

bool FiberStacks::isMarked(size_t index) const { return std::memcmp(stack(index), &markValue, sizeof(markValue)) == 0; }

} // namespace sparse_attn::sim
