//===- MaskAlgebra.cpp - And, or, and not of masks ------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Terms are combined in closed form as far as that goes; everything else row
// by row. So the terms of a result need only be right, not complete: rows add
// what they lack.
//
//===----------------------------------------------------------------------===//

#include "mask/BandTerms.h"
#include "mask/FreezeRows.h"
#include "mask/PackedStore.h"
#include "mask/RoaringStore.h"
#include "mask/RowSets.h"
#include "mask/TermHoles.h"

#include <utility>

namespace sparse_attn::mask {

namespace {

/// Pairs of terms that are worth to be looked at; with more, rows alone are quicker.
constexpr size_t maxTermPairs = size_t(1) << 20;

/// Terms that one term may fall into by the subtraction of others.
constexpr size_t maxPieces = 256;

/// Rows of two stores, combined.
class PairRows final : public RowProducer {
public:
  PairRows(const MaskStore &a, const MaskStore &b, SetOperation operation)
      : a(a), b(b), part(operation == SetOperation::Or ? RowPart::Stored : RowPart::All), operation(operation),
        readerA(a, part), readerB(b, part) {}

  bool hasRows(uint32_t first, uint32_t past) override {
    bool hasA = mayHaveRows(a, part, first, past);
    if (operation == SetOperation::AndNot)
      return hasA;
    bool hasB = mayHaveRows(b, part, first, past);
    return operation == SetOperation::And ? hasA && hasB : hasA || hasB;
  }

  void produce(uint32_t q, RowSink &sink) override {
    readerA.start(q);
    readerB.start(q);
    forEachPair(readerA, readerB, [&](uint32_t keyFirst, const RowPiece &pieceA, const RowPiece &pieceB) {
      collector.start(keyFirst);
      if (operation == SetOperation::And)
        intersectPieces(pieceA, pieceB, scratch, collector);
      else if (operation == SetOperation::Or)
        unitePieces(pieceA, pieceB, scratch, collector);
      else
        subtractPieces(pieceA, pieceB, scratch, collector);
      sink.add(collector.piece());
    });
  }

private:
  const MaskStore &a, &b;
  RowPart part; ///< A union has the terms of both, so that only stored rows are left to add.
  SetOperation operation;
  RowReader readerA, readerB;
  PieceCollector collector;
  KeyScratch scratch;
};

std::vector<BandTerm> intersectTerms(const std::vector<BandTerm> &a, const std::vector<BandTerm> &b) {
  std::vector<BandTerm> both;
  if (a.size() * b.size() > maxTermPairs)
    return both;
  for (const BandTerm &termA : a)
    for (const BandTerm &termB : b)
      if (std::optional<BandTerm> common = intersect(termA, termB))
        both.push_back(*common);
  return both;
}

/// `term` less all of `others`; nothing where that takes too many terms.
std::vector<BandTerm> subtractTerms(const BandTerm &term, const std::vector<BandTerm> &others) {
  std::vector<BandTerm> left = {term}, next;
  for (const BandTerm &other : others) {
    next.clear();
    for (const BandTerm &piece : left)
      if (!subtract(piece, other, next))
        return {};
    left.swap(next);
    if (left.size() > maxPieces)
      return {};
  }
  return left;
}

/// Terms within a \ b: those of `a` without those of `b`, and without the rows where `b` stores something in them.
std::vector<BandTerm> differenceTerms(const MaskStore &a, const MaskStore &b) {
  std::vector<BandTerm> left;
  const std::vector<BandTerm> &termsA = a.terms.terms(), &termsB = b.terms.terms();
  if (termsA.size() * termsB.size() > maxTermPairs)
    return left;
  for (const BandTerm &term : termsA)
    for (const BandTerm &piece : subtractTerms(term, termsB))
      appendWithoutHoles(piece, b, left);
  return left;
}

std::vector<BandTerm> combineTerms(const MaskStore &a, const MaskStore &b, SetOperation operation) {
  if (operation == SetOperation::And)
    return intersectTerms(a.terms.terms(), b.terms.terms());
  if (operation == SetOperation::AndNot)
    return differenceTerms(a, b);
  std::vector<BandTerm> either = a.terms.terms();
  either.insert(either.end(), b.terms.terms().begin(), b.terms.terms().end());
  return either;
}

Result<SharedStore> combine(const SharedStore &a, const SharedStore &b, SetOperation operation,
                            const FreezeOptions &options) {
  Representation wanted = options.representation;
  auto both = [&](Representation kind) {
    return a->representation == kind && b->representation == kind &&
           (wanted == kind || wanted == Representation::Automatic);
  };
  if (both(Representation::PackedBits))
    return convert(combinePacked(*a, *b, operation, options.threads), options);
  // Who keeps masks in Roaring wants the result in it, too.
  if (both(Representation::Roaring))
    return combineRoaring(*a, *b, operation);
  RowSource rows = [&] { return std::make_unique<PairRows>(*a, *b, operation); };
  return freezeContent({a->grid, combineTerms(*a, *b, operation), rows, false}, options);
}

} // namespace

} // namespace sparse_attn::mask

namespace sparse_attn {

using namespace mask;

namespace {

Result<BlockMask> combineMasks(const BlockMask &a, const BlockMask &b, SetOperation operation,
                               const FreezeOptions &options) {
  if (a.grid() != b.grid())
    return makeError(StatusCode::ShapeMismatch, "expects two masks of one grid, but got ", a.grid(), " and ", b.grid());
  Result<SharedStore> store = combine(a.sharedStore(), b.sharedStore(), operation, options);
  if (!store.isOk())
    return store.status();
  return BlockMask(std::move(*store));
}

} // namespace

Result<BlockMask> conjunction(const BlockMask &a, const BlockMask &b, const FreezeOptions &options) {
  return combineMasks(a, b, SetOperation::And, options);
}

Result<BlockMask> disjunction(const BlockMask &a, const BlockMask &b, const FreezeOptions &options) {
  return combineMasks(a, b, SetOperation::Or, options);
}

Result<BlockMask> difference(const BlockMask &a, const BlockMask &b, const FreezeOptions &options) {
  return combineMasks(a, b, SetOperation::AndNot, options);
}

} // namespace sparse_attn
