//===- KeyTileCursor.h - The visited key tiles, one by one ------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A GPU kernel visits its key tiles in one loop, the partial ones first, and
// wants to know the next one early to fetch it. A cursor is the place in that
// sequence, as a few integers that the loop carries.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_NVVM_KEYTILECURSOR_H
#define SPARSE_ATTN_PASSES_NVVM_KEYTILECURSOR_H

#include "passes/ScheduleExpansion.h"
#include "passes/nvvm/DeviceArguments.h"

namespace mlir::sparse_attn::nvvm {

class KeyTileCursor {
public:
  /// All i32.
  using State = SmallVector<Value>;

  virtual ~KeyTileCursor();

  /// Number of tiles (i32).
  virtual Value getCount() = 0;
  /// Before the first tile is asked for, by all threads; a barrier of the threads that ask must follow.
  virtual void emitSetup(Value isWriter) {}
  /// The place of the first tile. Any state where there is none.
  virtual State emitFirst() = 0;
  /// The place after `state`. Any state behind the last.
  virtual State emitNext(const State &state) = 0;
  virtual Value getTile(const State &state) = 0;
  /// Does the tile need its mask (i1)?
  virtual Value isPartial(const State &state) = 0;
};

/// Over the ranges of a schedule in closed form, which it keeps in a table in shared memory.
class RangeCursor final : public KeyTileCursor {
public:
  /// `table` has `getTableBytes` bytes of shared memory.
  RangeCursor(DeviceBuilder &b, const VisitRanges &ranges, Value table);
  static int64_t getTableBytes(RangesOp ranges);

  Value getCount() override;
  void emitSetup(Value isWriter) override;
  State emitFirst() override;
  State emitNext(const State &state) override;
  Value getTile(const State &state) override { return state[1]; }
  Value isPartial(const State &state) override;

private:
  /// Columns of the table, which has one row a range: the touched ones, then the full ones.
  enum Column { First, Past, Step, Columns };

  Value load(Value row, Column column);
  Value skipFull(Value tile);
  /// The first place at or behind a tile of a range that the sequence has.
  State settle(Value row, Value tile);

  DeviceBuilder &b;
  VisitRanges ranges;
  Value table;
  int64_t touched, full;
};

/// Over the intervals that `prepare` has listed for a row.
class ListCursor final : public KeyTileCursor {
public:
  /// `row` is i32.
  ListCursor(DeviceBuilder &b, DeviceArguments &arguments, Value row);

  Value getCount() override;
  State emitFirst() override;
  State emitNext(const State &state) override;
  Value getTile(const State &state) override { return state[1]; }
  Value isPartial(const State &state) override { return b.less(state[0], partialIntervals); }

private:
  /// The intervals of a list that belong to the row: the address of the first, and their number.
  std::pair<Value, Value> getIntervals(DeviceArguments::List offsets, DeviceArguments::List intervals);
  /// The state at the start of interval number `interval` of both lists.
  State enter(Value interval);

  DeviceBuilder &b;
  DeviceArguments &arguments;
  Value row;
  Value partialBase, partialIntervals, fullBase, intervals;
};

} // namespace mlir::sparse_attn::nvvm

#endif // SPARSE_ATTN_PASSES_NVVM_KEYTILECURSOR_H
