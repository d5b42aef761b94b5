//===- Claim.h - What is to be proved, as scalar IR -------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Patterns and schedules answer questions by emitting IR. A claim asks some of
// them about positions that are not known, and combines the answers into one
// condition; it is written in the language of the answers, and only the finished
// claim is translated for a solver.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_PROVE_CLAIM_H
#define SPARSE_ATTN_PASSES_PROVE_CLAIM_H

#include "dialect/ScalarBuilder.h"
#include "dialect/SparseAttn.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace mlir::sparse_attn::prove {

/// Lengths that claims are made for: all below this.
inline constexpr int64_t kLengthLimit = int64_t(1) << 31;

/// Whatever the arguments of `function` are: where all but the last of the i1 that it returns hold, the last one does.
struct Claim {
  /// What is claimed, in words; unique among the claims about one schedule.
  std::string name;
  /// Names of the arguments, for counterexamples; empty for arrays, masks and what is not worth naming.
  SmallVector<std::string> symbols;
  OwningOpRef<func::FuncOp> function;
  /// Worth knowing, but nothing is wrong without it.
  bool optional = false;
};

/// Builds one claim about a pattern. Lengths, batch, head and captures are declared, and assumed to be what a call
/// may have; queries, keys and tiles are declared as needed.
///
/// With a `modulo` above 1 the claim is about one residue class, whose number is declared as well. Queries and keys are
/// *places* in it: place m is position `number + modulo * m`. Else places are positions.
class ClaimBuilder {
public:
  ClaimBuilder(PatternOp pattern, const Twine &name, int64_t modulo = 1);

  /// An integer that a counterexample names.
  Value declare(StringRef name);
  /// An integer that others determine, and that no counterexample needs.
  Value declareHidden() { return declare(""); }
  /// The place of a position that a counterexample names.
  Value declarePlace(StringRef name);
  /// The place of an existing query.
  Value declareQuery(StringRef name);
  /// The place of an existing key.
  Value declareKey(StringRef name);

  void assume(Value condition) { conditions.push_back(condition); }
  /// Ends the claim.
  Claim prove(Value goal, bool optional = false);

  /// `low <= x < high`.
  Value inRange(Value x, Value low, Value high) { return s.both(s.lessEqual(low, x), s.less(x, high)); }
  /// Does the positive constant `divisor` divide `x`?
  Value divides(int64_t divisor, Value x);
  Value positionOf(Value place) { return modulo == 1 ? place : s.add(s.mul(place, modulo), number); }
  /// The first place at or behind a position.
  Value placeFrom(Value position) {
    return modulo == 1 ? position : s.floorDiv(s.add(s.sub(position, number), modulo - 1), modulo);
  }
  /// Does `band`, asked for at query `q`, hold key `k`?
  Value inBand(const Band &band, Value q, Value k);
  /// The bands of query `q`; none where the pattern has no bands.
  SmallVector<Band> bandsAt(Value q);
  /// Does query `q` attend to key `k`?
  Value attends(Value q, Value k) { return root.buildPredicate(builder, scope, positionOf(q), positionOf(k)); }
  /// Arguments of a region on the positions given, then the captures.
  SmallVector<Value> withCaptures(ArrayRef<Value> positions) const;

private:
  Value addArgument(StringRef name, Type type);
  SmallVector<Value> declareCaptures();
  void assumeParameters();

  Claim claim;
  SmallVector<Value> conditions;

  // In the order in which they are made: each needs those before it.
public:
  PatternOp pattern;
  PatternOpInterface root;
  Location loc;
  int64_t modulo;
  OpBuilder builder;
  ScalarBuilder s;
  Value batch, head, queryLength, keyLength;
  SmallVector<Value> captures;
  PatternScope scope;
  /// That of the residue class; null without one.
  Value number;
};

} // namespace mlir::sparse_attn::prove

#endif // SPARSE_ATTN_PASSES_PROVE_CLAIM_H
