//===- CaptureModel.cpp - Captured arrays and masks for a solver ----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/prove/CaptureModel.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::prove;

/// Captures are arguments of the claim; their numbers name them.
static unsigned numberOf(Value capture) { return cast<BlockArgument>(capture).getArgNumber(); }

SmallVector<Value> CaptureModel::translate(Operation *op, Lookup lookup) {
  using Results = SmallVector<Value>;
  if (op->getNumOperands() == 0 || !isa<BlockArgument>(op->getOperand(0)))
    return {};
  return llvm::TypeSwitch<Operation *, Results>(op)
      .Case([&](memref::DimOp size) {
        std::optional<int64_t> dimension = size.getConstantIndex();
        return dimension ? Results{sizeOf(numberOf(size.getSource()), *dimension)} : Results();
      })
      .Case([&](ReadOp read) { return Results{translateRead(read, lookup)}; })
      .Case([&](UpperBoundOp search) { return Results{translateSearch(search, lookup)}; })
      .Case([&](ReadBoundsOp bounds) { return translateBounds(bounds, lookup); })
      .Case([&](BlockActiveOp active) { return Results{translateActive(active, lookup)}; })
      .Case([&](BlockCoverageOp coverage) { return translateCoverage(coverage, lookup); })
      .Default([](Operation *) { return Results(); });
}

Value CaptureModel::sizeOf(unsigned array, int64_t dimension) {
  std::string name = "array" + std::to_string(array) + "_size" + std::to_string(dimension);
  Value size = b.apply(name, name, {}, b.integerType());
  b.require(b.lessEqual(b.integer(0), size));
  return size;
}

Value CaptureModel::translateRead(ReadOp op, Lookup lookup) {
  unsigned array = numberOf(op.getArray());
  std::string name = "array" + std::to_string(array);
  SmallVector<Value> indices = llvm::map_to_vector(op.getIndices(), lookup);
  Value element = b.apply(name, name, indices, b.integerType());
  b.require(b.inRange(element, b.integer(llvm::minIntN(32)), b.integer(llvm::maxIntN(32) + 1)));
  reads.push_back({array, indices, element});
  return element;
}

Value CaptureModel::translateSearch(UpperBoundOp op, Lookup lookup) {
  unsigned array = numberOf(op.getArray());
  std::string name = "array" + std::to_string(array) + "_upper_bound";
  SmallVector<Value> rows = llvm::map_to_vector(op.getRows(), lookup), arguments = rows;
  Value value = lookup(op.getValue());
  arguments.push_back(value);
  Value found = b.apply(name, name, arguments, b.integerType());
  b.require(b.both(b.lessEqual(b.integer(0), found), b.lessEqual(found, sizeOf(array, rows.size()))));
  searches.push_back({array, rows, value, found});
  return found;
}

SmallVector<Value> CaptureModel::translateBounds(ReadBoundsOp op, Lookup lookup) {
  Value min = b.unknown(b.integerType(), "min"), max = b.unknown(b.integerType(), "max");
  Value inside = b.unknown(b.boolType(), "inside");
  slices.push_back({numberOf(op.getArray()), llvm::map_to_vector(op.getBatch(), lookup), lookup(op.getFirst()),
                    lookup(op.getLast()), min, max, inside});
  return {min, max, inside};
}

Value CaptureModel::translateActive(BlockActiveOp op, Lookup lookup) {
  unsigned mask = numberOf(op.getMask());
  std::string name = "mask" + std::to_string(mask);
  auto type = cast<BlockMaskType>(op.getMask().getType());
  Value row = lookup(op.getRow()), key = lookup(op.getKey()), always = b.boolean(true);
  Value block[] = {b.divide(row, b.integer(type.getQueryBlock()), always).first,
                   b.divide(key, b.integer(type.getKeyBlock()), always).first};
  Value active = b.apply(name, name, block, b.boolType());
  blocks.push_back({mask, key, active});
  return active;
}

SmallVector<Value> CaptureModel::translateCoverage(BlockCoverageOp op, Lookup lookup) {
  Value any = b.unknown(b.boolType(), "any"), all = b.unknown(b.boolType(), "all");
  coverages.push_back({numberOf(op.getMask()), lookup(op.getFirst()), lookup(op.getLast()), any, all});
  return {any, all};
}

