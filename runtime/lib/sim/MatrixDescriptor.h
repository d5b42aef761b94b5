//===- MatrixDescriptor.h - Where wgmma finds a matrix ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_MATRIXDESCRIPTOR_H
#define SPARSE_ATTN_LIB_SIM_MATRIXDESCRIPTOR_H

#include "sim/SharedMemory.h"

#include <cstdint>

namespace sparse_attn::sim {

/// The 64 bits of PTX ISA, "Matrix descriptor format" of wgmma. Of the layouts, the swizzles over 64 and 128 bytes.
class MatrixDescriptor {
public:
  explicit MatrixDescriptor(uint64_t bits) : bits(bits) {}

  /// Copies a matrix of 16-bit numbers: `rows` (a multiple of 8) of 16 where it lies by rows, with neighbours along the
  /// depth; 16 of `rows` where it is `transposed`. Errors: DeviceError for other layouts, and outside shared memory.
  Status gather(const SharedMemory &shared, size_t rows, bool transposed, uint16_t *to) const;

private:
  size_t start() const { return (bits & 0x3fff) << 4; }
  size_t leadingOffset() const { return (bits >> 16 & 0x3fff) << 4; }
  size_t strideOffset() const { return (bits >> 32 & 0x3fff) << 4; }
  /// Bytes of a line of an atom, over which it is swizzled.
  size_t span() const { return bits >> 62 == 1 ? 128 : 64; }
  Status checkLayout() const;

  uint64_t bits;
};

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_MATRIXDESCRIPTOR_H
