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
static Claim claimBandsCover(PatternOp pattern) {
  ClaimBuilder c(pattern, "attending pairs lie in bands");
  Value q = c.declareQuery("q"), k = c.declareKey("k");
  c.assume(c.attends(q, k));
  Value held = c.s.boolean(false);
  for (const Band &band : c.bandsAt(q))
    held = c.s.either(held, c.inBand(band, q, k));
  return c.prove(held);
}

static Claim claimBandAttends(PatternOp pattern, size_t index) {
  ClaimBuilder c(pattern, "pairs of band " + Twine(index) + " attend");
  Value q = c.declareQuery("q"), k = c.declareKey("k");
  c.assume(c.inBand(c.bandsAt(q)[index], q, k));
  return c.prove(c.attends(q, k));
}

static Claim claimBandMonotone(PatternOp pattern, size_t index) {
  ClaimBuilder c(pattern, "bounds of band " + Twine(index) + " never decrease");
  Value q = c.declareQuery("q"), later = c.declareQuery("later_q");
  c.assume(c.s.lessEqual(q, later));
  Band band = c.bandsAt(q)[index], laterBand = c.bandsAt(later)[index];
  return c.prove(c.s.both(c.s.lessEqual(band.lo, laterBand.lo), c.s.lessEqual(band.hi, laterBand.hi)));
}

void mlir::sparse_attn::prove::addBandClaims(PatternOp pattern, Claims &claims) {
  ClaimBuilder scratch(pattern, "");
  SmallVector<Band> bands = scratch.bandsAt(scratch.declareQuery("q"));
  if (bands.empty())
    return;
  claims.push_back(claimBandsCover(pattern));
  for (auto [index, band] : llvm::enumerate(bands)) {
    if (band.exact)
      claims.push_back(claimBandAttends(pattern, index));
    claims.push_back(claimBandMonotone(pattern, index));
  }
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
