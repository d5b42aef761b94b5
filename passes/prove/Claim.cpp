//===- Claim.cpp - What is to be proved, as scalar IR ---------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/prove/Claim.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/CSE.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::prove;

static Claim startClaim(PatternOp pattern, const Twine &name) {
  Claim claim;
  claim.name = name.str();
  OpBuilder builder(pattern.getContext());
  claim.function = func::FuncOp::create(builder, pattern.getLoc(), "claim", builder.getFunctionType({}, {}));
  claim.function->addEntryBlock();
  return claim;
}

ClaimBuilder::ClaimBuilder(PatternOp pattern, const Twine &name, int64_t modulo)
    : claim(startClaim(pattern, name)), pattern(pattern), root(pattern.getRoot()), loc(pattern.getLoc()),
      modulo(modulo), builder(OpBuilder::atBlockEnd(&claim.function->getBody().front())), s(builder, loc),
      batch(declare("b")), head(declare("h")), queryLength(declare("sq")), keyLength(declare("skv")),
      captures(declareCaptures()), scope(builder, loc, pattern, captures, batch, head, queryLength, keyLength) {
  Value zero = s.constant(0), limit = s.constant(kLengthLimit);
  Dependence dependence = root.getDependence();
  assume(inRange(queryLength, zero, limit));
  assume(inRange(keyLength, zero, limit));
  if (dependence.batch)
    assume(inRange(batch, zero, limit));
  if (dependence.head)
    assume(inRange(head, zero, limit));
  assumeParameters();
  scope.modulo = modulo;
  if (modulo == 1)
    return;
  number = declare("class");
  assume(inRange(number, zero, s.constant(modulo)));
}

Value ClaimBuilder::addArgument(StringRef name, Type type) {
  claim.symbols.push_back(name.str());
  return claim.function->getBody().front().addArgument(type, loc);
}

Value ClaimBuilder::declare(StringRef name) { return addArgument(name, builder.getIndexType()); }

/// Captured numbers have names of their own in a counterexample; arrays and masks have no value to tell.
SmallVector<Value> ClaimBuilder::declareCaptures() {
  SmallVector<Value> result;
  for (auto [index, capture] : llvm::enumerate(pattern.getCaptures())) {
    bool isNumber = capture.getType().isIndex();
    result.push_back(addArgument(isNumber ? "capture" + std::to_string(index) : "", capture.getType()));
  }
  return result;
}

/// What is verified when the plan of a call is made.
void ClaimBuilder::assumeParameters() {
  pattern.walk([&](PatternOpInterface op) {
    for (const Parameter &parameter : op.getParameters())
      if (auto capture = dyn_cast_if_present<BlockArgument>(parameter.captured))
        assume(inRange(captures[capture.getArgNumber()], s.constant(parameter.least), s.constant(kMaxPosition + 1)));
  });
}

Value ClaimBuilder::declarePlace(StringRef name) {
  Value position = declare(name);
  if (modulo == 1)
    return position;
  Value place = declareHidden();
  assume(s.equal(position, positionOf(place)));
  return place;
}

Value ClaimBuilder::declareQuery(StringRef name) {
  Value q = declarePlace(name);
  assume(inRange(positionOf(q), s.sub(keyLength, queryLength), keyLength));
  return q;
}

Value ClaimBuilder::declareKey(StringRef name) {
  Value k = declarePlace(name);
  assume(inRange(positionOf(k), s.constant(0), keyLength));
  return k;
}

Value ClaimBuilder::divides(int64_t divisor, Value x) {
  return divisor == 1 ? s.boolean(true) : s.equal(x, s.mul(s.floorDiv(x, divisor), divisor));
}

Value ClaimBuilder::inBand(const Band &band, Value q, Value k) {
  Value key = positionOf(k);
  bool isStrideOfClass = band.modulus % modulo == 0;
  Value strided =
      isStrideOfClass ? divides(band.modulus / modulo, s.sub(q, k)) : divides(band.modulus, s.sub(positionOf(q), key));
  Value inside = s.both(inRange(key, band.lo, band.hi), strided);
  const Columns &columns = band.columns;
  if (columns.holdAll())
    return inside;
  Value fromPhase = s.sub(key, columns.phase);
  Value column = s.sub(fromPhase, s.mul(s.floorDiv(fromPhase, columns.period), columns.period));
  return s.both(inside, s.less(column, s.constant(columns.width)));
}

SmallVector<Band> ClaimBuilder::bandsAt(Value q) {
  SmallVector<Band> bands;
  if (failed(root.buildKeyBands(builder, scope, positionOf(q), bands)))
    bands.clear();
  return bands;
}

SmallVector<Value> ClaimBuilder::withCaptures(ArrayRef<Value> positions) const {
  SmallVector<Value> values(positions);
  values.append(captures);
  return values;
}

Claim ClaimBuilder::prove(Value goal, bool optional) {
  conditions.push_back(goal);
  func::ReturnOp::create(builder, loc, conditions);
  IRRewriter rewriter(builder.getContext());
  DominanceInfo dominance(*claim.function);
  // Equal questions have equal answers: the solver need not find that out. Answers that nobody uses go.
  eliminateCommonSubExpressions(rewriter, dominance, *claim.function);
  claim.optional = optional;
  return std::move(claim);
}
