//===- BlockScoresAntidiagonal.cpp - Attention along antidiagonals --------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The sum along one antidiagonal is one product: of the rows of a group of keys
// laid end to end with the rows of a group of queries laid end to end, last row
// first. A shorter antidiagonal, at the ends of the sequences or at the causal
// diagonal, is the same product over the first rows only.
//
//===----------------------------------------------------------------------===//

#include "Threads.h"
#include "mask/BlockScoresMethods.h"
#include "mask/BlockScoresPanels.h"
#include "mask/BlockScoresRows.h"
#include "sparse_attn/Device.h"

#include <algorithm>
#include <cmath>

namespace sparse_attn::mask {

namespace {

/// How many pairs each antidiagonal has.
class AntidiagonalLengths {
public:
  explicit AntidiagonalLengths(const ScoreProblem &problem)
      : queryLength(problem.blocks.queryLength), keyLength(problem.blocks.keyLength), stride(problem.stride),
        causal(problem.causal) {}

  int64_t queryGroups() const { return (queryLength + stride - 1) / stride; }
  int64_t keyGroups() const { return (keyLength + stride - 1) / stride; }
  /// Rows of query group i.
  int64_t rows(int64_t i) const { return std::min(stride, queryLength - i * stride); }

  /// Key groups, from the first on, that query group i meets in a pair.
  int64_t visible(int64_t i) const {
    return causal ? std::clamp<int64_t>(floorDiv(lastPosition(i), stride) + 1, 0, keyGroups()) : keyGroups();
  }
  /// Key groups, from the first on, that it meets in as many pairs as it has rows.
  int64_t whole(int64_t i) const {
    int64_t groups = floorDiv(keyLength - rows(i), stride) + 1;
    if (causal)
      groups = std::min(groups, floorDiv(lastPosition(i) - 2 * (rows(i) - 1), stride) + 1);
    return std::max<int64_t>(groups, 0);
  }
  /// Pairs of query group i and key group j < visible(i): at least 1.
  int64_t pairs(int64_t i, int64_t j) const {
    int64_t count = std::min(rows(i), keyLength - j * stride);
    // Pair r is that of position last - r with key j S + r.
    return causal ? std::min(count, (lastPosition(i) - j * stride) / 2 + 1) : count;
  }

private:
  /// The position of the last query of group i.
  int64_t lastPosition(int64_t i) const { return i * stride + rows(i) - 1 + keyLength - queryLength; }

  static int64_t floorDiv(int64_t dividend, int64_t divisor) {
    return dividend / divisor - (dividend % divisor < 0 ? 1 : 0);
  }

  int64_t queryLength, keyLength, stride;
  bool causal;
};

/// All query blocks that read one key head.
class KeyHeadScorer {
public:
  KeyHeadScorer(const ScoreProblem &problem, int64_t b, int64_t keyHead)
      : problem(problem), lengths(problem), b(b), keyHead(keyHead), depth(problem.stride * problem.headSize()),
        groupsOfQueryBlock(problem.blocks.queryBlockSize / problem.stride),
        groupsOfKeyBlock(problem.blocks.keyBlockSize / problem.stride), kernels(blockScoreKernels().front()),
        keys(Panels::countOf(lengths.keyGroups()), depth) {}

  void run() {
    parallelChunks(Panels::countOf(lengths.keyGroups()), 1, threadCount(),
                   [&](int32_t, int64_t begin, int64_t) { layKeys(begin); });
    int64_t blocks = std::max<int64_t>(stripeRows / groupsOfQueryBlock, 1);
    int64_t stripes = (problem.blocks.queryBlocks() + blocks - 1) / blocks;
    parallelChunks(problem.groupSize() * stripes, 1, threadCount(), [&](int32_t, int64_t begin, int64_t) {
      // Late blocks may see more keys, and come first, so that the last to be done are short.
      int64_t first = (stripes - 1 - begin / problem.groupSize()) * blocks;
      scoreRows(keyHead * problem.groupSize() + begin % problem.groupSize(), first,
                std::min(first + blocks, problem.blocks.queryBlocks()));
    });
  }

private:
  /// What a block of queries gives to each block of keys.
  struct Masses {
    std::vector<double> ofBlocks; ///< The softmax of each group of queries, summed over blocks of keys.
    int64_t groups = 0;           ///< Groups that were added.
  };

  /// Fills one panel of `keys`.
  void layKeys(int64_t panel) {
    HeadRows rows(problem.key, b, keyHead);
    std::vector<float> row(static_cast<size_t>(rows.width));
    keys.clear(panel);
    int64_t past = std::min((panel + 1) * panelRows * problem.stride, rows.length);
    for (int64_t k = panel * panelRows * problem.stride; k < past; ++k) {
      rows.read(k, row.data());
      keys.write(k / problem.stride, k % problem.stride * rows.width, row.data(), rows.width);
    }
  }

