//===- BlockScoresMeans.cpp - Products of the means of blocks -------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Threads.h"
#include "mask/BlockScoresMethods.h"
#include "mask/BlockScoresPanels.h"
#include "mask/BlockScoresRows.h"
#include "sparse_attn/Device.h"

#include <algorithm>
#include <limits>

namespace sparse_attn::mask {

namespace {

class MeanScorer {
public:
  explicit MeanScorer(const ScoreProblem &problem)
      : problem(problem), blocks(problem.blocks), width(problem.headSize()),
        headPanels(Panels::countOf(blocks.keyBlocks())),
        means(problem.batch() * problem.keyHeads() * headPanels, width) {}

  void run() {
    int64_t keyHeads = problem.batch() * problem.keyHeads();
    parallelChunks(keyHeads * headPanels, 1, threadCount(),
                   [&](int32_t, int64_t begin, int64_t) { poolKeys(begin / headPanels, begin % headPanels); });
    int64_t stripes = (blocks.queryBlocks() + stripeRows - 1) / stripeRows;
    int64_t queryHeads = problem.batch() * problem.queryHeads();
    parallelChunks(queryHeads * stripes, 1, threadCount(), [&](int32_t, int64_t begin, int64_t) {
      scoreStripe(begin / stripes, begin % stripes * stripeRows);
    });
  }

private:
  /// Fills one panel of the means of `head`, a number in [0, batch * key heads).
  void poolKeys(int64_t head, int64_t panel) {
    HeadRows keys(problem.key, head / problem.keyHeads(), head % problem.keyHeads());
    means.clear(head * headPanels + panel);
    std::vector<float> mean(static_cast<size_t>(width));
    int64_t past = std::min((panel + 1) * panelRows, blocks.keyBlocks());
    for (int64_t block = panel * panelRows; block < past; ++block) {
      int64_t begin = block * blocks.keyBlockSize;
      keys.readMean(begin, std::min(begin + blocks.keyBlockSize, blocks.keyLength), 1.0f, mean.data());
      means.write(head * headPanels * panelRows + block, 0, mean.data(), width);
    }
  }

  /// Scores query blocks [first, first + stripeRows) of `head`, a number in [0, batch * query heads).
  void scoreStripe(int64_t head, int64_t first) {
    int64_t b = head / problem.queryHeads(), h = head % problem.queryHeads();
    int64_t rows = std::min(stripeRows, blocks.queryBlocks() - first);
    std::vector<float> left(static_cast<size_t>(rows * width));
    HeadRows queries(problem.query, b, h);
    for (int64_t r = 0; r < rows; ++r) {
      int64_t begin = (first + r) * blocks.queryBlockSize;
      queries.readMean(begin, std::min(begin + blocks.queryBlockSize, blocks.queryLength), problem.scale,
                       left.data() + r * width);
    }
    int64_t panels = Panels::countOf(visibleBlocks(first + rows - 1));
    std::vector<float> products(static_cast<size_t>(rows * panels * panelRows));
    int64_t keyHead = b * problem.keyHeads() + h / problem.groupSize();
    means.multiply(left.data(), rows, keyHead * headPanels, panels, products.data());
    for (int64_t r = 0; r < rows; ++r)
      writeRow(problem.row(b, h, first + r), products.data() + r * panels * panelRows, visibleBlocks(first + r));
  }

  /// Key blocks of query block `index` that are scored.
  int64_t visibleBlocks(int64_t index) const {
    return problem.causal ? blocks.visibleKeyBlocks(index) : blocks.keyBlocks();
  }

  void writeRow(float *out, const float *products, int64_t visible) const {
    std::copy_n(products, visible, out);
    std::fill(out + visible, out + blocks.keyBlocks(), -std::numeric_limits<float>::infinity());
  }

  const ScoreProblem &problem;
  const SequenceBlocks &blocks;
  const int64_t width;
  const int64_t headPanels; ///< Panels of one key head.
  Panels means;             ///< Of the key blocks, head by head.
};

} // namespace

void scoreByMeans(const ScoreProblem &problem) { MeanScorer(problem).run(); }

} // namespace sparse_attn::mask
