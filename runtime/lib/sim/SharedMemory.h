//===- SharedMemory.h - The shared memory of a block ------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_SHAREDMEMORY_H
#define SPARSE_ATTN_LIB_SIM_SHAREDMEMORY_H

#include "sparse_attn/Status.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace sparse_attn::sim {

/// Aligned to 256 KiB, so that the low 18 bits of an address, which descriptors of matrices hold, are its offset.
class SharedMemory {
public:
  static constexpr size_t alignment = 1 << 18;
  /// What a block may have on the largest device.
  static constexpr size_t maxBytes = 227 << 10;
  /// What memory holds that nobody has written: a NaN in every format, and an index out of every range.
  static constexpr unsigned char poison = 0xff;

  SharedMemory() = default;

  /// Once. False where there is no memory.
  bool allocate();
  /// Before a block starts: `bytes` of poison, and marks behind them.
  void reset(size_t bytes);
  /// DeviceError where something was written behind the end since.
  Status checkEnd() const;

  char *base() const { return memory.get(); }
  size_t size() const { return bytes; }
  bool holds(size_t offset, size_t length) const { return offset <= bytes && length <= bytes - offset; }

  /// The offset of an address from which `length` bytes are in shared memory, in multiples of `unit`, a power of two.
  Status find(const void *address, size_t length, size_t unit, size_t &offset) const {
    offset = reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(memory.get());
    return holds(offset, length) && (offset & (unit - 1)) == 0 ? Status() : misplaced(offset, length, unit);
  }

private:
  Status misplaced(size_t offset, size_t length, size_t unit) const;

  struct Free {
    void operator()(char *pointer) const;
  };
  std::unique_ptr<char, Free> memory;
  size_t bytes = 0;
};

/// The swizzle over 64 or 128 bytes: bits 4 and 5 of an offset change with bits 7 and 8, or 4 to 6 with 7 to 9.
inline size_t swizzle(size_t offset, size_t span) { return offset ^ ((offset >> 7 & (span / 16 - 1)) << 4); }

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_SHAREDMEMORY_H
