//===- MaskBits.h - The blocks of masks within a tile -----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A mask known only at run time reaches a kernel as one bit for each of its
// blocks in a partial tile, beside the list of those tiles: whatever the sizes
// of blocks and tiles, no other tile is asked for, and nothing is searched.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_MASKBITS_H
#define SPARSE_ATTN_PASSES_MASKBITS_H

#include "dialect/SparseAttn.h"

namespace mlir::sparse_attn {

/// Blocks of one mask that a tile meets: bit `r * columns + c` of its words is block (r, c) of the tile.
struct TileBlocks {
  int64_t rows = 1, columns = 1;
  int64_t getWords() const { return (rows * columns + 31) / 32; }
};

/// A tile that is larger than a block holds whole blocks, and a smaller one lies within a block.
bool areAligned(int64_t tile, int64_t block);
TileBlocks getTileBlocks(BlockMaskType mask, int64_t tileQ, int64_t tileK);

/// Where the words of each captured mask of a kernel lie among those of a partial tile.
class MaskBits {
public:
  explicit MaskBits(KernelOp kernel);

  /// 32-bit words of one partial tile; 0 without masks.
  int64_t getWords() const { return words; }

  /// Emits a test (i1) of the block of captured value `capture` that holds (row, key), both i32. `loadWord` emits the
  /// load of word number `index` (i32) of the tile that holds the pair.
  Value emitTest(OpBuilder &builder, Location loc, unsigned capture, Value row, Value key,
                 function_ref<Value(Value index)> loadWord);

private:
  KernelOp kernel;
  SmallVector<int64_t> offsets; // by capture, in words
  int64_t words = 0;
};

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_PASSES_MASKBITS_H
