//===- ArgumentBlock.h - Kernel arguments from their flat block -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every entry of a kernel gets one block of 8-byte words, the same on every
// device (docs/artifact.md). This reads it back into memrefs and numbers.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_HOST_ARGUMENTBLOCK_H
#define SPARSE_ATTN_PASSES_HOST_ARGUMENTBLOCK_H

#include "passes/KernelParts.h"

namespace mlir::sparse_attn::host {

/// The row lists that a plan made; all pointers are `!llvm.ptr`, strides are `index`.
struct ListArguments {
  Value partialOffsets, partialIntervals, fullOffsets, fullIntervals;
  Value batchStride, headStride;
  /// Of kernels with masks: the number of partial tiles before each row, and the words of the partial tiles.
  Value partialEntries, partialWords;
};

/// Block minima and maxima of one captured array; of a mask, those of the state of its key blocks for some query rows:
/// 0 where no row holds the block, 2 where all do, 1 otherwise.
struct PyramidArguments {
  Value minima, maxima; // !llvm.ptr
  Value entries;        // index: entries at level 0, a power of two
};

/// The arguments of one kernel, as values.
struct KernelArguments {
  /// In the order of KernelOp::getArrays: arrays are memrefs, scalars `index`. A mask stands for itself only.
  SmallVector<Value> arrays;
  ListArguments lists;
  /// By capture; empty where a capture has none.
  SmallVector<PyramidArguments> pyramids;
};

/// Emits loads of the words of `block` (`!llvm.ptr`).
KernelArguments readArguments(OpBuilder &builder, Location loc, Value block, KernelParts parts);

/// The word at `pointer + index * size of type`.
Value loadWord(OpBuilder &builder, Location loc, Value pointer, Value index, Type type);
Value loadWord(OpBuilder &builder, Location loc, Value pointer, int64_t index, Type type);
void storeWord(OpBuilder &builder, Location loc, Value value, Value pointer, Value index);

/// The address of word `index` of type `type` behind `pointer`.
Value getWordAddress(OpBuilder &builder, Location loc, Value pointer, Value index, Type type);

/// i64 or i32 to index.
Value toIndex(OpBuilder &builder, Location loc, Value value);
Value toInteger(OpBuilder &builder, Location loc, Value index, unsigned bits);

/// A memref over caller-owned memory, from its address, sizes and strides (`index` or constants by type).
Value buildMemRef(OpBuilder &builder, Location loc, MemRefType type, Value address, ValueRange sizes,
                  ValueRange strides);

/// What `rows` says of an array that `buildMemRef` or this has made; `count` is null where there are all.
Value buildRows(OpBuilder &builder, Location loc, Value array, Value first, Value count, int64_t step);

} // namespace mlir::sparse_attn::host

#endif // SPARSE_ATTN_PASSES_HOST_ARGUMENTBLOCK_H
