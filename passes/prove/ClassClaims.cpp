//===- ClassClaims.cpp - Residue classes against all positions ------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A schedule over residue classes is right if positions of two classes do not
// see each other, the query tiles of the classes hold each row once, and each
// class is attended to as the pattern says. The last is what all other claims
// say; these are the first two.
//
//===----------------------------------------------------------------------===//

#include "passes/prove/Claims.h"
#include "passes/prove/ClassFacts.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::prove;

SmallVector<Value> mlir::sparse_attn::prove::buildClassFacts(ScalarBuilder &s, const ResidueClass &residue,
                                                             Value queryLength, Value keyLength, int64_t modulus,
                                                             int64_t tileQ) {
  Value zero = s.constant(0), step = s.constant(modulus);
  Value rows = s.sub(queryLength, residue.firstRow), keys = s.sub(keyLength, residue.number);
  Value shift = s.mul(s.sub(residue.keys, residue.queries), modulus);
  auto isQuotientUp = [&](Value quotient, Value x) {
    return s.both(s.less(s.mul(s.sub(quotient, 1), modulus), x), s.lessEqual(x, s.mul(quotient, modulus)));
  };
  return {s.both(s.lessEqual(zero, residue.firstRow), s.less(residue.firstRow, s.min(queryLength, step))),
          s.both(s.lessEqual(zero, residue.number), s.less(residue.number, step)),
          s.both(s.lessEqual(zero, residue.tile), s.less(s.mul(residue.tile, tileQ * modulus), queryLength)),
          isQuotientUp(residue.queries, rows), isQuotientUp(residue.keys, keys),
          // Row i of the class, and with it the last, stands where the key i + keys - queries does.
          s.equal(s.add(residue.number, shift), s.add(residue.firstRow, s.sub(keyLength, queryLength)))};
}

namespace {

/// A claim about the query tiles of classes and their rows.
class ClassClaimBuilder : public ClaimBuilder {
public:
  ClassClaimBuilder(PatternOp pattern, ScheduleOp schedule, const Twine &name)
      : ClaimBuilder(pattern, name), modulus(schedule.getModulo()), tileQ(schedule.getTileQ()) {}

  /// Is this the number of a query tile?
  Value isTile(Value tile) { return inRange(tile, s.constant(0), buildTileCount(s, queryLength, modulus, tileQ)); }
  Value declareTile(StringRef name) {
    Value tile = declare(name);
    assume(isTile(tile));
    return tile;
  }
  ResidueClass classOf(Value tile) { return buildResidueClass(s, tile, queryLength, keyLength, modulus, tileQ); }
  /// The number of a row of a query tile among those of the class.
  Value declareRowOfClass(Value tileOfClass) {
    Value row = declareHidden(), first = s.mul(tileOfClass, tileQ);
    assume(inRange(row, first, s.add(first, tileQ)));
    return row;
  }
  Value rowAt(const ResidueClass &residue, Value rowOfClass) {
    return s.add(residue.firstRow, s.mul(rowOfClass, modulus));
  }

  int64_t modulus, tileQ;
};

} // namespace

static Claim claimClassesApart(PatternOp pattern, int64_t modulus) {
  ClaimBuilder c(pattern, "pairs of two classes do not attend");
  Value q = c.declareQuery("q"), k = c.declareKey("k");
  c.assume(c.attends(q, k));
  return c.prove(c.divides(modulus, c.s.sub(q, k)));
}

/// Kernels know that the distances they ask for are multiples.
static Claim claimPredicateInClass(PatternOp pattern, int64_t modulus) {
  ClaimBuilder c(pattern, "pairs of a class attend as all others do", modulus);
  Value q = c.declareQuery("q"), k = c.declareKey("k");
  PatternScope anywhere = c.scope;
  anywhere.modulo = 1;
  return c.prove(
      c.s.equal(c.attends(q, k), c.root.buildPredicate(c.builder, anywhere, c.positionOf(q), c.positionOf(k))));
}

