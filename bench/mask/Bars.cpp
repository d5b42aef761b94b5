//===- Bars.cpp - The mask of a million tokens and its bars ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "MaskBench.h"
#include "sparse_attn/Device.h"
#include "sparse_attn/MaskFile.h"
#include "sparse_attn/MaskLists.h"

#include <algorithm>

namespace sparse_attn::bench {

namespace {

constexpr double mebibyte = 1 << 20;

Row rowOf(const std::string &name, double figure, const std::string &unit, double atMost,
          const std::string &reference = "") {
  Row row;
  row.name = name;
  row.figure = figure;
  row.unit = unit;
  row.bar.atMost = atMost;
  row.reference = reference;
  return row;
}

/// The least time that passed; says something on an idle machine only.
double leastWallSeconds(int repeats, const std::function<void()> &work) {
  double least = 1e9;
  for (int i = 0; i < repeats; ++i) {
    double start = wallSeconds();
    work();
    least = std::min(least, wallSeconds() - start);
  }
  return least;
}

/// Lists of 16 bits, in memory that was written before.
class ListMemory {
public:
  explicit ListMemory(const BlockMask &mask) {
    ListSizes sizes = valueOf(listSizes(mask, nullptr, options));
    offsets.resize(sizes.offsets);
    blocks.resize(sizes.full);
  }
  void fill(const BlockMask &mask) {
    check(exportLists(mask, nullptr, options, {offsets.data(), blocks.data(), nullptr, nullptr}));
  }

private:
  const ListOptions options = {ListEntry::Block16, ListOffset::Bits32, 1};
  std::vector<uint32_t> offsets;
  std::vector<uint16_t> blocks;
};

void benchMemory(Table &table, const MaskSample &sample, const BlockMask &mask) {
  table.add(rowOf("heap", static_cast<double>(mask.stats().heapBytes) / mebibyte, "MiB", 8, "study 70.63 MiB"));
  const MaskShape &shape = sample.shape();
  BlockMask structured =
      valueOf(BlockMask::fromTerms(shape.grid(), {BandTerm::band(shape.grid(), -256, 255),
                                                  BandTerm::rectangle({0, shape.blocks}, {0, shape.global})}));
  table.add(rowOf("heap, structure alone", static_cast<double>(structured.stats().heapBytes) / 1024, "KiB", 4));
  size_t blob = valueOf(blobBytes(mask, nullptr));
  table.add(rowOf("blob for upload", static_cast<double>(blob) / mebibyte, "MiB", 8));
  std::vector<uint8_t> file;
  check(saveMask(mask, file));
  table.add(rowOf("file", static_cast<double>(file.size()) / mebibyte, "MiB", 8.25));
}

void benchBuild(Table &table, const MaskSample &sample, const Effort &effort) {
  check(setThreadCount(2));
  double wall = leastWallSeconds(10 * effort.minRepeats, [&] { sample.build({Representation::Automatic, 2}); });
  check(setThreadCount(1));
  double alone = medianSeconds(effort, [&] { sample.build({Representation::Automatic, 1}); });
  Row row = rowOf("build, 2 threads", 1e3 * wall, "ms", 30, "study 620 ms");
  row.measured = format(1e3 * alone, 2, " ms alone");
  table.add(row);
}

void benchQueries(Table &table, const MaskSample &sample, const BlockMask &mask, const Effort &effort) {
  std::vector<uint32_t> out(sample.shape().blocks);
  const std::vector<uint32_t> &questions = sample.questions();
  double perQuestion = 1e6 / static_cast<double>(questions.size());
  double row = medianSeconds(effort, [&] {
    for (uint32_t q : questions)
      mask.activeBlocks(q, out.data());
  });
  table.add(rowOf("row to a list", perQuestion * row, "us", 0.25, "study 5 us"));
  double both = medianSeconds(effort, [&] {
    for (size_t i = 0; i < questions.size(); ++i)
      mask.intersection(questions[i], questions[questions.size() - 1 - i], out.data());
  });
  table.add(rowOf("two rows, what they share", perQuestion * both, "us", 1, "study 3 us"));
}

void benchLists(Table &table, const BlockMask &mask, const Effort &effort) {
  ListMemory memory(mask);
  double lists = medianSeconds(effort, [&] { memory.fill(mask); });
  table.add(rowOf("export, lists of 16 bits", 1e3 * lists, "ms", 6));
  double transpose = medianSeconds(effort, [&] { mask.transpose(1); });
  table.add(rowOf("transpose", 1e3 * transpose, "ms", 20));
  BlockMask transposed = mask.transpose(1);
  double transposedLists = medianSeconds(effort, [&] { memory.fill(transposed); });
  table.add(rowOf("export of the transpose", 1e3 * transposedLists, "ms", 6));
}

void benchFile(Table &table, const BlockMask &mask, const Effort &effort) {
  std::vector<uint8_t> file;
  MaskLoadOptions options;
  options.freeze.threads = 1;
  double seconds = medianSeconds(effort, [&] {
    file.clear();
    check(saveMask(mask, file));
    check(loadMask(file.data(), file.size(), options).status());
  });
  table.add(rowOf("save, load and validate", 1e3 * seconds, "ms", 15));
}

/// Not held against a bar.
void benchAlgebra(Table &table, const BlockMask &mask, const Effort &effort) {
  const BlockGrid &grid = mask.grid();
  BlockMask causal = valueOf(BlockMask::fromTerms(grid, {BandTerm::causal(grid)}));
  BlockMask transposed = mask.transpose(1);
  auto add = [&](const std::string &name, const std::function<void()> &work) {
    Row row;
    row.name = name;
    row.figure = 1e3 * medianSeconds(effort, work);
    row.unit = "ms";
    table.add(row);
  };
  const FreezeOptions alone = {Representation::Automatic, 1};
  add("and, with a causal mask", [&] { check(conjunction(mask, causal, alone).status()); });
  add("and, with its transpose", [&] { check(conjunction(mask, transposed, alone).status()); });
  add("or, with its transpose", [&] { check(disjunction(mask, transposed, alone).status()); });
  add("and not, with its transpose", [&] { check(difference(mask, transposed, alone).status()); });
  add("union of all rows", [&] { mask.unionOfRows(0, grid.queryBlocks); });
}

} // namespace

double medianSeconds(const Effort &effort, const std::function<void()> &work) {
  work();
  std::vector<double> times;
  double spent = 0;
  while (times.size() < static_cast<size_t>(effort.minRepeats) || spent < effort.seconds) {
    double start = threadSeconds();
    work();
    times.push_back(threadSeconds() - start);
    spent += times.back();
  }
  return median(times);
}

void benchBars(Table &table, const MaskSample &sample, const Effort &effort) {
  table.beginSection("A mask of " + sample.shape().description());
  benchBuild(table, sample, effort);
  BlockMask mask = sample.build({Representation::Automatic, 1});
  benchMemory(table, sample, mask);
  benchQueries(table, sample, mask, effort);
  benchLists(table, mask, effort);
  benchFile(table, mask, effort);
  benchAlgebra(table, mask, effort);
}

} // namespace sparse_attn::bench
