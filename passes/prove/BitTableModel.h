//===- BitTableModel.h - Tables of bits for a solver ------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_PROVE_BITTABLEMODEL_H
#define SPARSE_ATTN_PASSES_PROVE_BITTABLEMODEL_H

#include "dialect/SparseAttn.h"
#include "passes/prove/SMTBuilder.h"

namespace mlir::sparse_attn::prove {

/// What is known of a captured array that is read as a table of bits (ArrayForm::Bits): that it is the table of some
/// set. A bit is whether a number is in the set; a count and the bits below one, how many smaller numbers are. These
/// are related at the numbers that are asked for: no quantifier, and no bits.
class BitTableModel {
public:
  explicit BitTableModel(SMTBuilder &b) : b(b) {}

  using Lookup = llvm::function_ref<Value(Value)>;
  /// The term for the result of an op that ends such a question. Null for any other op.
  Value translate(Operation *op, Lookup lookup);

  /// Relates counts and bits, once all have been translated.
  void relate();

private:
  /// A number, and how many smaller ones are in the set of a row of a table.
  struct Count {
    unsigned table;
    SmallVector<Value> rows;
    Value number, below;
  };
  /// Is the number in the set?
  struct Bit {
    Count count;
    Value isSet;
  };
  Count countBelow(unsigned table, ArrayRef<Value> rows, Value number);
  void relate(const Count &count, const Count &other);

  SMTBuilder &b;
  SmallVector<Count> counts;
  SmallVector<Bit> bits;
};

} // namespace mlir::sparse_attn::prove

#endif // SPARSE_ATTN_PASSES_PROVE_BITTABLEMODEL_H
