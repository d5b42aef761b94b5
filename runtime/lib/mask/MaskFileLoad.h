//===- MaskFileLoad.h - From the bytes of a file to masks -----*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In two steps, since the header tells how much more there is to read.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_MASKFILELOAD_H
#define SPARSE_ATTN_LIB_MASK_MASKFILELOAD_H

#include "mask/MaskFileFormat.h"
#include "sparse_attn/MaskFile.h"

namespace sparse_attn::mask {

/// The header that `bytes` begin with, checked for all that can be told from it alone. Errors: as of `loadMask`.
Result<MaskFileHeader> readMaskHeader(const uint8_t *bytes, size_t size, const MaskLoadOptions &options);

/// The mask of a checked header, whose payload has `header.payloadBytes` bytes. Errors: as of `loadMask`.
Result<BlockMask> readMaskPayload(const MaskFileHeader &header, const uint8_t *payload, const MaskLoadOptions &options);

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_MASKFILELOAD_H
