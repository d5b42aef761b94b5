//===- RoaringValidator.h - Bytes that are one Roaring bitmap -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// CRoaring's own safe reader looks at sizes alone, and later calls trust what
// it let through: lists out of order or runs past the end then overflow
// buffers. Here every byte is accounted for before anybody acts on it.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_ROARINGVALIDATOR_H
#define SPARSE_ATTN_LIB_MASK_ROARINGVALIDATOR_H

#include "sparse_attn/Export.h"
#include "sparse_attn/Status.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sparse_attn::mask {

/// One container: a row of a slab.
struct RoaringContainer {
  enum class Kind : uint8_t { Array, Bitset, Runs };

  uint16_t row = 0; ///< The format's key.
  Kind kind = Kind::Array;
  uint32_t cardinality = 0;      ///< 1 to 65,536.
  uint32_t runs = 0;             ///< With Runs.
  const uint8_t *data = nullptr; ///< The array, the bitset or the first run; not aligned.
};

/// What a valid bitmap consists of. Its data are the bytes it was read from.
struct RoaringContent {
  std::vector<RoaringContainer> containers; ///< By rising row.
  uint64_t cardinality = 0;
};

/// The rows and keys that a bitmap may have: its values are row << 16 | key with row < rows and key < keys.
struct RoaringBounds {
  uint32_t rows = 65536;
  uint32_t keys = 65536;
};

/// Checks that `bytes` are one bitmap in the portable format (see RoaringFormat.h) within `bounds`: cookie, number of
/// containers, rising rows, exact offsets, rising arrays, runs that rise and do not touch, cardinalities that are those
/// of the content, each form only where the format has it, and no byte behind the last container.
///
/// O(size) time. Allocates at most 6 bytes a byte of `size`, and 1.5 MiB at all. Errors: InvalidArgument, naming the
/// field and the container. Throws std::bad_alloc.
SPARSE_ATTN_EXPORT Result<RoaringContent> validateRoaring(const uint8_t *bytes, size_t size,
                                                          const RoaringBounds &bounds = {});

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_ROARINGVALIDATOR_H
