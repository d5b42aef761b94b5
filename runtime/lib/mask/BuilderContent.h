//===- BuilderContent.h - What a builder has collected --------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_BUILDERCONTENT_H
#define SPARSE_ATTN_LIB_MASK_BUILDERCONTENT_H

#include "mask/MaskKernels.h"
#include "mask/RowLog.h"
#include "sparse_attn/BlockMaskBuilder.h"

#include <string>
#include <vector>

namespace sparse_attn {

/// What was added so far.
class BlockMaskBuilder::Content {
public:
  explicit Content(const BlockGrid &grid) : grid(grid), gridStatus(grid.check()) {}

  BlockGrid grid;
  Status gridStatus;
  std::vector<BandTerm> terms;
  mask::RowLog rows;
};

} // namespace sparse_attn

namespace sparse_attn::mask {

inline Status badArgument(const std::string &message) { return Status(StatusCode::InvalidArgument, message); }

/// The failure of an addition that names a key block which the grid lacks.
template <typename Index> Status badKey(const BlockGrid &grid, uint64_t q, Index k) {
  return makeError(StatusCode::InvalidArgument, "expects key blocks below ", grid.keyBlocks, " in row ", q,
                   ", but got ", k);
}

/// How a list of key blocks is noted.
inline RowEntry::Kind kindOf(const uint32_t *keys, size_t count) {
  return kernels().ascends(keys, count) ? RowEntry::Kind::Ascending : RowEntry::Kind::Unsorted;
}

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_BUILDERCONTENT_H
