//===- BitTableModel.cpp - Tables of bits for a solver --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A row of a table is pairs of words: the bits of 32 numbers, and how many
// numbers there are before them. Patterns ask it with shifts and a population
// count, which are recognised here. What a table is made of, and that it is made
// right, is the runtime's.
//
//===----------------------------------------------------------------------===//

#include "passes/prove/BitTableModel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::prove;

/// The operand that is not the constant `constant` of a binary op; null for any other value.
template <typename OpT> static Value matchWithConstant(Value value, int64_t constant) {
  auto op = value.getDefiningOp<OpT>();
  APInt found;
  bool matches = op && matchPattern(op->getOperand(1), m_ConstantInt(&found)) && found.getSExtValue() == constant;
  return matches ? op->getOperand(0) : Value();
}

/// The number n of `2 * (n >> 5)`, where its pair of words begins.
static Value matchPair(Value index) {
  Value word = matchWithConstant<arith::MulIOp>(index, 2);
  return word ? matchWithConstant<arith::ShRSIOp>(word, 5) : Value();
}

/// The number n of `n & 31`, its place in the word.
static Value matchPlace(Value place) {
  auto cast = place.getDefiningOp<arith::IndexCastOp>();
  return cast ? matchWithConstant<arith::AndIOp>(cast.getIn(), 31) : Value();
}

/// A read of a captured array, with its last index.
static std::pair<ReadOp, Value> matchRead(Value value) {
  auto read = value.getDefiningOp<ReadOp>();
  if (!read || !isa<BlockArgument>(read.getArray()))
    return {};
  return {read, read.getIndices().back()};
}

/// The word of `(word >> place) & 1 != 0`, and the number that is asked for.
static std::pair<ReadOp, Value> matchBit(Operation *op) {
  auto compare = dyn_cast<arith::CmpIOp>(op);
  if (!compare || compare.getPredicate() != arith::CmpIPredicate::ne || !matchPattern(compare.getRhs(), m_Zero()))
    return {};
  Value lowest = matchWithConstant<arith::AndIOp>(compare.getLhs(), 1);
  auto shift = lowest ? lowest.getDefiningOp<arith::ShRUIOp>() : arith::ShRUIOp();
  if (!shift)
    return {};
  auto [word, pair] = matchRead(shift.getLhs());
  Value number = matchPlace(shift.getRhs());
  if (!word || !number || matchPair(pair) != number)
    return {};
  return {word, number};
}

/// The number n of `(1 << (n & 31)) - 1`, which has the bits below its own.
static Value matchBelow(Value mask) {
  Value bit = matchWithConstant<arith::SubIOp>(mask, 1);
  auto shift = bit ? bit.getDefiningOp<arith::ShLIOp>() : arith::ShLIOp();
  return shift && matchPattern(shift.getLhs(), m_One()) ? matchPlace(shift.getRhs()) : Value();
}

/// The first word of `before + popcount(word & below)`, and the number that is asked for.
static std::pair<ReadOp, Value> matchCount(Operation *op) {
  auto sum = dyn_cast<arith::AddIOp>(op);
  auto count = sum ? sum.getRhs().getDefiningOp<math::CtPopOp>() : math::CtPopOp();
  auto below = count ? count.getOperand().getDefiningOp<arith::AndIOp>() : arith::AndIOp();
  if (!below)
    return {};
  auto [word, pair] = matchRead(below.getLhs());
  auto [before, second] = matchRead(sum.getLhs());
  Value number = matchBelow(below.getRhs());
  if (!word || !before || !number || matchPair(pair) != number || before.getArray() != word.getArray() ||
      matchWithConstant<arith::AddIOp>(second, 1) != pair ||
      !llvm::equal(before.getIndices().drop_back(), word.getIndices().drop_back()))
    return {};
  return {word, number};
}

BitTableModel::Count BitTableModel::countBelow(unsigned table, ArrayRef<Value> rows, Value number) {
  std::string name = "table" + std::to_string(table) + "_count_below";
  SmallVector<Value> arguments(rows);
  arguments.push_back(number);
  Value below = b.apply(name, name, arguments, b.integerType()), zero = b.integer(0);
  b.require(b.implies(b.lessEqual(zero, number), b.both(b.lessEqual(zero, below), b.lessEqual(below, number))));
  Count count{table, SmallVector<Value>(rows), number, below};
  counts.push_back(count);
  return count;
}

Value BitTableModel::translate(Operation *op, Lookup lookup) {
  auto [counted, end] = matchCount(op);
  auto [word, asked] = matchBit(op);
  ReadOp read = counted ? counted : word;
  if (!read)
    return {};
  unsigned table = cast<BlockArgument>(read.getArray()).getArgNumber();
  SmallVector<Value> rows = llvm::map_to_vector(read.getIndices().drop_back(), lookup);
  Count count = countBelow(table, rows, lookup(counted ? end : asked));
  if (counted)
    return count.below;
  std::string name = "table" + std::to_string(table) + "_holds";
  SmallVector<Value> arguments = rows;
  arguments.push_back(count.number);
  bits.push_back({count, b.apply(name, name, arguments, b.boolType())});
  return bits.back().isSet;
}

/// Of the numbers from one to another, none or all may be in the set.
void BitTableModel::relate(const Count &count, const Count &other) {
  Value ordered = b.both(b.lessEqual(b.integer(0), count.number), b.lessEqual(count.number, other.number));
  for (auto [row, otherRow] : llvm::zip(count.rows, other.rows))
    ordered = b.both(ordered, b.equal(row, otherRow));
  Value between = b.sub(other.below, count.below), numbers = b.sub(other.number, count.number);
  b.require(b.implies(ordered, b.both(b.lessEqual(b.integer(0), between), b.lessEqual(between, numbers))));
}

void BitTableModel::relate() {
  for (const Bit &bit : bits) {
    Count next = countBelow(bit.count.table, bit.count.rows, b.add(bit.count.number, b.integer(1)));
    Value own = b.select(bit.isSet, b.integer(1), b.integer(0));
    b.require(b.implies(b.lessEqual(b.integer(0), bit.count.number), b.equal(next.below, b.add(bit.count.below, own))));
  }
  for (const Count &count : counts)
    for (const Count &other : counts)
      if (&count != &other && count.table == other.table)
        relate(count, other);
}
