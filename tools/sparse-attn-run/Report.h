//===- Report.h - What a run tells -----------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_RUN_REPORT_H
#define SPARSE_ATTN_RUN_REPORT_H

#include "Pairs.h"
#include "RunDevice.h"
#include "TileDensity.h"
#include "Verify.h"

#include "sparse_attn/Plan.h"

#include <iosfwd>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sparse_attn::tools::run {

/// All that a run found out.
struct Report {
  std::string function;
  DeviceKind device = DeviceKind::Cpu;
  std::string deviceDescription;
  size_t deviceBytes = 0; ///< That the plan holds on an accelerator.
  std::string level;      ///< CPU level, or architecture of the GPU, of the code that ran.
  int threads = 0;
  std::vector<std::pair<std::string, int64_t>> chosen; ///< Captured numbers that a share of tiles decided.
  TileCounts tiles;
  std::vector<StepInfo> steps;
  bool budgetExceeded = false;        ///< More tiles are visited than need be.
  std::optional<double> milliseconds; ///< Median time of a run.
  std::optional<PairCount> pairs;     ///< Attending pairs.
  int64_t visitedPairs = 0;           ///< In visited tiles, ragged ones counted whole; known where `pairs` are.
  std::optional<TileDensity> density; ///< Of the masked tiles.
  std::optional<double> operations;   ///< 4 x attending pairs x head size, over the steps.
  std::optional<Verification> verification;

  /// Operations on attending pairs a second, in 10^9; only where time and pairs are known.
  std::optional<double> gflops() const;
};

/// Prints a report for people.
void print(std::ostream &stream, const Report &report);

/// A report as JSON. Keys: function, device, level, threads, device_bytes, chosen, modulo, tile_sizes, time_ms, gflops,
/// active_pairs, active_pairs_estimated, visited_pairs, visited_tiles, partial_tiles, full_tiles, total_tiles,
/// partial_tile_pairs, partial_tile_density (the share of these pairs in their tiles), partial_tiles_by_eighths,
/// partial_tiles_below_eighth, partial_tiles_estimated, max_error, tolerance, lse_error, lse_tolerance, verified_rows,
/// total_rows, verified. What was not asked for is absent, and so are device_bytes on the CPU; an infinite error is
/// null.
std::string toJson(const Report &report);

} // namespace sparse_attn::tools::run

#endif // SPARSE_ATTN_RUN_REPORT_H
