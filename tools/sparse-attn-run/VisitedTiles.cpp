//===- VisitedTiles.cpp - Which tiles a plan visits -----------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VisitedTiles.h"

#include "support/InputError.h"

#include <algorithm>
#include <vector>

namespace sparse_attn::tools::run {

namespace {

/// Appends the tiles of one item as rows of five numbers.
void appendItem(const Plan &plan, size_t step, int64_t item, std::vector<int32_t> &rows) {
  StepInfo info = plan.step(step);
  int64_t heads = info.query.size[1], queryTiles = info.items / (info.query.size[0] * heads);
  std::vector<uint32_t> partial, full;
  if (Status status = plan.visitedTiles(step, item, partial, full); !status.isOk())
    fail(status.message());
  for (const std::vector<uint32_t> *tiles : {&partial, &full})
    for (uint32_t tile : *tiles)
      rows.insert(rows.end(),
                  {static_cast<int32_t>(item / queryTiles / heads), static_cast<int32_t>(item / queryTiles % heads),
                   static_cast<int32_t>(item % queryTiles), static_cast<int32_t>(tile), tiles == &full});
}

} // namespace

Array visitedTiles(const Plan &plan) {
  std::vector<int32_t> rows;
  for (size_t step = 0; step < plan.stepCount(); ++step)
    for (int64_t item = 0; item < plan.step(step).items; ++item)
      appendItem(plan, step, item, rows);
  Array array(DType::I32, Shape{2, {static_cast<int64_t>(rows.size() / 5), 5}});
  std::copy(rows.begin(), rows.end(), array.data<int32_t>());
  return array;
}

} // namespace sparse_attn::tools::run
