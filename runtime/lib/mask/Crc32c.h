//===- Crc32c.h - A checksum against accidents ----------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_CRC32C_H
#define SPARSE_ATTN_LIB_MASK_CRC32C_H

#include "sparse_attn/Export.h"

#include <cstddef>
#include <cstdint>

namespace sparse_attn::mask {

/// The CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `size` bytes. Notices every change of up to 32 bits in a row, and
/// others but for one in 2^32; it is no defence against intent. By the processor's instruction where there is one.
SPARSE_ATTN_EXPORT uint32_t crc32c(const uint8_t *bytes, size_t size);

/// The same by a table, on any processor.
SPARSE_ATTN_EXPORT uint32_t portableCrc32c(const uint8_t *bytes, size_t size);

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_CRC32C_H
