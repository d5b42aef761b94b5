//===- FiberStacks.h - Stacks of the threads of a launch --------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_FIBERSTACKS_H
#define SPARSE_ATTN_LIB_SIM_FIBERSTACKS_H

#include <cstddef>

namespace sparse_attn::sim {

/// One piece of memory, of which the host provides only the pages that are touched.
class FiberStacks {
public:
  static constexpr size_t bytes = 128 << 10;

  FiberStacks() = default;
  ~FiberStacks();
  FiberStacks(const FiberStacks &) = delete;
  FiberStacks &operator=(const FiberStacks &) = delete;

  /// Once. False where there is no memory.
  bool allocate(size_t count);
  char *stack(size_t index) const { return memory + index * stride; }

  /// Writes a mark at the low end of a stack.
  void mark(size_t index) const;
  /// Whether the mark is still there, so that the stack has not overflowed.
  bool isMarked(size_t index) const;

private:
  /// Not a power of two: the ends of all stacks, where threads work, would share the few lines of one set of a cache.
  static constexpr size_t stride = bytes + 1088;

  char *memory = nullptr;
  size_t total = 0;
};

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_FIBERSTACKS_H
