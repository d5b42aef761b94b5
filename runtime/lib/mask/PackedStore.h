//===- PackedStore.h - Masks as one bit a pair ----------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_PACKEDSTORE_H
#define SPARSE_ATTN_LIB_MASK_PACKEDSTORE_H

#include "mask/MaskStore.h"
#include "mask/RowProducer.h"

#include <memory>

namespace sparse_attn::mask {

/// Memory of the bits of a mask. Fits: 2^26 x 2^26 bits are 2^49 bytes.
uint64_t packedBytes(const BlockGrid &grid);

/// All pairs of `source` and of the terms of `terms`, as packed bits. Errors: Unsupported where they take more than
/// 4 GiB.
Result<std::shared_ptr<const MaskStore>> packRows(const MaskStore &terms, const RowSource &source, int32_t threads);

/// Ranges of all rows of packed bits, as few as there can be.
uint64_t countRanges(const PackedBits &bits);

enum class SetOperation : uint8_t { And, Or, AndNot };

/// Combines two stores of packed bits of one grid.
std::shared_ptr<const MaskStore> combinePacked(const MaskStore &a, const MaskStore &b, SetOperation operation,
                                               int32_t threads);

std::shared_ptr<const MaskStore> transposePacked(const MaskStore &store, int32_t threads);

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_PACKEDSTORE_H
