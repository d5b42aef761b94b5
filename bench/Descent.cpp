//===- Descent.cpp - Listing the tiles of captured documents --------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"
#include "Problem.h"

#include "sparse_attn/Device.h"
#include "sparse_attn/MaskCache.h"

#include <algorithm>
#include <random>

namespace sparse_attn::bench {

namespace {

/// Documents of random lengths, one behind another.
std::vector<int32_t> makeDocuments(int64_t length, int64_t documents) {
  std::mt19937_64 random(7);
  std::vector<int64_t> starts;
  for (int64_t i = 1; i < documents; ++i)
    starts.push_back(static_cast<int64_t>(random() % static_cast<uint64_t>(length)));
  std::sort(starts.begin(), starts.end());
  std::vector<int32_t> ids(static_cast<size_t>(length));
  for (int64_t start : starts)
    ++ids[static_cast<size_t>(start)];
  for (size_t i = 1; i < ids.size(); ++i)
    ids[i] += ids[i - 1];
  return ids;
}

struct Case {
  Pattern pattern;
  int64_t documents;
  int64_t length;
  double milliseconds; ///< The bar.
};

/// The arguments of a case. Query, key and value need no data.
struct CaseArguments {
  explicit CaseArguments(const Case &what)
      : ids(makeDocuments(what.length, what.documents)),
        array(makeArray(nullptr, DType::F32, Shape{4, {1, 1, what.length, 64}})),
        values{array, array, array, makeArray(ids.data(), DType::I32, Shape{1, {what.length}})} {}

  std::vector<int32_t> ids;
  Value array;
  std::vector<Value> values;
};

/// `prepare` once more, with a cache that has the lists: it finds them by a hash of the captured array, or by a
/// version.
void addCachedRow(Bench &bench, const Case &what, bool hasVersion) {
  std::string name = std::to_string(what.documents) + " " + what.pattern.name + " at " + std::to_string(what.length);
  bench.row(name + (hasVersion ? ", again, by version" : ", again, by content"), [&](Row &row) {
    CaseArguments arguments(what);
    std::shared_ptr<const Artifact> artifact = bench.compiler.open(moduleText(what.pattern, DType::F32, 64), "native");
    MaskCache cache(size_t(64) << 20);
    PrepareOptions options;
    options.cache = &cache;
    if (hasVersion)
      options.versions = {std::nullopt, std::nullopt, std::nullopt, 1};
    auto first = [&] { prepare(artifact, arguments.values); };
    auto again = [&] { prepare(artifact, arguments.values, options); };
    again();
    std::vector<double> seconds = measure({first, again}, bench.effort()).seconds;
    row.measured = format(1e3 * seconds[1], 3, " ms");
    row.reference = "first " + format(1e3 * seconds[0], 2, " ms");
    row.figure = seconds[0] / seconds[1];
    row.unit = "x";
  });
}

/// Two rows: the time of `prepare`, and the bytes of its lists.
void addRows(Bench &bench, const Case &what) {
  std::string name = std::to_string(what.documents) + " " + what.pattern.name + " at " + std::to_string(what.length);
  std::shared_ptr<const Plan> plan;
  bench.row(name + ", time", [&](Row &row) {
    CaseArguments arguments(what);
    std::shared_ptr<const Artifact> artifact = bench.compiler.open(moduleText(what.pattern, DType::F32, 64), "native");
    auto work = [&] { plan = prepare(artifact, arguments.values); };
    row.figure = 1e3 * measure({work}, bench.effort()).seconds[0];
    row.unit = "ms";
    row.bar.atMost = what.milliseconds;
    row.note = plan->budgetExceeded() ? "stopped early on its budget" : "";
  });
  if (plan)
    bench.row(name + ", lists", [&](Row &row) {
      row.figure = static_cast<double>(plan->step(0).listBytes) / (1 << 20);
      row.unit = "MiB";
      row.bar.atMost = 1;
      TileCounts tiles = plan->tiles();
      row.note =
          "visits " +
          format(100 * static_cast<double>(tiles.partial + tiles.full) / static_cast<double>(tiles.total), 2, " %");
    });
}

} // namespace

void benchDescent(Bench &bench) {
  check(setThreadCount(1));
  bench.beginSection("Descent: `prepare` of captured documents, one thread");
  for (bool causal : {false, true}) {
    addRows(bench, {documentPattern(causal), 64, 262144, 20});
    addRows(bench, {documentPattern(causal), 8, int64_t(1) << 20, 50});
  }
  for (bool hasVersion : {false, true})
    addCachedRow(bench, {documentPattern(true), 8, int64_t(1) << 20, 50}, hasVersion);
}

} // namespace sparse_attn::bench
