//===- CaptureModel.h - Captured arrays and masks for a solver --*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_PROVE_CAPTUREMODEL_H
#define SPARSE_ATTN_PASSES_PROVE_CAPTUREMODEL_H

#include "dialect/SparseAttn.h"
#include "passes/prove/SMTBuilder.h"

namespace mlir::sparse_attn::prove {

/// What is known of arrays and masks that come with a call: nothing but that they are functions. Questions about
/// slices of them (`read_bounds`, `block_coverage`) are related to each element that is asked for: no quantifier. So
/// are searches: of arrays that are searched it is known that they ascend, from 0 or more.
class CaptureModel {
public:
  explicit CaptureModel(SMTBuilder &b) : b(b) {}

  using Lookup = llvm::function_ref<Value(Value)>;
  /// Terms for the results of an op that asks a capture, which `lookup` gives terms of scalar operands for. None for
  /// any other op.
  SmallVector<Value> translate(Operation *op, Lookup lookup);

  /// Relates slices and elements, once all have been translated.
  void relate();

private:
  struct Read {
    unsigned array;
    SmallVector<Value> indices;
    Value element;
  };
  struct Search {
    unsigned array;
    SmallVector<Value> rows;
    Value value, found;
  };
  struct Bounds {
    unsigned array;
    SmallVector<Value> batch;
    Value first, last, min, max, inside;
  };
  struct Active {
    unsigned mask;
    Value key, active;
  };
  struct BlockCoverage {
    unsigned mask;
    Value first, last, any, all;
  };

  Value sizeOf(unsigned array, int64_t dimension);
  Value translateRead(ReadOp op, Lookup lookup);
  Value translateSearch(UpperBoundOp op, Lookup lookup);
  SmallVector<Value> translateBounds(ReadBoundsOp op, Lookup lookup);
  Value translateActive(BlockActiveOp op, Lookup lookup);
  SmallVector<Value> translateCoverage(BlockCoverageOp op, Lookup lookup);
  /// Are two questions about the same row of an array?
  Value isSameRow(ArrayRef<Value> rows, ArrayRef<Value> others);
  Value exists(const Read &read);
  Value isInRow(const Read &read);
  void relate(const Read &read, const Bounds &bounds);
  void relateSorted(unsigned array);
  void relate(const Search &search, const Search &other);
  void relate(const Search &search, const Read &read);
  void relate(const Read &read, const Read &other);
  void relate(const Active &active, const BlockCoverage &coverage);

  SMTBuilder &b;
  SmallVector<Read> reads;
  SmallVector<Search> searches;
  SmallVector<Bounds> slices;
  SmallVector<Active> blocks;
  SmallVector<BlockCoverage> coverages;
};

} // namespace mlir::sparse_attn::prove

#endif // SPARSE_ATTN_PASSES_PROVE_CAPTUREMODEL_H
