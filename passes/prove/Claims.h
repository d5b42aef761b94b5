//===- Claims.h - What is claimed about patterns and schedules --*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each claim is about one term (a band, a range, a pair of ranges), so that no
// proof is large, and none needs a quantifier.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_PROVE_CLAIMS_H
#define SPARSE_ATTN_PASSES_PROVE_CLAIMS_H

#include "passes/prove/Claim.h"

namespace mlir::sparse_attn::prove {

using Claims = SmallVectorImpl<Claim>;

/// The bands of a pattern hold the pairs that its predicate holds for, and their bounds are monotone: within the
/// residue classes of `modulo`, where that is above 1. None for a pattern without bands.
void addBandClaims(PatternOp pattern, int64_t modulo, Claims &claims);

/// Positions that are no multiple of the schedule's modulo apart do not see each other, and each row is a row of one
/// query tile of one class. None for a schedule over all positions.
void addClassClaims(PatternOp pattern, ScheduleOp schedule, Claims &claims);

/// No pair attends in two of the parts that a pattern has been taken apart into, and those that attend in one are those
/// that attend in the pattern.
void addPartClaims(PatternOp pattern, ArrayRef<PatternOp> parts, Claims &claims);

/// Where the coverage of a rectangle is "not any", none of its pairs attends; where it is "all", all do. Coverage is
/// what `plan` computes, or what the pattern says where there is no plan.
void addCoverageClaims(PatternOp pattern, PlanOp plan, Claims &claims);

/// A schedule in closed form visits every tile with a pair that attends, once, and its full tiles need no mask.
void addScheduleClaims(PatternOp pattern, ScheduleOp schedule, Claims &claims);

/// Every visited tile holds a pair that attends, and every tile that could be full is. A schedule that is not tight
/// costs time, and is right all the same: these claims are optional.
void addTightnessClaims(PatternOp pattern, ScheduleOp schedule, Claims &claims);

} // namespace mlir::sparse_attn::prove

#endif // SPARSE_ATTN_PASSES_PROVE_CLAIMS_H
