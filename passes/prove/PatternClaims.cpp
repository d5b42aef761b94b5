//===- PatternClaims.cpp - Bands and coverage against the predicate -------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/prove/Claims.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::prove;

//===----------------------------------------------------------------------===//
// Bands
//===----------------------------------------------------------------------===//

/// An attending pair lies in some band: the exact ones and the others hold all there are.
static Claim claimBandsCover(PatternOp pattern, int64_t modulo) {
  ClaimBuilder c(pattern, "attending pairs lie in bands", modulo);
  Value q = c.declareQuery("q"), k = c.declareKey("k");
  c.assume(c.attends(q, k));
  Value held = c.s.boolean(false);
  for (const Band &band : c.bandsAt(q))
    held = c.s.either(held, c.inBand(band, q, k));
  return c.prove(held);
}

static Claim claimBandAttends(PatternOp pattern, int64_t modulo, size_t index) {
  ClaimBuilder c(pattern, "pairs of band " + Twine(index) + " attend", modulo);
  Value q = c.declareQuery("q"), k = c.declareKey("k");
  c.assume(c.inBand(c.bandsAt(q)[index], q, k));
  return c.prove(c.attends(q, k));
}

static Claim claimBandMonotone(PatternOp pattern, int64_t modulo, size_t index) {
  ClaimBuilder c(pattern, "bounds of band " + Twine(index) + " never decrease", modulo);
  Value q = c.declareQuery("q"), later = c.declareQuery("later_q");
  c.assume(c.s.lessEqual(q, later));
  Band band = c.bandsAt(q)[index], laterBand = c.bandsAt(later)[index];
  return c.prove(c.s.both(c.s.lessEqual(band.lo, laterBand.lo), c.s.lessEqual(band.hi, laterBand.hi)));
}

void mlir::sparse_attn::prove::addBandClaims(PatternOp pattern, int64_t modulo, Claims &claims) {
  ClaimBuilder scratch(pattern, "", modulo);
  SmallVector<Band> bands = scratch.bandsAt(scratch.declareQuery("q"));
  if (bands.empty())
    return;
  claims.push_back(claimBandsCover(pattern, modulo));
  for (auto [index, band] : llvm::enumerate(bands)) {
    if (band.exact)
      claims.push_back(claimBandAttends(pattern, modulo, index));
    claims.push_back(claimBandMonotone(pattern, modulo, index));
  }
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

/// Does the pair attend in a part? Its captures are those of the pattern that the claim is about.
static Value attendsInPart(ClaimBuilder &c, PatternOp part, Value q, Value k) {
  PatternScope scope(c.builder, c.loc, part, c.captures, c.batch, c.head, c.queryLength, c.keyLength);
  return part.getRoot().buildPredicate(c.builder, scope, q, k);
}

static Claim claimPartsApart(PatternOp pattern, PatternOp part, PatternOp other) {
  ClaimBuilder c(pattern, "@" + part.getSymName() + " and @" + other.getSymName() + " share no pair");
  Value q = c.declareQuery("q"), k = c.declareKey("k");
  c.assume(attendsInPart(c, part, q, k));
  return c.prove(c.s.negate(attendsInPart(c, other, q, k)));
}

void mlir::sparse_attn::prove::addPartClaims(PatternOp pattern, ArrayRef<PatternOp> parts, Claims &claims) {
  ClaimBuilder c(pattern, "pairs attend where those of a part do");
  Value q = c.declareQuery("q"), k = c.declareKey("k"), inSome = c.s.boolean(false);
  for (PatternOp part : parts)
    inSome = c.s.either(inSome, attendsInPart(c, part, q, k));
  claims.push_back(c.prove(c.s.equal(c.attends(q, k), inSome)));
  for (auto [index, part] : llvm::enumerate(parts))
    for (PatternOp other : parts.drop_front(index + 1))
      claims.push_back(claimPartsApart(pattern, part, other));
}

//===----------------------------------------------------------------------===//
// Coverage
//===----------------------------------------------------------------------===//

/// What a plan computes, inlined.
static Coverage buildPlanCoverage(ClaimBuilder &c, PlanOp plan, const Span &span) {
  IRMapping map;
  map.map(plan.getBody().getArguments(), c.withCaptures({c.batch, c.head, span.firstQuery, span.lastQuery,
                                                         span.firstKey, span.lastKey, c.queryLength, c.keyLength}));
  Block &body = plan.getBody().front();
  for (Operation &op : body.without_terminator())
    c.builder.clone(op, map);
  return {map.lookup(body.getTerminator()->getOperand(0)), map.lookup(body.getTerminator()->getOperand(1))};
}

namespace {
/// A pair in a rectangle, and what coverage says about the rectangle.
struct CoveredPair {
  CoveredPair(ClaimBuilder &c, PlanOp plan) {
    Span span{c.declareQuery("first_q"), c.declareQuery("last_q"), c.declareKey("first_k"), c.declareKey("last_k")};
    Value q = c.declareQuery("q"), k = c.declareKey("k");
    for (auto [low, high] : {std::pair(span.firstQuery, q), std::pair(q, span.lastQuery), std::pair(span.firstKey, k),
                             std::pair(k, span.lastKey)})
      c.assume(c.s.lessEqual(low, high));
    coverage = plan ? buildPlanCoverage(c, plan, span) : c.root.buildCoverage(c.builder, c.scope, span);
    attends = c.attends(q, k);
  }

  Coverage coverage;
  Value attends;
};
} // namespace

void mlir::sparse_attn::prove::addCoverageClaims(PatternOp pattern, PlanOp plan, Claims &claims) {
  ClaimBuilder none(pattern, "no pair attends where coverage is not any");
  CoveredPair inNone(none, plan);
  none.assume(none.s.negate(inNone.coverage.any));
  claims.push_back(none.prove(none.s.negate(inNone.attends)));

  ClaimBuilder all(pattern, "every pair attends where coverage is all");
  CoveredPair inAll(all, plan);
  all.assume(inAll.coverage.all);
  claims.push_back(all.prove(inAll.attends));
}
