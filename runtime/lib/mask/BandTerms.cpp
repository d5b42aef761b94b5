//===- BandTerms.cpp - Arithmetic on bands --------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/BandTerms.h"

#include <numeric>
#include <tuple>
#include <utility>

namespace sparse_attn::mask {

namespace {

/// Above so many terms, not every two are compared.
constexpr size_t comparedTerms = 256;

/// A term is not cut into more diagonals than this.
constexpr uint32_t maxDiagonals = 16;

/// x mod step in [0, step).
int64_t residue(int64_t x, int64_t step) {
  int64_t r = x % step;
  return r < 0 ? r + step : r;
}

/// Moves both bounds of k - q inwards to distances that the step keeps. Returns false where there are none.
bool alignDistances(BandTerm &term) {
  term.lowest += residue(term.phase - term.lowest, term.step);
  term.highest -= residue(term.highest - term.phase, term.step);
  if (term.lowest >= term.highest) {
    term.step = 1;
    term.phase = 0;
  }
  return term.lowest <= term.highest;
}

/// Makes rows, keys and distances k - q follow from one another. Returns false where no pair is left.
bool tightenBounds(BandTerm &term) {
  int64_t queryFirst = std::max<int64_t>(term.queryFirst, term.keyFirst - term.highest);
  int64_t queryPast = std::min<int64_t>(term.queryPast, term.keyPast - term.lowest);
  if (queryFirst >= queryPast)
    return false;
  int64_t keyFirst = std::max<int64_t>(term.keyFirst, queryFirst + term.lowest);
  int64_t keyPast = std::min<int64_t>(term.keyPast, queryPast + term.highest);
  if (keyFirst >= keyPast)
    return false;
  term.queryFirst = static_cast<uint32_t>(queryFirst);
  term.queryPast = static_cast<uint32_t>(queryPast);
  term.keyFirst = static_cast<uint32_t>(keyFirst);
  term.keyPast = static_cast<uint32_t>(keyPast);
  term.lowest = std::max(term.lowest, keyFirst - (queryPast - 1));
  term.highest = std::min(term.highest, keyPast - 1 - queryFirst);
  return term.lowest <= term.highest;
}

/// The distances in [lowest, highest] that two steps both keep: those congruent to `phase` modulo `step`.
struct CommonStep {
  int64_t step;
  int64_t phase;
};

/// The Chinese remainder theorem for moduli that may share factors. Steps of tight terms are below 2^27, so that all
/// products fit. Nothing where no distance is kept by both.
std::optional<CommonStep> commonStep(const BandTerm &a, const BandTerm &b) {
  int64_t divisor = std::gcd<int64_t>(a.step, b.step);
  int64_t apart = int64_t(b.phase) - a.phase;
  if (apart % divisor != 0)
    return std::nullopt;
  // Find x = a.phase + a.step * i with x mod b.step = b.phase: i = apart / divisor * inverse of (a.step / divisor).
  int64_t modulus = b.step / divisor;
  int64_t old = a.step / divisor % modulus, current = modulus, inverse = 1, next = 0;
  while (current != 0) { // Euclid's algorithm; old = inverse * (a.step / divisor) (mod modulus) throughout.
    int64_t quotient = old / current;
    old = std::exchange(current, old - quotient * current);
    inverse = std::exchange(next, inverse - quotient * next);
  }
  int64_t i = residue(residue(apart / divisor, modulus) * residue(inverse, modulus), modulus);
  int64_t step = a.step * modulus;
  return CommonStep{step, residue(a.phase + a.step * i, step)};
}

/// Appends the part of `rest` that `change` cuts out, where there is any.
template <typename Change> void appendPart(BandTerm rest, std::vector<BandTerm> &pieces, const Change &change) {
  change(rest);
  if (std::optional<BandTerm> part = tighten(rest))
    pieces.push_back(*part);
}

/// Appends the diagonals of `rest` that `b`, whose band holds all of it, skips. Returns false where they are too many.
bool appendSkippedDiagonals(const BandTerm &rest, const BandTerm &b, std::vector<BandTerm> &pieces) {
  if (b.step > maxDiagonals)
    return false;
  BandTerm diagonals = rest;
  diagonals.step = b.step;
  for (uint32_t phase = 0; phase < b.step; ++phase) {
    diagonals.phase = phase;
    if (phase == b.phase)
      continue;
    if (std::optional<BandTerm> part = intersect(rest, diagonals))
      pieces.push_back(*part);
  }
  return true;
}

auto orderOf(const BandTerm &term) {
  return std::tie(term.queryFirst, term.keyFirst, term.queryPast, term.keyPast, term.lowest, term.highest, term.step,
                  term.phase);
}

/// Removes each term that an earlier or later one holds.
void dropIncluded(std::vector<BandTerm> &terms) {
  std::vector<BandTerm> kept;
  for (size_t i = 0; i < terms.size(); ++i) {
    bool needed = true;
    for (size_t j = 0; j < terms.size() && needed; ++j)
      needed = j == i || !includes(terms[j], terms[i]);
    if (needed)
      kept.push_back(terms[i]);
  }
  terms = std::move(kept);
}

} // namespace

Status checkTerm(const BlockGrid &grid, const BandTerm &term) {
  auto bad = [](auto... parts) { return makeError(StatusCode::InvalidArgument, parts...); };
  if (term.queryFirst > term.queryPast || term.queryPast > grid.queryBlocks)
    return bad("expects a term's query blocks to ascend and be at most ", grid.queryBlocks, ", but got [",
               term.queryFirst, ", ", term.queryPast, ")");
  if (term.keyFirst > term.keyPast || term.keyPast > grid.keyBlocks)
    return bad("expects a term's key blocks to ascend and be at most ", grid.keyBlocks, ", but got [", term.keyFirst,
               ", ", term.keyPast, ")");
  auto isBound = [](int64_t bound) { return bound >= -BandTerm::unbounded && bound <= BandTerm::unbounded; };
  if (!isBound(term.lowest) || !isBound(term.highest))
    return bad("expects a term's distances to be within 2^32, but got [", term.lowest, ", ", term.highest, "]");
  if (term.step == 0 || term.phase >= term.step)
    return bad("expects a term's phase to be below its step, but got phase ", term.phase, " and step ", term.step);
  return {};
}

std::optional<BandTerm> tighten(const BandTerm &term) {
  BandTerm tight = term;
  if (tight.queryFirst >= tight.queryPast || tight.keyFirst >= tight.keyPast || !tightenBounds(tight))
    return std::nullopt;
  // Aligned distances may leave the first and last rows and keys without pairs, and the other way round.
  for (BandTerm before; tight.step > 1 && before != tight;) {
    before = tight;
    if (!alignDistances(tight) || !tightenBounds(tight))
      return std::nullopt;
  }
  return tight;
}

bool includes(const BandTerm &outer, const BandTerm &inner) {
  bool sameDiagonals = outer.step == 1;
  if (!sameDiagonals) {
    int64_t distance = inner.lowest - outer.phase;
    bool single = inner.lowest == inner.highest;
    sameDiagonals = distance % outer.step == 0 && (single || inner.step % outer.step == 0);
  }
  return sameDiagonals && outer.queryFirst <= inner.queryFirst && outer.queryPast >= inner.queryPast &&
         outer.keyFirst <= inner.keyFirst && outer.keyPast >= inner.keyPast && outer.lowest <= inner.lowest &&
         outer.highest >= inner.highest;
}

BandTerm transpose(const BandTerm &term) {
  uint32_t phase = term.phase == 0 ? 0 : term.step - term.phase;
  return {term.keyFirst, term.keyPast, term.queryFirst, term.queryPast, -term.highest, -term.lowest, term.step, phase};
}

std::optional<BandTerm> intersect(const BandTerm &a, const BandTerm &b) {
  BandTerm both;
  both.queryFirst = std::max(a.queryFirst, b.queryFirst);
  both.queryPast = std::min(a.queryPast, b.queryPast);
  both.keyFirst = std::max(a.keyFirst, b.keyFirst);
  both.keyPast = std::min(a.keyPast, b.keyPast);
  both.lowest = std::max(a.lowest, b.lowest);
  both.highest = std::min(a.highest, b.highest);
  if (both.queryFirst >= both.queryPast || both.keyFirst >= both.keyPast || both.lowest > both.highest)
    return std::nullopt;
  std::optional<CommonStep> common = commonStep(a, b);
  if (!common)
    return std::nullopt;
  // A step of the size of the grid keeps one distance at most, which needs no step.
  if (common->step > int64_t(BlockGrid::maxBlocks) * 2) {
    both.lowest += residue(common->phase - both.lowest, common->step);
    both.highest = std::min(both.highest, both.lowest);
    if (both.lowest > both.highest)
      return std::nullopt;
    return tighten(both);
  }
  both.step = static_cast<uint32_t>(common->step);
  both.phase = static_cast<uint32_t>(common->phase);
  return tighten(both);
}

bool subtract(const BandTerm &a, const BandTerm &b, std::vector<BandTerm> &pieces) {
  std::optional<BandTerm> both = intersect(a, b);
  if (!both) {
    pieces.push_back(a);
    return true;
  }
  size_t before = pieces.size();
  BandTerm rest = a;
  appendPart(rest, pieces, [&](BandTerm &part) { part.queryPast = std::min(part.queryPast, b.queryFirst); });
  appendPart(rest, pieces, [&](BandTerm &part) { part.queryFirst = std::max(part.queryFirst, b.queryPast); });
  rest.queryFirst = std::max(rest.queryFirst, b.queryFirst);
  rest.queryPast = std::min(rest.queryPast, b.queryPast);
  appendPart(rest, pieces, [&](BandTerm &part) { part.keyPast = std::min(part.keyPast, b.keyFirst); });
  appendPart(rest, pieces, [&](BandTerm &part) { part.keyFirst = std::max(part.keyFirst, b.keyPast); });
  rest.keyFirst = std::max(rest.keyFirst, b.keyFirst);
  rest.keyPast = std::min(rest.keyPast, b.keyPast);
  appendPart(rest, pieces, [&](BandTerm &part) { part.highest = std::min(part.highest, b.lowest - 1); });
  appendPart(rest, pieces, [&](BandTerm &part) { part.lowest = std::max(part.lowest, b.highest + 1); });
  rest.lowest = std::max(rest.lowest, b.lowest);
  rest.highest = std::min(rest.highest, b.highest);
  std::optional<BandTerm> core = tighten(rest);
  if (core && !includes(b, *core) && !appendSkippedDiagonals(*core, b, pieces)) {
    pieces.resize(before);
    return false;
  }
  return true;
}

std::vector<BandTerm> simplify(const std::vector<BandTerm> &terms) {
  std::vector<BandTerm> tight;
  for (const BandTerm &term : terms)
    if (std::optional<BandTerm> some = tighten(term))
      tight.push_back(*some);
  std::sort(tight.begin(), tight.end(), [](const BandTerm &a, const BandTerm &b) { return orderOf(a) < orderOf(b); });
  tight.erase(std::unique(tight.begin(), tight.end()), tight.end());
  if (tight.size() <= comparedTerms)
    dropIncluded(tight);
  tight.shrink_to_fit();
  return tight;
}

} // namespace sparse_attn::mask
