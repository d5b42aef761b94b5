//===- SipHash.h - A keyed hash of 128 bits -------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// SipHash-2-4 with 128 bits of output: Aumasson and Bernstein, "SipHash: a fast
// short-input PRF", INDOCRYPT 2012.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SERVING_SIPHASH_H
#define SPARSE_ATTN_LIB_SERVING_SIPHASH_H

#include "sparse_attn/Export.h"

#include <cstddef>
#include <cstdint>

namespace sparse_attn::serving {

/// Two halves of a key or of a hash, the first eight bytes in `low`, little-endian.
struct SipValue {
  uint64_t low = 0;
  uint64_t high = 0;

  bool operator==(const SipValue &other) const { return low == other.low && high == other.high; }
};

SPARSE_ATTN_EXPORT SipValue sipHash(const SipValue &key, const uint8_t *bytes, size_t size);

} // namespace sparse_attn::serving

#endif // SPARSE_ATTN_LIB_SERVING_SIPHASH_H
