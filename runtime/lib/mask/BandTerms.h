//===- BandTerms.h - Arithmetic on bands ----------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every function but `checkTerm` takes terms that are tight: within a grid, and
// with bounds that some pair reaches. Then bounds can be compared as they are.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_BANDTERMS_H
#define SPARSE_ATTN_LIB_MASK_BANDTERMS_H

#include "sparse_attn/BlockMask.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace sparse_attn::mask {

/// Errors: InvalidArgument where `term` is not within the grid, has its bounds beyond `BandTerm::unbounded`, a step of
/// 0, or a phase that is not below the step. A term without pairs is good.
SPARSE_ATTN_EXPORT Status checkTerm(const BlockGrid &grid, const BandTerm &term);

/// The same pairs with every bound as tight as it can be and a step that at least two diagonals share; nothing where
/// there is no pair.
SPARSE_ATTN_EXPORT std::optional<BandTerm> tighten(const BandTerm &term);

/// The key blocks of row q in [queryFirst, queryPast), but for the step; maybe empty.
inline BlockRange keysOfRow(const BandTerm &term, uint32_t q) {
  return {static_cast<uint32_t>(std::max<int64_t>(term.keyFirst, q + term.lowest)),
          static_cast<uint32_t>(std::min<int64_t>(term.keyPast, q + term.highest + 1))};
}

/// The first k >= `from` of row q that the step keeps; not bounded by the term.
inline uint64_t firstStep(const BandTerm &term, uint32_t q, uint32_t from) {
  // phase < step, so that the difference is above -step - maxBlocks.
  int64_t past = (int64_t(from) - q - term.phase) % term.step;
  return from + static_cast<uint64_t>(past == 0 ? 0 : past < 0 ? -past : term.step - past);
}

inline bool contains(const BandTerm &term, uint32_t q, uint32_t k) {
  int64_t distance = int64_t(k) - q;
  return q >= term.queryFirst && q < term.queryPast && k >= term.keyFirst && k < term.keyPast &&
         distance >= term.lowest && distance <= term.highest &&
         (term.step == 1 || (distance - term.phase) % term.step == 0);
}

/// Whether every pair of `inner` is in `outer`.
SPARSE_ATTN_EXPORT bool includes(const BandTerm &outer, const BandTerm &inner);

SPARSE_ATTN_EXPORT BandTerm transpose(const BandTerm &term);

/// The pairs in both; nothing where there are none.
SPARSE_ATTN_EXPORT std::optional<BandTerm> intersect(const BandTerm &a, const BandTerm &b);

/// Appends to `pieces` the pairs of `a` that are not in `b`, as disjoint terms. Returns false, with nothing appended,
/// where that takes more than a few terms, as the steps of `b` leave too many diagonals between them.
SPARSE_ATTN_EXPORT bool subtract(const BandTerm &a, const BandTerm &b, std::vector<BandTerm> &pieces);

/// Tightens `terms`, drops those that are empty or within another, and sorts the rest; so equal lists are equal masks.
/// O(n^2) for up to some hundred terms; more are only compared with their neighbours.
SPARSE_ATTN_EXPORT std::vector<BandTerm> simplify(const std::vector<BandTerm> &terms);

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_BANDTERMS_H
