//===- MaskFileFormat.h - The parts of a mask file ------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/mask-format.md describes the format; the structures here are its tables
// in memory.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_MASKFILEFORMAT_H
#define SPARSE_ATTN_LIB_MASK_MASKFILEFORMAT_H

#include "mask/Crc32c.h"
#include "sparse_attn/BlockMask.h"

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace sparse_attn::mask {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files have numbers as they lie in memory");

/// The start of a file. The payload follows: terms, slab records, then the Roaring bitmap of each slab.
struct MaskFileHeader {
  static constexpr char expectedMagic[9] = "SPRSMASK";
  static constexpr uint32_t currentVersion = 1;

  char magic[8];
  uint32_t version;
  uint32_t queryBlocks, keyBlocks, queryBlockSize, keyBlockSize;
  uint32_t termCount;
  uint64_t pairs; ///< In the mask.
  uint64_t payloadBytes;
  uint32_t slabCount;
  uint32_t reserved; ///< 0.
  uint32_t payloadChecksum;
  uint32_t headerChecksum; ///< Of all before.

  uint32_t computeChecksum() const {
    return crc32c(reinterpret_cast<const uint8_t *>(this), offsetof(MaskFileHeader, headerChecksum));
  }
};
static_assert(sizeof(MaskFileHeader) == 64 && offsetof(MaskFileHeader, pairs) == 32 &&
              offsetof(MaskFileHeader, slabCount) == 48 && std::is_trivially_copyable_v<MaskFileHeader>);

/// A term is in a file what it is in memory.
static_assert(sizeof(BandTerm) == 40 && offsetof(BandTerm, lowest) == 16 && offsetof(BandTerm, step) == 32 &&
              std::is_trivially_copyable_v<BandTerm>);

/// Where the bitmap of a slab is.
struct SlabRecord {
  uint32_t queryFirst, keyFirst; ///< Multiples of 65,536.
  uint64_t offset;               ///< From the start of the file.
  uint64_t bytes;
};
static_assert(sizeof(SlabRecord) == 24 && std::is_trivially_copyable_v<SlabRecord>);

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_MASKFILEFORMAT_H
