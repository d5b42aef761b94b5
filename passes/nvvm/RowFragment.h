//===- RowFragment.h - Scores and outputs in registers ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The accumulators of mma.sync and of wgmma lie in the registers of a warp in
// one way (PTX ISA, "Matrix fragments for mma.m16n8k16"): of 16 rows, lane l
// holds rows l / 4 and l / 4 + 8, and of every 8 columns those with the numbers
// 2 (l % 4) and 2 (l % 4) + 1. Register i is row 8 ((i / 2) % 2), column
// 8 (i / 4) + i % 2 behind the lane's first. What is done to scores, weights
// and outputs is written once, here, for both families of GPUs.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_NVVM_ROWFRAGMENT_H
#define SPARSE_ATTN_PASSES_NVVM_ROWFRAGMENT_H

#include "passes/nvvm/DeviceBuilder.h"
#include "llvm/Support/MathExtras.h"
#include <array>

namespace mlir::sparse_attn::nvvm {

/// One value for each of the two rows of a lane.
using RowPair = std::array<Value, 2>;

/// Which of its two rows a register belongs to, and its column behind the lane's first.
inline int64_t getFragmentRow(int64_t index) { return (index / 2) % 2; }
inline int64_t getFragmentColumn(int64_t index) { return 8 * (index / 4) + index % 2; }

/// The state of the online softmax: the row maxima, equal in the four lanes of a row, and each lane's part of the sums.
struct SoftmaxState {
  RowPair rowMax, rowSum;
};

class RowFragment {
public:
  /// Scores are products times `scale`, which the softmax multiplies by where nobody asks for the scores themselves.
  RowFragment(DeviceBuilder &b, double scale, bool asksForScores);

  /// Makes new scores of products: `modify` gets the score, the row of the pair and the column. Before any mask.
  void modify(MutableArrayRef<Value> products, function_ref<Value(Value score, int64_t row, int64_t column)> modify);

  /// -infinity where `attends` (row of the pair, column) is false (i1). Before any softmax.
  void mask(MutableArrayRef<Value> scores, function_ref<Value(int64_t row, int64_t column)> attends);

  /// The same with a loop over the scores, whose code is emitted once for each 32 of them: `attends` gets whether the
  /// pair is in the second row (i1), and its column (i32). Slower, but does not grow with the tile.
  void maskInLoop(MutableArrayRef<Value> scores, function_ref<Value(Value isSecondRow, Value column)> attends);

  SoftmaxState initState();

  /// The row maximum that, with a row sum of 1, has this log-sum-exp; -infinity of -infinity.
  Value getMax(Value lse) { return b.mulFloat(lse, b.number(static_cast<float>(llvm::numbers::log2e) / exponent)); }

  /// Makes weights of scores, in place; updates the state; returns the correction of what was summed before.
  RowPair softmax(MutableArrayRef<Value> scores, SoftmaxState &state);

  /// Multiplies by a factor a row.
  void scaleRows(MutableArrayRef<Value> values, const RowPair &factors);

  /// Pairs of neighbours, rounded: the words of an operand A of 16 x 16 for each 16 columns, 4 words each.
  SmallVector<Value> pack(ArrayRef<Value> values, Type elementType);

  /// What the accumulator has to be multiplied with, and the log-sum-exp. 0 and -infinity for an empty row.
  std::pair<RowPair, RowPair> finish(const SoftmaxState &state);
  /// The greatest score of each row, as the score region or the scale leaves it.
  RowPair maxima(const SoftmaxState &state);

private:
  Value reduceRow(Value value, function_ref<Value(Value, Value)> combine);
  /// The values of one row, combined in four independent chains.
  Value combineRow(ArrayRef<Value> values, int64_t row, function_ref<Value(Value, Value)> combine);

  DeviceBuilder &b;
  /// What products are multiplied by where scores are asked for, and scores in the exponent of 2.
  float scale, exponent;
};

} // namespace mlir::sparse_attn::nvvm

#endif // SPARSE_ATTN_PASSES_NVVM_ROWFRAGMENT_H