static Claim claimFacts(PatternOp pattern, ScheduleOp schedule) {
  ClassClaimBuilder c(pattern, schedule, "query tiles are of classes");
  Value tile = c.declareTile("tile"), hold = c.s.boolean(true);
  for (Value fact : buildClassFacts(c.s, c.classOf(tile), c.queryLength, c.keyLength, c.modulus, c.tileQ))
    hold = c.s.both(hold, fact);
  return c.prove(hold);
}

/// Row `first_row + modulo * i` is row i of its class.
static Claim claimRowComputed(PatternOp pattern, ScheduleOp schedule) {
  ClassClaimBuilder c(pattern, schedule, "every row is of some query tile");
  Value firstRow = c.declare("first_row"), tileOfClass = c.declare("tile"), row = c.declareRowOfClass(tileOfClass);
  c.assume(c.inRange(firstRow, c.s.constant(0), c.s.constant(c.modulus)));
  c.assume(c.s.lessEqual(c.s.constant(0), tileOfClass));
  c.assume(c.s.less(c.s.add(firstRow, c.s.mul(row, c.modulus)), c.queryLength));
  // Those of the class of row 0 come first.
  Value tilesOfClass = c.s.ceilDivPositive(c.s.ceilDivPositive(c.queryLength, c.modulus), c.tileQ);
  Value tile = c.s.add(c.s.mul(tilesOfClass, firstRow), tileOfClass);
  ResidueClass residue = c.classOf(tile);
  Value found = c.s.both(c.s.equal(residue.firstRow, firstRow), c.s.equal(residue.tile, tileOfClass));
  return c.prove(c.s.both(c.isTile(tile), c.s.both(found, c.s.less(row, residue.queries))));
}

static Claim claimRowOnce(PatternOp pattern, ScheduleOp schedule) {
  ClassClaimBuilder c(pattern, schedule, "no row is of two query tiles");
  Value tile = c.declareTile("tile"), other = c.declareTile("other_tile");
  ResidueClass residue = c.classOf(tile), otherClass = c.classOf(other);
  Value row = c.declareRowOfClass(residue.tile), otherRow = c.declareRowOfClass(otherClass.tile);
  c.assume(c.s.equal(c.rowAt(residue, row), c.rowAt(otherClass, otherRow)));
  return c.prove(c.s.both(c.s.equal(tile, other), c.s.equal(row, otherRow)));
}

/// The keys of a class are those that lie a multiple of the modulo from its queries.
static Claim claimKeysOfClass(PatternOp pattern, ScheduleOp schedule) {
  ClassClaimBuilder c(pattern, schedule, "keys of a class are those of its queries");
  ResidueClass residue = c.classOf(c.declareTile("tile"));
  Value row = c.declareRowOfClass(residue.tile), k = c.declareKey("k");
  c.assume(c.s.less(row, residue.queries));
  Value q = c.s.add(c.rowAt(residue, row), c.s.sub(c.keyLength, c.queryLength));
  Value place = c.s.floorDiv(c.s.sub(k, residue.number), c.modulus);
  Value isKey =
      c.s.both(c.divides(c.modulus, c.s.sub(k, residue.number)), c.inRange(place, c.s.constant(0), residue.keys));
  return c.prove(c.s.equal(c.divides(c.modulus, c.s.sub(q, k)), isKey));
}

void mlir::sparse_attn::prove::addClassClaims(PatternOp pattern, ScheduleOp schedule, Claims &claims) {
  int64_t modulus = schedule.getModulo();
  if (modulus == 1)
    return;
  claims.push_back(claimClassesApart(pattern, modulus));
  claims.push_back(claimPredicateInClass(pattern, modulus));
  claims.push_back(claimFacts(pattern, schedule));
  claims.push_back(claimRowComputed(pattern, schedule));
  claims.push_back(claimRowOnce(pattern, schedule));
  claims.push_back(claimKeysOfClass(pattern, schedule));
}
