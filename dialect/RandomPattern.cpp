//===- RandomPattern.cpp - Random key blocks without a table --------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A keyed permutation of the key blocks of each query-block row (Luby and
// Rackoff, "How to construct pseudorandom permutations", 1988; cycle walking
// after Black and Rogaway, "Ciphers with arbitrary finite domains", 2002).
// Asking whether a block is among the first n of it costs a few instructions
// and no memory, and the n blocks are distinct by construction.
//
//===----------------------------------------------------------------------===//

#include "dialect/ScalarBuilder.h"
#include "dialect/SparseAttn.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::sparse_attn;

namespace {

/// 32-bit arithmetic on scalars or vectors, whichever the operands are.
class WordBuilder {
public:
  WordBuilder(OpBuilder &builder, Location loc, Type type) : builder(builder), loc(loc), type(type) {}

  Value word(uint32_t value) {
    Attribute attribute = builder.getI32IntegerAttr(static_cast<int32_t>(value));
    if (auto vector = dyn_cast<VectorType>(type))
      attribute = DenseElementsAttr::get(vector, attribute);
    return arith::ConstantOp::create(builder, loc, type, cast<TypedAttr>(attribute));
  }
  Value splat(Value value) {
    return isa<VectorType>(type) && !isa<VectorType>(value.getType())
               ? builder.createOrFold<vector::BroadcastOp>(loc, type, value)
               : value;
  }
  Value add(Value a, Value b) { return builder.createOrFold<arith::AddIOp>(loc, a, b); }
  Value exclusiveOr(Value a, Value b) { return builder.createOrFold<arith::XOrIOp>(loc, a, b); }
  Value both(Value a, Value b) { return builder.createOrFold<arith::AndIOp>(loc, a, b); }
  Value either(Value a, Value b) { return builder.createOrFold<arith::OrIOp>(loc, a, b); }
  Value shiftLeft(Value a, Value b) { return builder.createOrFold<arith::ShLIOp>(loc, a, b); }
  Value shiftRight(Value a, Value b) { return builder.createOrFold<arith::ShRUIOp>(loc, a, b); }

  /// The finalizer of MurmurHash3 (Appleby, public domain).
  Value mix(Value x) {
    x = exclusiveOr(x, shiftRight(x, word(16)));
    x = builder.createOrFold<arith::MulIOp>(loc, x, word(0x85ebca6b));
    x = exclusiveOr(x, shiftRight(x, word(13)));
    x = builder.createOrFold<arith::MulIOp>(loc, x, word(0xc2b2ae35));
    return exclusiveOr(x, shiftRight(x, word(16)));
  }

  OpBuilder &builder;
  Location loc;
  Type type;
};

constexpr int kRounds = 4;

/// Undoes the rounds of the network once. `halfBits` and `mask` describe a half of the word.
Value invertRounds(WordBuilder &w, ArrayRef<Value> keys, Value halfBits, Value mask, Value x) {
  Value left = w.shiftRight(x, halfBits), right = w.both(x, mask);
  for (int round = kRounds; round-- > 0;) {
    Value previousRight = left;
    Value previousLeft = w.exclusiveOr(right, w.both(w.mix(w.add(previousRight, keys[round])), mask));
    left = previousLeft;
    right = previousRight;
  }
  return w.either(w.shiftLeft(left, halfBits), right);
}

/// The least w with 4^w >= size, as a scalar.
Value buildHalfBits(OpBuilder &builder, Location loc, Value size) {
  WordBuilder w(builder, loc, size.getType());
  Value halfBits = w.word(0);
  for (uint32_t bits = 0; bits < 15; ++bits) {
    Value larger = builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::ugt, size, w.word(1u << (2 * bits)));
    halfBits = w.add(halfBits, builder.createOrFold<arith::ExtUIOp>(loc, size.getType(), larger));
  }
  return halfBits;
}

} // namespace

Value RandomRankOp::expand(OpBuilder &builder) {
  Location loc = getLoc();
  WordBuilder scalar(builder, loc, getSize().getType()), w(builder, loc, getType());
  Value size = scalar.builder.createOrFold<arith::MaxSIOp>(loc, getSize(), scalar.word(1));
  Value halfBitsScalar = buildHalfBits(builder, loc, size);
  Value maskScalar =
      builder.createOrFold<arith::SubIOp>(loc, scalar.shiftLeft(scalar.word(1), halfBitsScalar), scalar.word(1));
  Value halfBits = w.splat(halfBitsScalar), mask = w.splat(maskScalar), limit = w.splat(size);

  SmallVector<Value> keys;
  for (int round = 0; round < kRounds; ++round) {
    Value key = scalar.mix(scalar.word(static_cast<uint32_t>(getSeed()) + round * 0x9e3779b9u));
    key = scalar.mix(scalar.add(key, getBatch()));
    key = scalar.mix(scalar.add(key, getHead()));
    keys.push_back(w.mix(w.add(w.splat(key), w.splat(getRow()))));
  }

  // Walk until every lane is back in [0, size).
  Value first = invertRounds(w, keys, halfBits, mask, w.splat(getBlock()));
  auto outside = [&](OpBuilder &nested, Value x) {
    return nested.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::uge, x, limit);
  };
  auto walk = scf::WhileOp::create(
      builder, loc, TypeRange{getType()}, ValueRange{first},
      [&](OpBuilder &nested, Location, ValueRange arguments) {
        Value more = outside(nested, arguments[0]);
        if (isa<VectorType>(more.getType()))
          more = vector::ReductionOp::create(nested, loc, vector::CombiningKind::OR, more);
        scf::ConditionOp::create(nested, loc, more, arguments);
      },
      [&](OpBuilder &nested, Location, ValueRange arguments) {
        WordBuilder inner(nested, loc, getType());
        Value next = invertRounds(inner, keys, halfBits, mask, arguments[0]);
        Value moved = nested.createOrFold<arith::SelectOp>(loc, outside(nested, arguments[0]), next, arguments[0]);
        scf::YieldOp::create(nested, loc, moved);
      });
  return walk.getResult(0);
}

