//===- Bytes.h - Little-endian numbers in bytes ---------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SERVING_BYTES_H
#define SPARSE_ATTN_LIB_SERVING_BYTES_H

#include <cstdint>
#include <vector>

namespace sparse_attn::serving {

inline uint32_t readWord32(const uint8_t *bytes) {
  return uint32_t(bytes[0]) | uint32_t(bytes[1]) << 8 | uint32_t(bytes[2]) << 16 | uint32_t(bytes[3]) << 24;
}

inline uint64_t readWord64(const uint8_t *bytes) {
  return uint64_t(readWord32(bytes)) | uint64_t(readWord32(bytes + 4)) << 32;
}

inline void writeWord32(uint8_t *bytes, uint32_t word) {
  for (int i = 0; i < 4; ++i)
    bytes[i] = static_cast<uint8_t>(word >> 8 * i);
}

inline void writeWord64(uint8_t *bytes, uint64_t word) {
  writeWord32(bytes, static_cast<uint32_t>(word));
  writeWord32(bytes + 4, static_cast<uint32_t>(word >> 32));
}

inline void appendWord32(std::vector<uint8_t> &bytes, uint32_t word) {
  bytes.resize(bytes.size() + 4);
  writeWord32(bytes.data() + bytes.size() - 4, word);
}

inline void appendWord64(std::vector<uint8_t> &bytes, uint64_t word) {
  bytes.resize(bytes.size() + 8);
  writeWord64(bytes.data() + bytes.size() - 8, word);
}

} // namespace sparse_attn::serving

#endif // SPARSE_ATTN_LIB_SERVING_BYTES_H
