//===- ScheduleBuilder.h - The schedule of a pattern with bands -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_SCHEDULEBUILDER_H
#define SPARSE_ATTN_PASSES_SCHEDULEBUILDER_H

#include "dialect/SparseAttn.h"

namespace mlir::sparse_attn {

/// Emits touched and full ranges at the end of the schedule's body, which has arguments and nothing else. Fails,
/// leaving dead IR behind, where the pattern has no bands that suit.
LogicalResult buildSchedule(PatternOp pattern, ScheduleOp schedule);

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_PASSES_SCHEDULEBUILDER_H
