//===- BlockLists.h - The visited blocks, one by one ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels of weights and of column sums get a list of the blocks that each item
// is about: those of a row of blocks, or those of a column.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_BLOCKLISTS_H
#define SPARSE_ATTN_LIB_BLOCKLISTS_H

#include "ItemOrder.h"
#include "sparse_attn/Status.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace sparse_attn {

/// The key tiles that an item visits, ascending in each list; `firstWords` is the place of the words of its first
/// partial tile among those of all, or 0 without masks.
struct VisitedRow {
  std::vector<uint32_t> partial, full;
  int64_t firstWords = 0;
};
/// Sets the row of an item.
using RowVisitor = std::function<Status(int64_t item, VisitedRow &row)>;

/// The blocks of the items of a kernel over them; docs/artifact.md has the layout.
struct BlockLists {
  std::vector<int64_t> offsets;  ///< Item i has the blocks [offsets[i], offsets[i + 1]).
  std::vector<uint32_t> entries; ///< Two words a block: 2 * tile + (is it partial?), the place of its words.

  int64_t blocks() const { return offsets.empty() ? 0 : offsets.back(); }
  size_t bytes() const { return offsets.size() * sizeof(int64_t) + entries.size() * sizeof(uint32_t); }
};

/// The blocks of each query tile of `grid`, by key tile. Errors: those of `visit`. Throws std::bad_alloc.
SPARSE_ATTN_EXPORT Result<BlockLists> listBlocks(const RowGrid &grid, const RowVisitor &visit);

/// The same blocks, for each key tile of each batch and head by query tile. Throws std::bad_alloc.
SPARSE_ATTN_EXPORT BlockLists transposeBlocks(const BlockLists &rows, const RowGrid &grid, int64_t keyTiles);

/// The order of items by how many blocks they have.
SPARSE_ATTN_EXPORT ItemOrder orderByBlocks(const BlockLists &lists, const RowGrid &grid);

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_BLOCKLISTS_H