  /// Scores query blocks [firstBlock, pastBlock).
  void scoreRows(int64_t h, int64_t firstBlock, int64_t pastBlock) {
    std::vector<Masses> masses(static_cast<size_t>(pastBlock - firstBlock));
    for (Masses &row : masses)
      row.ofBlocks.resize(static_cast<size_t>(problem.blocks.keyBlocks()));
    int64_t pastGroup = std::min(pastBlock * groupsOfQueryBlock, lengths.queryGroups());
    for (int64_t i = firstBlock * groupsOfQueryBlock; i < pastGroup; i += stripeRows)
      addStripe(h, firstBlock, i, std::min(stripeRows, pastGroup - i), masses);
    for (int64_t block = firstBlock; block < pastBlock; ++block)
      writeScores(masses[static_cast<size_t>(block - firstBlock)], problem.row(b, h, block));
  }

  /// Adds query groups [first, first + groups) to `masses`, those of the blocks from `firstBlock` on.
  void addStripe(int64_t h, int64_t firstBlock, int64_t first, int64_t groups, std::vector<Masses> &masses) const {
    std::vector<float> left(static_cast<size_t>(groups * depth));
    for (int64_t g = 0; g < groups; ++g)
      layQueries(h, first + g, left.data() + g * depth);
    int64_t panels = Panels::countOf(lengths.visible(first + groups - 1));
    std::vector<float> products(static_cast<size_t>(groups * panels * panelRows));
    keys.multiply(left.data(), groups, 0, panels, products.data());
    for (int64_t g = 0; g < groups; ++g)
      addGroup(first + g, left.data() + g * depth, products.data() + g * panels * panelRows,
               masses[static_cast<size_t>((first + g) / groupsOfQueryBlock - firstBlock)]);
  }

  /// Lays the rows of query group i end to end, last row first, scaled for a mean over as many pairs; the rest is 0.
  void layQueries(int64_t h, int64_t i, float *out) const {
    HeadRows queries(problem.query, b, h);
    int64_t rows = lengths.rows(i);
    int64_t last = i * problem.stride + rows - 1;
    for (int64_t r = 0; r < rows; ++r)
      queries.readMean(last - r, last - r + 1, problem.scale / static_cast<float>(rows), out + r * queries.width);
    std::fill(out + rows * queries.width, out + depth, 0.0f);
  }

  /// Adds the softmax of one query group, whose `products` with all keys are right where antidiagonals are whole.
  void addGroup(int64_t i, const float *queries, float *products, Masses &masses) const {
    int64_t visible = lengths.visible(i);
    if (visible == 0)
      return;
    for (int64_t j = lengths.whole(i); j < visible; ++j)
      products[j] = shortProduct(i, j, queries);
    kernels.exponentials(products, visible);
    std::vector<double> sums;
    double total = 0.0;
    for (int64_t j = 0; j < visible; j += groupsOfKeyBlock) {
      sums.push_back(sumOf(products + j, std::min(groupsOfKeyBlock, visible - j)));
      total += sums.back();
    }
    for (size_t block = 0; block < sums.size(); ++block)
      masses.ofBlocks[block] += sums[block] / total;
    ++masses.groups;
  }

  /// The mean along an antidiagonal that is shorter than the query group.
  float shortProduct(int64_t i, int64_t j, const float *queries) const {
    int64_t pairs = lengths.pairs(i, j);
    float products[panelRows];
    kernels.multiplyRow(queries, keys.panel(j / panelRows), pairs * problem.headSize(), products);
    return products[j % panelRows] * (static_cast<float>(lengths.rows(i)) / static_cast<float>(pairs));
  }

  static void writeScores(const Masses &masses, float *scores) {
    for (double mass : masses.ofBlocks)
      *scores++ = static_cast<float>(std::log(mass / static_cast<double>(std::max<int64_t>(masses.groups, 1))));
  }

  static double sumOf(const float *values, int64_t count) {
    double sum = 0.0;
    for (int64_t i = 0; i < count; ++i)
      sum += values[i];
    return sum;
  }

  const ScoreProblem &problem;
  const AntidiagonalLengths lengths;
  const int64_t b, keyHead;
  const int64_t depth; ///< Elements of a group.
  const int64_t groupsOfQueryBlock, groupsOfKeyBlock;
  const BlockScoreKernels &kernels;
  Panels keys; ///< Row j is group j.
};

} // namespace

void scoreByAntidiagonals(const ScoreProblem &problem) {
  for (int64_t b = 0; b < problem.batch(); ++b)
    for (int64_t keyHead = 0; keyHead < problem.keyHeads(); ++keyHead)
      KeyHeadScorer(problem, b, keyHead).run();
}

} // namespace sparse_attn::mask
