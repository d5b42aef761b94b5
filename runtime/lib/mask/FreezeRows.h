//===- FreezeRows.h - From terms and rows to a mask -----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_FREEZEROWS_H
#define SPARSE_ATTN_LIB_MASK_FREEZEROWS_H

#include "mask/MaskStore.h"
#include "mask/RowProducer.h"

#include <memory>
#include <vector>

namespace sparse_attn::mask {

using SharedStore = std::shared_ptr<const MaskStore>;

/// What a new mask is made of: the union of terms, each within the grid, and of rows.
struct MaskContent {
  BlockGrid grid; ///< Valid.
  std::vector<BandTerm> terms;
  RowSource rows;
  bool isDense = false; ///< Whether the rows are expected to take more memory as lists than as bits.
};

/// The store of `content`, kept as `options` ask. Errors: Unsupported for packed bits of more than 4 GiB.
Result<SharedStore> freezeContent(const MaskContent &content, const FreezeOptions &options);

/// The same pairs, kept as `options` ask; shared where that is the case already. Errors: as `freezeContent`.
Result<SharedStore> convert(const SharedStore &store, const FreezeOptions &options);

/// The same pairs as TermsAndRows; shared where that is the case already.
SharedStore asTermsAndRows(const SharedStore &store, int32_t threads);

/// A mask from its parts, as a file holds them: at most `maxTerms` terms within the valid grid, and slabs as
/// `MaskStore` wants them, but that pairs of the slabs may be in the terms, too, runs may be short or touch keys, and
/// slabs may be empty. Makes that good, counts, and keeps the mask as `options` ask. Errors: as `freezeContent`.
Result<BlockMask> maskFromParts(const BlockGrid &grid, std::vector<BandTerm> terms, std::vector<Slab> slabs,
                                const FreezeOptions &options);

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_FREEZEROWS_H