SmallVector<Parameter> RandomOp::getParameters() { return {{"blocks", getCount(), getStaticCountAttr(), 0}}; }

LogicalResult RandomOp::verify() {
  auto outside = [&](StringRef name, int64_t value, int64_t min, int64_t max) {
    return emitOpError("expects '") << name << "' to lie in [" << min << ", " << max << "], but got " << value;
  };
  // random_c1
  if (failed(verifyParameters(*this)))
    return failure();
  int64_t size = static_cast<int64_t>(getSize()), seed = static_cast<int64_t>(getSeed());
  if (size < 1 || size > kMaxPosition)
    return outside("size", size, 1, kMaxPosition);
  // random_c2
  if (seed < 0 || seed > UINT32_MAX)
    return outside("seed", seed, 0, UINT32_MAX);
  return success();
}

BlockSizes RandomOp::getBlockSizes() { return {static_cast<int64_t>(getSize()), static_cast<int64_t>(getSize())}; }

Dependence RandomOp::getDependence() { return {/*batch=*/true, /*head=*/true}; }

/// Is key block `block` among the blocks that query-block row `row` drew?
static Value buildDrawn(RandomOp op, OpBuilder &builder, const PatternScope &scope, Value row, Value block) {
  ScalarBuilder s(builder, scope.loc);
  Type i32 = builder.getI32Type();
  auto toWord = [&](Value index) { return builder.createOrFold<arith::IndexCastOp>(scope.loc, i32, index); };
  Value blocks = s.ceilDivPositive(scope.keyLength, op.getSize());
  Value rank = RandomRankOp::create(builder, scope.loc, i32, toWord(block), toWord(blocks), toWord(scope.batch),
                                    toWord(scope.head), toWord(row), op.getSeedAttr());
  Value count = scope.parameter(builder, op.getCount(), op.getStaticCountAttr());
  return s.less(rank, toWord(count));
}

Value RandomOp::buildPredicate(OpBuilder &builder, const PatternScope &scope, Value q, Value k) {
  ScalarBuilder s(builder, scope.loc);
  return buildDrawn(*this, builder, scope, s.floorDiv(q, getSize()), s.divPositive(k, getSize()));
}

/// Rectangles of up to this many block pairs are looked at pair by pair.
static constexpr int64_t kMaxPairs = 64;

Coverage RandomOp::buildCoverage(OpBuilder &builder, const PatternScope &scope, const Span &span) {
  Location loc = scope.loc;
  ScalarBuilder s(builder, loc);
  Value firstRow = s.floorDiv(span.firstQuery, getSize()), lastRow = s.floorDiv(span.lastQuery, getSize());
  Value firstBlock = s.divPositive(span.firstKey, getSize()), lastBlock = s.divPositive(span.lastKey, getSize());
  Value columns = s.add(s.sub(lastBlock, firstBlock), 1);
  Value pairs = s.mul(s.add(s.sub(lastRow, firstRow), 1), columns);
  auto small = scf::IfOp::create(
      builder, loc, s.lessEqual(pairs, s.constant(kMaxPairs)),
      [&](OpBuilder &nested, Location) {
        ScalarBuilder n(nested, loc);
        auto loop = scf::ForOp::create(
            nested, loc, n.constant(0), pairs, n.constant(1), ValueRange{n.boolean(false), n.boolean(true)},
            [&](OpBuilder &body, Location, Value pair, ValueRange state) {
              ScalarBuilder b(body, loc);
              Value row = b.add(firstRow, body.createOrFold<arith::DivUIOp>(loc, pair, columns));
              Value block = b.add(firstBlock, body.createOrFold<arith::RemUIOp>(loc, pair, columns));
              Value drawn = buildDrawn(*this, body, scope, row, block);
              scf::YieldOp::create(body, loc, ValueRange{b.either(state[0], drawn), b.both(state[1], drawn)});
            });
        scf::YieldOp::create(nested, loc, loop.getResults());
      },
      [&](OpBuilder &nested, Location) {
        ScalarBuilder n(nested, loc);
        scf::YieldOp::create(nested, loc, ValueRange{n.boolean(true), n.boolean(false)});
      });
  return {small.getResult(0), small.getResult(1)};
}
