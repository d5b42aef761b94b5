//===- KernelEmitter.h - What all GPU kernels have in common ----*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_NVVM_KERNELEMITTER_H
#define SPARSE_ATTN_PASSES_NVVM_KERNELEMITTER_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/IRMapping.h"
#include "passes/MaskBits.h"
#include "passes/PredicateEmitter.h"
#include "passes/nvvm/DeviceArguments.h"
#include "passes/nvvm/KeyTileCursor.h"
#include "passes/nvvm/RowFragment.h"
#include "passes/nvvm/Target.h"

namespace mlir::sparse_attn::nvvm {

/// Discardable attribute of a kernel: a dictionary of what a launch needs to know, as in the manifest's `device`.
inline constexpr StringLiteral kLaunchAttr = "sparse_attn_nvvm.launch";

/// Bytes of a tensor map, CUtensorMap; maps are aligned to 64.
inline constexpr int64_t kTensorMapBytes = 128;

/// The coordinates of a work item, i32.
struct DeviceItem {
  Value batch, head, tile;
};

/// A box of an array that a kernel loads or stores through a tensor map.
struct MapRequest {
  StringRef array; // query, key, value or output
  int64_t rows, columns;
  StringRef classes = ""; // long or short, in kernels over residue classes
};

/// What a block takes of a multiprocessor.
struct BlockNeeds {
  int64_t threads, sharedBytes;
  int64_t perMultiprocessor; // blocks that one has at a time
};

/// A kernel's function, its arguments, and the parts of a tile program that are the same on every GPU: the item, the
/// schedule, and the mask. A family derives from it, and adds how tiles get into registers and are multiplied.
class KernelEmitter : public PredicateAccess {
public:
  KernelEmitter(OpBuilder &builder, KernelParts parts, const Target &target);

  // PredicateAccess
  Value getSize(Value array, int64_t dimension) override;
  Value read(Value array, ArrayRef<Value> indices, int64_t lanes) override;
  Value testBlock(BlockActiveOp active, Value row, Value key) override;

protected:
  /// Creates the function, in the module that the builder is at, and continues in its body.
  void createFunction(const BlockNeeds &block, bool persistent, ArrayRef<MapRequest> maps);
  void finishFunction();

  /// The number of the item at a position (i32) of the order, and the item of a number.
  Value getItemNumber(Value position);
  DeviceItem splitItem(Value number);
  /// Emits the scalar part of the tile program for an item: lengths, the head of the keys, captured numbers.
  void emitScalars(const DeviceItem &item);
  /// The cursor of the item whose scalars were emitted last. `table` is shared memory for getTableBytes().
  std::unique_ptr<KeyTileCursor> createCursor(Value table);
  int64_t getTableBytes();

  /// An array that tiles are loaded from or stored to: an argument, or some of its rows.
  DeviceArray getArray(Value array);
  /// Rows first, first + step, ... of an argument of `length` rows; i32.
  struct ClassRows {
    DeviceArray rows;
    Value first, length;
  };
  /// Those of such an array; null where it is an argument.
  const ClassRows *findClassRows(Value array);
  /// The address of the first row of a head, and the bytes between rows (i64).
  struct HeadRows {
    Value address, stride;
  };
  HeadRows getHeadRows(Value array, Value head);
  /// The head (i32) that the tile program loads keys from.
  Value getKeyHead();

  /// Makes scores of products as the score region says, if there is one; rows and tiles as in maskScores.
  void modifyScores(RowFragment &fragment, MutableArrayRef<Value> products, Value queryRow, Value keyTile,
                    Value laneColumn);

  /// Masks scores of a partial tile. `queryRow` is the row (i32, not aligned) of the lane's first row, `keyTile` the
  /// tile, `laneColumn` the lane's first column. `rank` numbers the visited tiles of the item.
  void maskScores(RowFragment &fragment, MutableArrayRef<Value> scores, Value queryRow, Value keyTile, Value laneColumn,
                  Value rank);

  /// The same where `isPartial`: the branch encloses the mask alone.
  void maskIfPartial(RowFragment &fragment, SmallVector<Value> &scores, Value isPartial, Value queryRow, Value keyTile,
                     Value laneColumn, Value rank);

  /// The state before the first key tile, and the lane's part of the accumulator: of nothing, or of a partial result.
  SoftmaxState startSoftmax(RowFragment &fragment, MutableArrayRef<Value> accumulator, Value laneRow, Value lane);

  /// Stores the lane's part of existing rows of the output, packed; `laneRow` is the first of its rows (i32).
  void storeOutput(ArrayRef<Value> words, Value laneRow, Value lane);
  /// Stores the log-sum-exp of the lane's rows, if the kernel has one.
  void storeLogSumExp(const RowPair &lse, Value laneRow, Value lane);

  /// The value that stands for one of the tile program, as an i32.
  Value integerOf(Value original) { return b.toInteger(map.lookupOrDefault(original)); }

  OpBuilder &builder;
  Location loc;
  DeviceBuilder b;
  KernelParts parts;
  KernelOp kernel;
  const Target &target;
  int64_t tileQ, tileK, headSize;
  Type elementType;
  LLVM::LLVMFuncOp function;
  std::optional<DeviceArguments> arguments;
  DeviceItem item;
  Value arrayBatch; // i32; not the item's where it has a sequence of the arrays
  /// Of the arrays that tiles are loaded from, i32; and the tile of queries in theirs.
  Value queryLength, keyLength, queryTile;
  Value queries, keys, values, partialOutput, partialLse, output, lse; // those arrays, in the tile program

private:
  void findArrays();
  /// The number of queries of the longest batch, i32.
  Value getLongest();
  void emitRows(RowsOp rows);
  Value getRowSum(Value array, Value position);
  LoadOp getKeyLoad();
  MaskOp getMask();
  VisitRanges getRanges();
  /// The row of the lists that the item reads.
  Value getListRow();

  IRMapping map;
  DenseMap<Value, ClassRows> rowsOfArrays;
  MaskBits maskBits;
  Value tileWords; // address of the masks' words of the partial tile at hand
};

} // namespace mlir::sparse_attn::nvvm

#endif // SPARSE_ATTN_PASSES_NVVM_KERNELEMITTER_H
