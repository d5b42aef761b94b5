//===- TileDensity.h - How much of the masked tiles attends ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_RUN_TILEDENSITY_H
#define SPARSE_ATTN_RUN_TILEDENSITY_H

#include "sparse_attn/Plan.h"

#include <array>
#include <cstdint>
#include <optional>

namespace sparse_attn::tools::run {

/// The tiles that kernels visit with mask code, by the share of their pairs that attends: what is missing to all is
/// computed for nothing.
struct TileDensity {
  int64_t pairs = 0;                ///< That attend in them.
  int64_t computed = 0;             ///< All pairs of them, ragged tiles counted whole.
  std::array<int64_t, 8> eighths{}; ///< Tiles with a share from i / 8 on, and below (i + 1) / 8; the last also all.
  bool estimated = false;           ///< Counted on a sample of the work items.

  TileDensity &operator+=(const TileDensity &other);
  int64_t tiles() const;
  /// Tiles of which less than an eighth attends.
  int64_t sparseTiles() const { return eighths.front(); }
};

/// Looks at the masked tiles of one step, of items at equal distances where it would have to ask for more than 2^31
/// pairs. Batches and heads that cannot differ are counted once. Nothing where the artifact cannot name its tiles.
/// Throws an InputError where the predicate fails.
std::optional<TileDensity> measureTileDensity(const Plan &plan, size_t step);

} // namespace sparse_attn::tools::run

#endif // SPARSE_ATTN_RUN_TILEDENSITY_H
