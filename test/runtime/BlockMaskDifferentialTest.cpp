//===- BlockMaskDifferentialTest.cpp - Random programs --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A program works on a few masks: builds, combines, transposes, converts and
// asks. A byte matrix follows every step.
//
//===----------------------------------------------------------------------===//

#include "BlockMaskOracle.h"
#include "sparse_attn/MaskLists.h"

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

constexpr int programs = 10000;
constexpr int steps = 8;

/// A mask and what it should be.
struct Variable {
  BlockMask mask;
  ByteMatrix matrix;
};

class Program {
public:
  explicit Program(uint32_t seed) : random(seed), grid(pickGrid()) {
    for (int i = 0; i < 3; ++i)
      variables.push_back({*BlockMask::fromTerms(grid, {}), ByteMatrix(grid)});
  }

  void run() {
    for (int step = 0; step < steps; ++step)
      ASSERT_NO_FATAL_FAILURE(runStep()) << "step " << step << ", " << grid;
    for (const Variable &variable : variables)
      ASSERT_NO_FATAL_FAILURE(expectSame(variable.mask, variable.matrix)) << "at the end, " << grid;
  }

private:
  BlockGrid pickGrid() {
    if (pick(random, 0, 499) == 0) // Several slabs.
      return pick(random, 0, 1) == 0 ? BlockGrid{1, 65537, 1, 1} : BlockGrid{65600, 1, 1, 1};
    uint32_t most = pick(random, 0, 9) == 0 ? 100 : 24;
    return {pick(random, 1, most), pick(random, 1, most), 16, 16};
  }

  FreezeOptions pickOptions() {
    constexpr Representation kinds[] = {Representation::Automatic, Representation::TermsAndRows,
                                        Representation::PackedBits, Representation::Roaring};
    return {kinds[pick(random, 0, 3)], static_cast<int32_t>(pick(random, 1, 2))};
  }

  Variable &pickVariable() { return variables[pick(random, 0, 2)]; }

  void runStep() {
    switch (pick(random, 0, 9)) {
    case 0:
    case 1:
    case 2:
      return build();
    case 3:
    case 4:
    case 5:
      return combine();
    case 6:
      return transposeTwice();
    case 7:
      return convertOne();
    case 8:
      return askRows();
    default:
      return exportOne();
    }
  }

  void build() {
    BlockMaskBuilder builder(grid);
    ByteMatrix matrix(grid);
    for (uint32_t additions = pick(random, 0, 5); additions != 0; --additions)
      ASSERT_NO_FATAL_FAILURE(add(builder, matrix));
    pickVariable() = {frozen(builder, pickOptions()), matrix};
  }

  void add(BlockMaskBuilder &builder, ByteMatrix &matrix) {
    switch (pick(random, 0, 5)) {
    case 0: {
      BandTerm term = pickTerm(random, grid);
      matrix.addTerm(term);
      ASSERT_TRUE(builder.addTerm(term).isOk());
      return;
    }
    case 1: {
      uint32_t q = pick(random, 0, grid.queryBlocks - 1);
      std::vector<uint32_t> keys(pick(random, 0, 20));
      for (uint32_t &key : keys)
        matrix.at(q, key = pick(random, 0, grid.keyBlocks - 1)) = 1;
      ASSERT_TRUE(builder.addAttention(q, keys).isOk());
      return;
    }
    case 2: {
      uint32_t q = pick(random, 0, grid.queryBlocks - 1);
      BlockRange range = pickRange(random, grid.keyBlocks);
      for (uint32_t k = range.first; k < range.past; ++k)
        matrix.at(q, k) = 1;
      ASSERT_TRUE(builder.addRange(q, range.first, range.past).isOk());
      return;
    }
    case 3: {
      std::vector<int32_t> pairs(2 * pick(random, 0, 60));
      for (size_t i = 0; i < pairs.size(); i += 2) {
        pairs[i] = static_cast<int32_t>(pick(random, 0, grid.queryBlocks - 1));
        pairs[i + 1] = static_cast<int32_t>(pick(random, 0, grid.keyBlocks - 1));
        matrix.at(static_cast<uint32_t>(pairs[i]), static_cast<uint32_t>(pairs[i + 1])) = 1;
      }
      ASSERT_TRUE(builder.addPairs(pairs.data(), pairs.data() + 1, pairs.size() / 2, 2).isOk());
      return;
    }
    case 4: {
      std::vector<uint8_t> dense(matrix.bytes.size());
      uint32_t oneIn = pick(random, 2, 30);
      for (size_t i = 0; i < dense.size(); ++i)
        matrix.bytes[i] |= dense[i] = random() % oneIn == 0;
      ASSERT_TRUE(builder.addDense(dense.data(), grid.keyBlocks).isOk());
      return;
    }
    default: {
      const Variable &other = pickVariable();
      for (size_t i = 0; i < matrix.bytes.size(); ++i)
        matrix.bytes[i] |= other.matrix.bytes[i];
      ASSERT_TRUE(builder.addMask(other.mask).isOk());
    }
    }
  }

