//===- MatrixDescriptor.cpp - Where wgmma finds a matrix ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/MatrixDescriptor.h"

#include <cstring>

namespace sparse_attn::sim {

namespace {

/// 8 numbers, which stay neighbours in every layout.
constexpr size_t chunkBytes = 16;
constexpr size_t depth = 16;

} // namespace

Status MatrixDescriptor::checkLayout() const {
  if (bits >> 62 != 1 && bits >> 62 != 2)
    return makeError(StatusCode::DeviceError,
                     "expects layout 1 or 2, the swizzle over 128 or 64 bytes, in a matrix descriptor, but got ",
                     bits >> 62);
  if ((bits >> 49 & 7) != 0)
    return makeError(StatusCode::DeviceError, "expects a base offset of 0 in a matrix descriptor, but got ",
                     bits >> 49 & 7);
  return {};
}

Status MatrixDescriptor::gather(const SharedMemory &shared, size_t rows, bool transposed, uint16_t *to) const {
  if (Status status = checkLayout(); !status.isOk())
    return status;
  size_t lines = transposed ? depth : rows, chunks = (transposed ? rows : depth) / 8;
  for (size_t line = 0; line < lines; ++line)
    for (size_t chunk = 0; chunk < chunks; ++chunk) {
      // Eight lines are an atom. Chunks beyond it are in the next slab, which only rows reach.
      size_t inLine = span() / chunkBytes;
      size_t offset = start() + chunk / inLine * leadingOffset() + line / 8 * strideOffset() + line % 8 * span() +
                      chunk % inLine * chunkBytes;
      offset = swizzle(offset, span());
      if (!shared.holds(offset, chunkBytes))
        return makeError(StatusCode::DeviceError, "expects the matrix of a descriptor within the ", shared.size(),
                         " bytes of shared memory, but got offset ", offset);
      std::memcpy(to + (line * chunks + chunk) * 8, shared.base() + offset, chunkBytes);
    }
  return {};
}

} // namespace sparse_attn::sim
