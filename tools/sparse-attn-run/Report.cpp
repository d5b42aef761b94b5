//===- Report.cpp - What a run tells ---------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"

#include <algorithm>
#include <iomanip>
#include <limits>
#include <nlohmann/json.hpp>
#include <ostream>

namespace sparse_attn::tools::run {

namespace {

void printTiles(std::ostream &stream, const Report &report) {
  const TileCounts &tiles = report.tiles;
  int64_t visited = tiles.partial + tiles.full;
  double percent = tiles.total ? 100.0 * static_cast<double>(visited) / static_cast<double>(tiles.total) : 0;
  stream << "tiles      " << visited << " of " << tiles.total << " visited (" << std::setprecision(3) << percent
         << " %), " << tiles.full << " of them without a mask\n";
  if (report.budgetExceeded)
    stream << "           the listing of tiles stopped early; more are visited than need be\n";
}

std::string tileName(const KernelInfo &kernel, const Variant &variant) {
  std::string name = std::to_string(variant.tileQ) + "x" + std::to_string(variant.tileK);
  return kernel.modulo == 1 ? name : name + " modulo " + std::to_string(kernel.modulo);
}

/// Which of the kernels of a step runs, where there are several.
void printChoice(std::ostream &stream, const StepInfo &step) {
  if (step.choices.size() < 2)
    return;
  stream << "choice     tiles of " << tileName(*step.kernel, *step.variant);
  double least = std::numeric_limits<double>::infinity();
  for (const StepChoice &choice : step.choices)
    least = std::min(least, choice.cost);
  for (const StepChoice &choice : step.choices)
    if (choice.variant != step.variant)
      stream << "; those of " << tileName(*choice.kernel, *choice.variant) << " are estimated at "
             << std::setprecision(3) << choice.cost / least << " times the time";
  stream << '\n';
}

/// What part of the visited tiles attends: the rest is computed for nothing.
void printPairs(std::ostream &stream, const PairCount &count, int64_t visitedPairs) {
  stream << "pairs      " << count.pairs << " attend";
  if (visitedPairs > 0)
    stream << ", " << std::setprecision(3)
           << 100.0 * static_cast<double>(count.pairs) / static_cast<double>(visitedPairs)
           << " % of those in visited tiles";
  stream << (count.estimated ? " (estimated)\n" : "\n");
}

/// Where masked tiles waste most, and what could be done: worth a word where it is a good part of the work.
void printHint(std::ostream &stream, const Report &report) {
  const TileDensity &density = *report.density;
  if (density.sparseTiles() * 8 < report.tiles.partial + report.tiles.full)
    return;
  stream << "hint       " << density.sparseTiles() << " of " << density.tiles()
         << " tiles with a mask attend in less than 1/8 of their pairs: smaller tiles (--tile-q, --tile-k) may\n"
            "           leave out more, and a step that all terms of the pattern share costs nothing\n";
}

/// How much of the tiles with a mask attends.
void printDensity(std::ostream &stream, const Report &report) {
  const TileDensity &density = *report.density;
  if (density.tiles() == 0)
    return;
  stream << "masked     " << std::setprecision(3)
         << 100.0 * static_cast<double>(density.pairs) / static_cast<double>(density.computed)
         << " % of the pairs in tiles with a mask attend; tiles by eighths of that:";
  for (int64_t tiles : density.eighths)
    stream << ' ' << tiles;
  stream << (density.estimated ? " (estimated)\n" : "\n");
  printHint(stream, report);
}

void printVerification(std::ostream &stream, const Verification &found) {
  stream << "max error  " << std::setprecision(3) << found.maxError << ", tolerance " << found.tolerance;
  if (found.lseError)
    stream << "; log-sum-exp " << *found.lseError << ", tolerance " << *found.lseTolerance;
  if (found.weightsError)
    stream << "; weights " << *found.weightsError << ", tolerance " << *found.weightsTolerance;
  stream << "\n           against the reference in double precision, with the mask of the compiled predicate"
         << (found.modifiesScores ? " and the scores of the compiled region, on " : ", on ");
  if (found.rows < found.allRows)
    stream << "a sample of " << found.rows << " of " << found.allRows << " rows\n";
  else
    stream << "all " << found.allRows << " rows\n";
}

} // namespace

std::optional<double> Report::gflops() const {
  if (!milliseconds || !operations || *milliseconds <= 0)
    return std::nullopt;
  return *operations / (*milliseconds * 1e6);
}

void print(std::ostream &stream, const Report &report) {
  stream << "function   " << report.function << ", code for " << report.level << ", " << report.threads
         << (report.threads == 1 ? " thread\n" : " threads\n");
  stream << "device     " << report.deviceDescription << '\n';
  if (report.device != DeviceKind::Cpu)
    stream << "plan       " << report.deviceBytes << " bytes on the device\n";
  for (const auto &[name, value] : report.chosen)
    stream << "chosen     " << name << " = " << value << '\n';
  for (const StepInfo &step : report.steps)
    printChoice(stream, step);
  printTiles(stream, report);
  if (report.pairs)
    printPairs(stream, *report.pairs, report.visitedPairs);
  if (report.density)
    printDensity(stream, report);
  if (report.milliseconds)
    stream << "time       " << std::setprecision(4) << *report.milliseconds << " ms\n";
  if (report.gflops())
    stream << "speed      " << std::setprecision(4) << *report.gflops() << " GFLOP/s on attending pairs\n";
  if (report.verification)
    printVerification(stream, *report.verification);
}

std::string toJson(const Report &report) {
  nlohmann::ordered_json json = {{"function", report.function},
                                 {"device", deviceName(report.device)},
                                 {"level", report.level},
                                 {"threads", report.threads}};
  if (report.device != DeviceKind::Cpu)
    json["device_bytes"] = report.deviceBytes;
  for (const auto &[name, value] : report.chosen)
    json["chosen"][name] = value;
  for (const StepInfo &step : report.steps) {
    json["modulo"].push_back(step.kernel->modulo);
    json["tile_sizes"].push_back({step.variant->tileQ, step.variant->tileK});
  }
  if (report.milliseconds)
    json["time_ms"] = *report.milliseconds;
  if (report.gflops())
    json["gflops"] = *report.gflops();
  if (report.pairs) {
    json["active_pairs"] = report.pairs->pairs;
    json["active_pairs_estimated"] = report.pairs->estimated;
    json["visited_pairs"] = report.visitedPairs;
  }
  json["visited_tiles"] = report.tiles.partial + report.tiles.full;
  json["partial_tiles"] = report.tiles.partial;
  json["full_tiles"] = report.tiles.full;
  json["total_tiles"] = report.tiles.total;
  if (const auto &density = report.density) {
    json["partial_tile_pairs"] = density->pairs;
    if (density->computed > 0)
      json["partial_tile_density"] = static_cast<double>(density->pairs) / static_cast<double>(density->computed);
    json["partial_tiles_by_eighths"] = density->eighths;
    json["partial_tiles_below_eighth"] = density->sparseTiles();
    json["partial_tiles_estimated"] = density->estimated;
  }
  if (const auto &found = report.verification) {
    json["max_error"] = found->maxError;
    json["tolerance"] = found->tolerance;
    if (found->lseError) {
      json["lse_error"] = *found->lseError;
      json["lse_tolerance"] = *found->lseTolerance;
    }
    if (found->weightsError) {
      json["weights_error"] = *found->weightsError;
      json["weights_tolerance"] = *found->weightsTolerance;
    }
    json["verified_rows"] = found->rows;
    json["total_rows"] = found->allRows;
    json["verified"] = found->passed();
  }
  return json.dump(2) + "\n";
}

} // namespace sparse_attn::tools::run
