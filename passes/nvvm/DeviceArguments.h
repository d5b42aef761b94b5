//===- DeviceArguments.h - Kernel arguments on a GPU ------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_NVVM_DEVICEARGUMENTS_H
#define SPARSE_ATTN_PASSES_NVVM_DEVICEARGUMENTS_H

#include "passes/ArgumentLayout.h"
#include "passes/nvvm/DeviceBuilder.h"

namespace mlir::sparse_attn::nvvm {

/// An array in global memory: address, sizes (i32) and strides in elements (i64).
struct DeviceArray {
  Value address;
  SmallVector<Value> sizes, strides;
};

/// Reads the words of an argument block where they are needed. Emits loads; equal ones are folded later.
class DeviceArguments {
public:
  /// `block` is the kernel's parameter, `!llvm.ptr`.
  DeviceArguments(DeviceBuilder &b, KernelParts parts, Value block) : b(b), parts(parts), layout(parts), block(block) {}

  /// An argument of the kernel that is a memref.
  DeviceArray getArray(Value argument);
  /// Size `dimension` of such an argument, i32.
  Value getSize(Value argument, int64_t dimension);
  /// An argument of the kernel that is a number, i32.
  Value getNumber(Value argument);

  /// The lists of a step: their addresses in the order of docs/artifact.md, and the strides (i32).
  enum List { PartialOffsets, PartialIntervals, FullOffsets, FullIntervals, PartialEntries = 6, PartialWords = 7 };
  Value getList(List list) { return pointerAt(layout.lists + list); }
  Value getListBatchStride() { return integerAt(layout.lists + 4); }
  Value getListHeadStride() { return integerAt(layout.lists + 5); }

  /// Work items (i32), and the addresses of their order, of the persistent kernels' counter and of the rows' counts.
  Value getItems() { return integerAt(layout.device); }
  Value getOrder() { return pointerAt(layout.device + 1); }
  Value getCounter() { return pointerAt(layout.device + 2); }
  Value getCounts() { return pointerAt(layout.device + 3); }

  bool hasMasks() const { return layout.hasMasks; }
  /// Words of the whole block.
  static int64_t countWords(KernelParts parts) { return ArgumentLayout(parts).deviceWords; }

private:
  int64_t wordOf(Value argument) { return layout.arrays[cast<BlockArgument>(argument).getArgNumber()]; }
  Value wordAt(int64_t word, Type type) { return b.load(b.offset(block, 8 * word), type); }
  Value integerAt(int64_t word) { return wordAt(word, b.builder.getI32Type()); }
  Value pointerAt(int64_t word);

  DeviceBuilder &b;
  KernelParts parts;
  ArgumentLayout layout;
  Value block;
};

} // namespace mlir::sparse_attn::nvvm

#endif // SPARSE_ATTN_PASSES_NVVM_DEVICEARGUMENTS_H