Value CaptureModel::exists(const Read &read) {
  Value exists = b.boolean(true);
  for (auto [dimension, index] : llvm::enumerate(read.indices))
    exists = b.both(exists, b.inRange(index, b.integer(0), sizeOf(read.array, dimension)));
  return exists;
}

/// Rows are those of batches and heads that exist, and have been checked to.
Value CaptureModel::isInRow(const Read &read) {
  return b.inRange(read.indices.back(), b.integer(0), sizeOf(read.array, read.indices.size() - 1));
}

/// An element of the slice lies between its bounds, if it exists; and it exists where the whole slice does.
void CaptureModel::relate(const Read &read, const Bounds &bounds) {
  Value asked = b.both(b.lessEqual(bounds.first, read.indices.back()), b.lessEqual(read.indices.back(), bounds.last));
  for (auto [index, batch] : llvm::zip(read.indices, bounds.batch))
    asked = b.both(asked, b.equal(index, batch));
  Value between = b.both(b.lessEqual(bounds.min, read.element), b.lessEqual(read.element, bounds.max));
  b.require(b.implies(b.both(asked, isInRow(read)), between));
  b.require(b.implies(b.both(asked, bounds.inside), exists(read)));
}

//===----------------------------------------------------------------------===//
// Ascending arrays
//===----------------------------------------------------------------------===//

Value CaptureModel::isSameRow(ArrayRef<Value> rows, ArrayRef<Value> others) {
  Value same = b.boolean(true);
  for (auto [row, other] : llvm::zip(rows, others))
    same = b.both(same, b.equal(row, other));
  return same;
}

/// Of more numbers, no fewer elements are at most that.
void CaptureModel::relate(const Search &search, const Search &other) {
  Value ordered = b.both(isSameRow(search.rows, other.rows), b.lessEqual(search.value, other.value));
  b.require(b.implies(ordered, b.lessEqual(search.found, other.found)));
}

/// The elements before the place that is found are at most the number, the others are greater.
void CaptureModel::relate(const Search &search, const Read &read) {
  Value asked = b.both(isSameRow(search.rows, ArrayRef(read.indices).drop_back()), isInRow(read));
  Value isBefore = b.less(read.indices.back(), search.found), isAtMost = b.lessEqual(read.element, search.value);
  b.require(b.implies(asked, b.equal(isBefore, isAtMost)));
}

void CaptureModel::relate(const Read &read, const Read &other) {
  Value sameRow = isSameRow(ArrayRef(read.indices).drop_back(), ArrayRef(other.indices).drop_back());
  Value ordered = b.both(sameRow, b.lessEqual(read.indices.back(), other.indices.back()));
  Value exist = b.both(isInRow(read), isInRow(other));
  b.require(b.implies(b.both(ordered, exist), b.lessEqual(read.element, other.element)));
}

void CaptureModel::relateSorted(unsigned array) {
  auto isOfArray = [&](const auto &question) { return question.array == array; };
  for (const Search &search : llvm::make_filter_range(searches, isOfArray)) {
    for (const Search &other : llvm::make_filter_range(searches, isOfArray))
      relate(search, other);
    for (const Read &read : llvm::make_filter_range(reads, isOfArray))
      relate(search, read);
  }
  for (const Read &read : llvm::make_filter_range(reads, isOfArray)) {
    b.require(b.implies(isInRow(read), b.lessEqual(b.integer(0), read.element)));
    for (const Read &other : llvm::make_filter_range(reads, isOfArray))
      relate(read, other);
  }
}

/// A claim asks about queries of the rectangle alone, so only keys decide whether a block is among those asked for.
void CaptureModel::relate(const Active &active, const BlockCoverage &coverage) {
  Value asked = b.both(b.lessEqual(coverage.first, active.key), b.lessEqual(active.key, coverage.last));
  b.require(b.implies(b.both(asked, active.active), coverage.any));
  b.require(b.implies(b.both(asked, coverage.all), active.active));
}

void CaptureModel::relate() {
  llvm::SmallSetVector<unsigned, 2> searched;
  for (const Search &search : searches)
    searched.insert(search.array);
  llvm::for_each(searched, [&](unsigned array) { relateSorted(array); });
  for (const Read &read : reads)
    for (const Bounds &bounds : slices)
      if (read.array == bounds.array && read.indices.size() == bounds.batch.size() + 1)
        relate(read, bounds);
  for (const Active &active : blocks)
    for (const BlockCoverage &coverage : coverages)
      if (active.mask == coverage.mask)
        relate(active, coverage);
}
