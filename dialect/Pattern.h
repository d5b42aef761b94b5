//===- Pattern.h - The vocabulary of the pattern interface ------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The methods of PatternOpInterface emit IR about positions. These are the
// values they take and give. All positions are of type `index`; query positions
// are aligned (row + key length - query length).
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_DIALECT_PATTERN_H
#define SPARSE_ATTN_DIALECT_PATTERN_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Value.h"
#include <optional>

namespace mlir::sparse_attn {

class PatternOp;
class PatternOpInterface;

/// Positions and captured numbers stay below 2^30, so that sums of two fit 32 bits.
inline constexpr int64_t kMaxPosition = (int64_t(1) << 30) - 1;

/// Where a question about a pattern is asked: what stands for batch, head, lengths and captures there.
class PatternScope {
public:
  /// `captures` are the values that stand for the captures of `pattern`, in order. Emits clamps of captured numbers
  /// to +-kMaxPosition.
  PatternScope(OpBuilder &builder, Location loc, PatternOp pattern, ValueRange captures, Value batch, Value head,
               Value queryLength, Value keyLength);

  /// The value that stands for a capture, here.
  Value lookup(Value capture) const { return captures.lookup(capture); }

  /// A parameter of a pattern op as a value: its constant or its capture.
  Value parameter(OpBuilder &builder, Value captured, IntegerAttr constant) const;

  Location loc;
  Value batch, head, queryLength, keyLength;
  /// Distances of which positions are asked for are known to be multiples of this.
  int64_t modulo = 1;

private:
  IRMapping captures;
};

/// A number of a pattern: a constant, or a captured value.
struct Parameter {
  StringRef name;
  Value captured;       // index; null for a constant
  IntegerAttr constant; // null for a captured value
  int64_t least;        // no value may be smaller
};

/// What a pattern reads in the place of a captured array: the array, or a table that is made of it with the plan.
/// Tables have the array's rank; docs/artifact.md has their rows.
enum class ArrayForm { Elements, Tree, Bits };

/// "elements", "tree" or "bits".
StringRef getFormName(ArrayForm form);

/// What a pattern relies on in a captured array; checked when the plan is made.
struct ArrayDemand {
  Value array;
  bool perBatch = false; // one element a batch
  bool sorted = false;   // no element is negative, none less than the one before it
  ArrayForm form = ArrayForm::Elements;
};

/// Verifies that each parameter is either a constant or captured, and that constants lie in their range.
LogicalResult verifyParameters(PatternOpInterface pattern);

/// More bands than this take the descent: schedules grow with their number.
inline constexpr unsigned kMaxBands = 8;

/// Keys picked by their own position, whatever the query: those with `(k - phase) mod period < width`. The phase lies
/// in [0, period), the width in [1, period].
struct Columns {
  int64_t period = 1, phase = 0, width = 1;

  bool holdAll() const { return width == period; }
  bool operator==(const Columns &other) const {
    return period == other.period && phase == other.phase && width == other.width;
  }
  /// What tiles of `tileK` keys hold a column, as numbers below the tiles after which that repeats: all of them, none
  /// listed; or a few. None where there are more than kMaxBands, so that a schedule cannot name them.
  struct Tiles {
    int64_t repeat;
    bool all;
    SmallVector<int64_t> some;
  };
  std::optional<Tiles> findTiles(int64_t tileK) const;
};

/// The keys `[lo, hi)` of a query; with a modulus above 1 only those with `k = q (mod modulus)`, and of these only the
/// ones in `columns`. `exact` is false when the band holds all keys that attend, but others too.
struct Band {
  Value lo, hi;
  int64_t modulus = 1;
  bool exact = true;
  Columns columns = {};

  /// May a tile attend wholly by this band alone, as far as `lo` and `hi` go?
  bool holdsAllBetween() const { return exact && modulus == 1 && columns.holdAll(); }
};

/// The first column at or behind `lo`, and the end of the last one before `hi`, of the columns of keys that exist: what
/// is left of the ends of a band. Columns that hold all keys change nothing.
Value buildFirstColumn(OpBuilder &builder, const PatternScope &scope, const Columns &columns, Value lo);
Value buildPastColumn(OpBuilder &builder, const PatternScope &scope, const Columns &columns, Value hi);

/// A rectangle of existing pairs; all four positions are inclusive.
struct Span {
  Value firstQuery, lastQuery, firstKey, lastKey;
};

/// Two i1: may some pair attend, do all attend?
struct Coverage {
  Value any, all;
};

/// Bounds of a number, inclusive (i64); of a condition, `lo` = must hold and `hi` = may hold (i1).
struct Interval {
  Value lo, hi;
};

/// Queries and keys of a block.
struct BlockSizes {
  int64_t q = 0, k = 0;
};

/// What the truth of a pattern varies with, besides positions.
struct Dependence {
  bool batch = false;
  bool head = false;
  Dependence &operator|=(Dependence other) {
    batch |= other.batch;
    head |= other.head;
    return *this;
  }
};

/// The op that computes a value of type `!sparse_attn.pattern`.
PatternOpInterface getPatternOp(Value pattern);

/// The default answers, from the bands; they assume that `buildKeyBands` succeeds with exact bands.
Value buildPredicateFromBands(PatternOpInterface pattern, OpBuilder &builder, const PatternScope &scope, Value q,
                              Value k);
Coverage buildCoverageFromBands(PatternOpInterface pattern, OpBuilder &builder, const PatternScope &scope,
                                const Span &span);

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_DIALECT_PATTERN_H