  void combine() {
    const Variable &a = pickVariable(), &b = pickVariable();
    ByteMatrix matrix(grid);
    uint32_t kind = pick(random, 0, 2);
    for (size_t i = 0; i < matrix.bytes.size(); ++i) {
      bool inA = a.matrix.bytes[i], inB = b.matrix.bytes[i];
      matrix.bytes[i] = kind == 0 ? inA && inB : kind == 1 ? inA || inB : inA && !inB;
    }
    constexpr Result<BlockMask> (*operations[])(const BlockMask &, const BlockMask &,
                                                const FreezeOptions &) = {conjunction, disjunction, difference};
    Result<BlockMask> mask = operations[kind](a.mask, b.mask, pickOptions());
    ASSERT_TRUE(mask.isOk());
    ASSERT_EQ(mask->count(), matrix.count());
    pickVariable() = {*mask, matrix};
  }

  void transposeTwice() {
    Variable &variable = pickVariable();
    BlockMask transposed = variable.mask.transpose();
    ASSERT_EQ(transposed, maskOf(variable.matrix.transposed(), pickOptions()));
    variable.mask = transposed.transpose();
  }

  void convertOne() {
    Variable &variable = pickVariable();
    BlockMask converted = *variable.mask.withRepresentation(pickOptions());
    ASSERT_EQ(converted, variable.mask);
    ASSERT_EQ(converted.contentHash(), variable.mask.contentHash());
    variable.mask = converted;
    const Variable &other = pickVariable();
    bool equal = other.matrix.bytes == variable.matrix.bytes;
    ASSERT_EQ(other.mask == variable.mask, equal);
    ASSERT_EQ(other.mask.contentHash() == variable.mask.contentHash(), equal);
  }

  void askRows() {
    const Variable &variable = pickVariable();
    uint32_t q1 = pick(random, 0, grid.queryBlocks - 1), q2 = pick(random, 0, grid.queryBlocks - 1);
    std::vector<uint32_t> a = variable.matrix.row(q1), b = variable.matrix.row(q2), both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    ASSERT_EQ(variable.mask.intersection(q1, q2), both);
    ASSERT_EQ(variable.mask.intersectionCount(q1, q2), both.size());
    std::vector<uint32_t> joined;
    for (uint32_t q = std::min(q1, q2); q <= std::max(q1, q2); ++q) {
      std::vector<uint32_t> row = variable.matrix.row(q);
      joined.insert(joined.end(), row.begin(), row.end());
    }
    std::sort(joined.begin(), joined.end());
    joined.erase(std::unique(joined.begin(), joined.end()), joined.end());
    ASSERT_EQ(variable.mask.unionOfRows(std::min(q1, q2), std::max(q1, q2) + 1), rangesOf(joined));
  }

  /// The full list of a \ b, the partial list of a n b.
  void exportOne() {
    const Variable &a = pickVariable(), &b = pickVariable();
    BlockMask partial = *conjunction(a.mask, b.mask, pickOptions());
    ListOptions options = {ListEntry::Block32, ListOffset::Bits64, static_cast<int32_t>(pick(random, 1, 2))};
    Result<ListSizes> sizes = listSizes(a.mask, &partial, options);
    ASSERT_TRUE(sizes.isOk());
    std::vector<int64_t> fullOffsets(sizes->offsets), partialOffsets(sizes->offsets);
    std::vector<uint32_t> full(sizes->full), partialBlocks(sizes->partial);
    ASSERT_TRUE(exportLists(a.mask, &partial, options,
                            {fullOffsets.data(), full.data(), partialOffsets.data(), partialBlocks.data()})
                    .isOk());
    size_t nextFull = 0, nextPartial = 0;
    for (uint32_t q = 0; q < grid.queryBlocks; ++q) {
      ASSERT_EQ(fullOffsets[q], static_cast<int64_t>(nextFull));
      for (uint32_t k : a.matrix.row(q))
        if (b.matrix.at(q, k))
          ASSERT_EQ(partialBlocks[nextPartial++], k);
        else
          ASSERT_EQ(full[nextFull++], k);
    }
    ASSERT_EQ(nextFull, full.size());
    ASSERT_EQ(nextPartial, partialBlocks.size());
  }

  std::mt19937 random;
  BlockGrid grid;
  std::vector<Variable> variables;
};

TEST(BlockMaskDifferential, RandomPrograms) {
  for (uint32_t seed = 1; seed <= programs; ++seed)
    ASSERT_NO_FATAL_FAILURE(Program(seed).run()) << "program " << seed;
}

} // namespace
