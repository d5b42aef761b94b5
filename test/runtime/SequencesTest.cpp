//===- SequencesTest.cpp - Sequences of different lengths -----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lengths and offsets as they are counted and read, items of batches that have
// different numbers of tiles, and an artifact with a kernel for sequences,
// written by hand: its manifest is read and refused, and its plans run.
//
//===----------------------------------------------------------------------===//

#include "HandWrittenKernels.h"
#include "Problem.h"

#include "ItemOrder.h"
#include "Sequences.h"

#include <array>
#include <numeric>

using namespace sparse_attn;
using namespace sparse_attn::test;

namespace {

//===----------------------------------------------------------------------===//
// Lengths and offsets
//===----------------------------------------------------------------------===//

using Numbers = std::vector<int32_t>;

/// The arrays of a step, with its numbers of batches and rows.
struct Arrays {
  Numbers queryLengths, keyLengths, queryOffsets, keyOffsets;
  /// Which of them there are: an array may be empty.
  bool hasQueryLengths = false, hasKeyLengths = false, hasQueryOffsets = false, hasKeyOffsets = false;
  int64_t batches = 1, queries = 100, keys = 100, keyBatches = 1;

  Arrays &withQueryLengths(Numbers numbers) { return queryLengths = std::move(numbers), hasQueryLengths = true, *this; }
  Arrays &withKeyLengths(Numbers numbers) { return keyLengths = std::move(numbers), hasKeyLengths = true, *this; }
  Arrays &withQueryOffsets(Numbers numbers) { return queryOffsets = std::move(numbers), hasQueryOffsets = true, *this; }
  Arrays &withKeyOffsets(Numbers numbers) { return keyOffsets = std::move(numbers), hasKeyOffsets = true, *this; }
  Arrays &withBatches(int64_t count) { return batches = keyBatches = count, *this; }

  SequenceArrays named() {
    static const std::string names[] = {"ql", "kl", "qo", "ko"};
    auto array = [](bool exists, Numbers &numbers, size_t index) -> std::optional<NamedArray> {
      if (!exists)
        return std::nullopt;
      Shape shape{1, {static_cast<int64_t>(numbers.size())}};
      return NamedArray{{"argument", index, &names[index]}, makeArray(numbers.data(), DType::I32, shape)};
    };
    return {array(hasQueryLengths, queryLengths, 0), array(hasKeyLengths, keyLengths, 1),
            array(hasQueryOffsets, queryOffsets, 2), array(hasKeyOffsets, keyOffsets, 3)};
  }
  Shape query() const { return {4, {batches, 2, queries, 16}}; }
  Shape key() const { return {4, {keyBatches, 2, keys, 16}}; }

  Result<int64_t> count() { return countSequences(named(), query(), key()); }
  Result<std::vector<Sequence>> read() {
    Result<int64_t> counted = count();
    EXPECT_TRUE(counted.isOk()) << counted.status().message();
    return readSequences(named(), *counted, query(), key());
  }
};

/// First query, queries, first key, keys of each.
std::vector<std::array<int64_t, 4>> readAll(Arrays arrays) {
  Result<std::vector<Sequence>> sequences = arrays.read();
  EXPECT_TRUE(sequences.isOk()) << sequences.status().message();
  std::vector<std::array<int64_t, 4>> all;
  for (const Sequence &sequence : *sequences)
    all.push_back({sequence.firstQuery, sequence.queries, sequence.firstKey, sequence.keys});
  return all;
}

using All = std::vector<std::array<int64_t, 4>>;

TEST(Sequences, ArePadded) {
  EXPECT_EQ(readAll(Arrays().withBatches(3).withQueryLengths({5, 0, 100})),
            (All{{0, 5, 0, 100}, {0, 0, 0, 100}, {0, 100, 0, 100}}));
  EXPECT_EQ(readAll(Arrays().withBatches(2).withKeyLengths({7, 8})), (All{{0, 100, 0, 7}, {0, 100, 0, 8}}));
  EXPECT_EQ(readAll(Arrays().withBatches(2).withQueryLengths({1, 2}).withKeyLengths({7, 8})),
            (All{{0, 1, 0, 7}, {0, 2, 0, 8}}));
}

TEST(Sequences, ArePacked) {
  EXPECT_EQ(readAll(Arrays().withQueryOffsets({0, 10, 10, 100}).withKeyOffsets({3, 13, 20, 90})),
            (All{{0, 10, 3, 10}, {10, 0, 13, 7}, {10, 90, 20, 70}}));
  // Keys without offsets are those that all share.
  EXPECT_EQ(readAll(Arrays().withQueryOffsets({0, 10, 20})), (All{{0, 10, 0, 100}, {10, 10, 0, 100}}));
  EXPECT_EQ(readAll(Arrays().withQueryOffsets({0, 10, 20}).withKeyLengths({30, 40})),
            (All{{0, 10, 0, 30}, {10, 10, 0, 40}}));
  // With room behind a sequence.
  EXPECT_EQ(readAll(Arrays().withQueryOffsets({5, 10, 20}).withQueryLengths({5, 1}).withKeyOffsets({0, 50, 100})),
            (All{{5, 5, 0, 50}, {10, 1, 50, 50}}));
}

TEST(Sequences, OffsetsMayCountRowsOfEachBatch) {
  EXPECT_EQ(readAll(Arrays().withBatches(2).withQueryOffsets({0, 10, 20}).withKeyLengths({3, 4})),
            (All{{0, 10, 0, 3}, {10, 10, 0, 4}}));
  EXPECT_EQ(readAll(Arrays().withBatches(2).withKeyOffsets({40, 41, 100})), (All{{0, 100, 40, 1}, {0, 100, 41, 59}}));
}

TEST(Sequences, MayBeNone) {
  EXPECT_EQ(readAll(Arrays().withBatches(0).withQueryLengths({})), All());
  EXPECT_EQ(readAll(Arrays().withQueryOffsets({0})), All());
  EXPECT_EQ(readAll(Arrays().withQueryOffsets({7}).withKeyOffsets({9}).withKeyLengths({})), All());
  EXPECT_EQ(makeSequenceTable({}), (Numbers{0, 0, 0, 0}));
}

TEST(Sequences, NumbersDisagree) {
  struct Case {
    Arrays arrays;
    const char *message;
  };
  const Case cases[] = {
      {Arrays().withBatches(3).withQueryLengths({1, 2, 3}).withKeyLengths({1, 2}),
       "argument 'kl': expects 3 elements, for 3 sequences, but got 2"},
      {Arrays().withQueryOffsets({0, 1, 2}).withKeyOffsets({0, 1, 2, 3}),
       "argument 'ko': expects 3 elements, for 2 sequences, but got 4"},
      {Arrays().withQueryLengths({1, 2}).withQueryOffsets({0, 1}),
       "argument 'qo': expects 3 elements, for 2 sequences, but got 2"},
      {Arrays().withKeyLengths({}).withKeyOffsets({}), "argument 'ko': expects 1 elements, for 0 sequences, but got 0"},
      {Arrays().withQueryOffsets({}), "argument 'qo': expects 1 elements, for 0 sequences, but got 0"},
      {Arrays().withKeyOffsets({}), "argument 'ko': expects 1 elements, for 0 sequences, but got 0"},
      {Arrays().withQueryOffsets({}).withKeyOffsets({0}),
       "argument 'qo': expects 1 elements, for 0 sequences, but got 0"},
      {Arrays().withQueryOffsets({}).withKeyOffsets({}),
       "argument 'qo': expects 1 elements, for 0 sequences, but got 0"},
  };
  for (Case each : cases) {
    Status status = each.arrays.count().status();
    EXPECT_EQ(status.code(), StatusCode::ShapeMismatch) << each.message;
    EXPECT_EQ(status.message(), each.message);
  }
}

TEST(Sequences, BatchesDoNotMatch) {
  struct Case {
    Arrays arrays;
    const char *message;
  };
  Arrays otherKeys = Arrays().withBatches(2).withQueryLengths({1, 2});
  otherKeys.keyBatches = 1;
  const Case cases[] = {
      {Arrays().withBatches(2).withQueryLengths({1, 2, 3}), "3 sequences, or one batch and offsets of the queries, but "
                                                            "got 2 batches without offsets"},
      {Arrays().withBatches(2).withQueryOffsets({0, 1, 2, 3}),
       "3 sequences, or one batch and offsets of the queries, but got 2 batches"},
      // Two sequences would write the same rows.
      {Arrays().withKeyOffsets({0, 1, 2}),
       "2 sequences, or one batch and offsets of the queries, but got 1 batches without offsets"},
      {Arrays().withQueryLengths({1, 2}).withKeyOffsets({0, 1, 2}), "but got 1 batches without offsets"},
      {Arrays().withBatches(0).withQueryOffsets({0, 1}), "but got 0 batches"},
      {Arrays().withQueryLengths({}),
       "0 sequences, or one batch and offsets of the queries, but got 1 batches without"},
      {otherKeys, "expects a batch for each of the 2 sequences"},
  };
  for (Case each : cases) {
    Status status = each.arrays.count().status();
    EXPECT_EQ(status.code(), StatusCode::ShapeMismatch) << each.message;
    EXPECT_THAT(status.message(), testing::HasSubstr(each.message));
  }
}

TEST(Sequences, RowsMustExist) {
  struct Case {
    Arrays arrays;
    const char *message;
  };
  const char *ascend = ": expects offsets that ascend from 0 to at most 100, but got ";
  const Case cases[] = {
      {Arrays().withQueryOffsets({0, 20, 10, 100}), "argument 'qo': * 20 and 10 at 1"},
      {Arrays().withQueryOffsets({-1, 20}), "argument 'qo': * -1 and 20 at 0"},
      {Arrays().withQueryOffsets({-3, -2}), "argument 'qo': * -3 and -2 at 0"},
      {Arrays().withQueryOffsets({0, 101}), "argument 'qo': * 0 and 101 at 0"},
      {Arrays().withQueryOffsets({0, 50, INT32_MAX}), "argument 'qo': * 50 and 2147483647 at 1"},
      {Arrays().withQueryOffsets({0, 1, 2}).withKeyOffsets({0, 1, 0}), "argument 'ko': * 1 and 0 at 1"},
      {Arrays().withQueryOffsets({0, 1}).withKeyOffsets({INT32_MIN, 1}), "argument 'ko': * -2147483648 and 1 at 0"},
      {Arrays().withBatches(2).withQueryLengths({100, 101}),
       "argument 'ql': expects a length of at most 100 for sequence 1, but got 101"},
      {Arrays().withBatches(2).withQueryLengths({-1, 0}),
       "argument 'ql': expects a length of at most 100 for sequence 0, but got -1"},
      {Arrays().withBatches(1).withKeyLengths({INT32_MAX}),
       "argument 'kl': expects a length of at most 100 for sequence 0, but got 2147483647"},
      // No further than to the next sequence, even where there are rows.
      {Arrays().withQueryOffsets({0, 10, 20}).withQueryLengths({10, 11}),
       "argument 'ql': expects a length of at most 10 for sequence 1, but got 11"},
      {Arrays().withQueryOffsets({0, 10}).withKeyOffsets({90, 100}).withKeyLengths({11}),
       "argument 'kl': expects a length of at most 10 for sequence 0, but got 11"},
  };
  for (Case each : cases) {
    Status status = each.arrays.read().status();
    std::string message = each.message;
    if (size_t star = message.find(": * "); star != std::string::npos)
      message.replace(star, 4, ascend);
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument) << message;
    EXPECT_EQ(status.message(), message);
  }
}

TEST(Sequences, TableEndsInTheMost) {
  EXPECT_EQ(makeSequenceTable({{5, 10, 7, 3}, {15, 2, 10, 30}}), (Numbers{5, 10, 7, 3, 15, 2, 10, 30, 0, 10, 0, 30}));
  Sequence longest = findLongest({{5, 10, 7, 3}, {15, 2, 10, 30}});
  EXPECT_EQ(longest.queries, 10);
  EXPECT_EQ(longest.keys, 30);
}

//===----------------------------------------------------------------------===//
// Items
//===----------------------------------------------------------------------===//

struct RandomGrid {
  explicit RandomGrid(uint32_t seed) : generator(seed) {
    grid.batch = pick(0, 5);
    grid.heads = pick(1, 4);
    grid.perHead = pick(0, 1) == 1;
    for (int64_t b = 0; b < grid.batch; ++b) {
      grid.batches.push_back({pick(0, 9), pick(0, 9)});
      grid.tiles = std::max(grid.tiles, grid.batches.back().queries);
    }
    for (int64_t row = 0; row < grid.rows(); ++row)
      weights.push_back(static_cast<uint32_t>(grid.hasRow(row) ? pick(0, 9) : 0));
  }
  int64_t pick(int64_t least, int64_t most) { return std::uniform_int_distribution<int64_t>(least, most)(generator); }

  std::mt19937 generator;
  RowGrid grid;
  std::vector<uint32_t> weights;
};

TEST(SequenceItems, AreHandedOutOnceWhereTheyExist) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    RandomGrid random(seed);
    const RowGrid &grid = random.grid;
    std::vector<int64_t> wanted;
    int64_t pairs = 0;
    for (int64_t b = 0; b < grid.batch; ++b)
      for (int64_t h = 0; h < grid.heads; ++h)
        for (int64_t t = 0; t < grid.batches[static_cast<size_t>(b)].queries; ++t) {
          wanted.push_back((b * grid.heads + h) * grid.tiles + t);
          pairs += grid.batches[static_cast<size_t>(b)].keys;
        }
    ItemOrder order(grid, random.weights);
    std::vector<int64_t> found;
    for (int64_t i = 0; i < order.items(); ++i)
      found.push_back(order.item(i));
    std::sort(found.begin(), found.end());
    ASSERT_EQ(found, wanted) << seed;
    ASSERT_EQ(grid.pairs(1000), pairs) << seed;
    for (int64_t item = 0; item < grid.items(); ++item)
      ASSERT_EQ(grid.exists(item), std::binary_search(wanted.begin(), wanted.end(), item)) << seed << ' ' << item;
  }
}

TEST(SequenceItems, AreOrderedByWorkWithinEachCopy) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    RandomGrid random(seed);
    const RowGrid &grid = random.grid;
    ItemOrder order(grid, random.weights);
    if (order.items() == 0)
      continue;
    auto weightOf = [&](int64_t item) {
      int64_t head = item / grid.tiles % grid.heads;
      return random.weights[static_cast<size_t>(grid.batchOf(item) * grid.batchStride() + head * grid.headStride() +
                                                grid.tileOf(item))];
    };
    int64_t perCopy = order.items() / grid.copies();
    for (int64_t i = 1; i < order.items(); ++i)
      if (i % perCopy != 0) {
        ASSERT_GE(weightOf(order.item(i - 1)), weightOf(order.item(i))) << seed << ' ' << i;
      }
  }
}

//===----------------------------------------------------------------------===//
// The artifact
//===----------------------------------------------------------------------===//

/// A window whose block has the table of sequences between captures and output.
struct SequenceWindow {
  static constexpr size_t tableWord = handwritten::captureWord + 2;
  static constexpr size_t outputWord = tableWord + 5;
};

using Window = handwritten::Window;
using Plain = handwritten::Kernel<Window>;

/// The block of one sequence alone, and how many items it has of those of the longest.
struct OneSequence {
  OneSequence(const uint64_t *whole, int64_t n) {
    handwritten::Array table(whole + SequenceWindow::tableWord, 2);
    auto numbers = reinterpret_cast<const int32_t *>(whole[SequenceWindow::tableWord]) + n * table.stride(0);
    std::copy_n(whole, SequenceWindow::tableWord, block.begin());
    std::copy_n(whole + SequenceWindow::outputWord, 16, block.begin() + Window::outputWord);
    narrow(0, 4, n, numbers[0], numbers[1], sizeof(float));
    narrow(9, 4, n, numbers[2], numbers[3], sizeof(float));
    narrow(18, 4, n, numbers[2], numbers[3], sizeof(float));
    narrow(Window::outputWord, 4, n, numbers[0], numbers[1], sizeof(float));
    narrow(Window::outputWord + 9, 3, n, numbers[0], numbers[1], sizeof(float));
  }

  /// Makes an array that of some rows of batch `n`, or of the only one.
  void narrow(size_t word, int64_t rank, int64_t n, int64_t first, int64_t count, size_t bytes) {
    handwritten::Array array(&block[word], rank);
    int64_t batch = std::min(n, array.size(0) - 1);
    block[word] += static_cast<uint64_t>(batch * array.stride(0) + first * array.stride(2)) * bytes;
    block[word + 1] = 1;
    block[word + 3] = static_cast<uint64_t>(count);
  }

  std::array<uint64_t, Window::endWord> block{};
};

/// The sequence of an item, and its number among those of the sequence; -1 for an item that does not exist.
std::pair<int64_t, int64_t> splitItem(const uint64_t *block, int64_t item) {
  handwritten::Array table(block + SequenceWindow::tableWord, 2);
  auto numbers = reinterpret_cast<const int32_t *>(block[SequenceWindow::tableWord]);
  auto tilesOf = [&](int64_t row) { return (numbers[row * table.stride(0) + 1] + Window::tileQ - 1) / Window::tileQ; };
  int64_t most = tilesOf(table.size(0) - 1), heads = Plain::query(block).size(1);
  int64_t n = item / most / heads, h = item / most % heads, t = item % most;
  return {n, t < tilesOf(n) ? h * tilesOf(n) + t : -1};
}

int32_t sequenceItems(const uint64_t *block, int64_t begin, int64_t end, void *scratch) {
  for (int64_t item = begin; item < end; ++item) {
    auto [n, own] = splitItem(block, item);
    if (own < 0)
      return 1;
    if (int32_t code = Plain::items(OneSequence(block, n).block.data(), own, own + 1, scratch); code != 0)
      return code;
  }
  return 0;
}

int32_t sequenceWork(const uint64_t *block, int64_t item, int64_t *counts) {
  auto [n, own] = splitItem(block, item);
  return own < 0 ? 1 : Plain::work(OneSequence(block, n).block.data(), own, counts);
}

int32_t sequencePredicate(const uint64_t *block, int64_t b, int64_t h, int64_t i, uint8_t *result) {
  return Plain::predicate(OneSequence(block, b).block.data(), 0, h, i, result);
}

using Entry = void (*)();
template <typename Function> Entry entry(Function function) { return reinterpret_cast<Entry>(function); }

const Entry entries[] = {entry(sequenceItems), entry(sequenceWork), entry(sequencePredicate),
                         entry(Plain::items),  entry(Plain::work),  entry(Plain::predicate)};

std::string arrayNamed(const std::string &name) {
  return R"({"name": ")" + name + R"(", "kind": "array", "dtype": "f32", "shape": [-1, -1, -1, 16]}, )";
}
std::string numbersNamed(const std::string &name) {
  return R"(, {"name": ")" + name + R"(", "kind": "array", "dtype": "i32", "shape": [-1]})";
}

/// Of query, key, value, left, right and what `numbers` adds.
std::string makeFunction(const std::string &name, const std::string &numbers, const std::string &kernel,
                         const std::string &sequences) {
  return R"({"name": ")" + name + R"(", "arguments": [)" + arrayNamed("q") + arrayNamed("k") + arrayNamed("v") +
         R"({"name": "left", "kind": "scalar"}, {"name": "right", "kind": "scalar"})" + numbers + R"(], "results": [
   {"dtype": "f32", "shape": [-1, -1, -1, 16]}, {"dtype": "f32", "shape": [-1, -1, -1]}], "buffers": [],
  "steps": [{"kernels": [")" +
         kernel + R"("], "query": {"argument": 0}, "key": {"argument": 1}, "value": {"argument": 2},
   "captures": [{"argument": 3}, {"argument": 4}], )" +
         sequences + R"("output": {"result": 0}, "lse": {"result": 1}}]})";
}

const std::string goodText =
    R"({"module": "sequences", "target": "cpu", "compiler": "none", "functions": [)" +
    makeFunction("padded", numbersNamed("lengths") + numbersNamed("other"), "window_0",
                 R"("sequences": {"q_lengths": {"argument": 5}, "k_lengths": {"argument": 6}}, )") +
    "," +
    makeFunction("packed", numbersNamed("offsets"), "window_0",
                 R"("sequences": {"q_offsets": {"argument": 5}, "k_offsets": {"argument": 5}}, )") +
    "," + makeFunction("plain", "", "plain_0", "") + R"(],
"kernels": [
 {"name": "window_0", "pattern": "window", "dtype": "f32", "head_size": 16, "scale": 0.25, "lse": true,
  "sequences": true, "captures": [{"kind": "scalar"}, {"kind": "scalar"}], "schedule": "ranges",
  "depends_on": {"batch": false, "head": false},
  "variants": [{"level": "any", "features": [], "tile_q": 8, "tile_k": 8, "scratch_bytes": 16384,
   "entries": {"items": 0, "work": 1, "predicate": 2}}]},
 {"name": "plain_0", "pattern": "window", "dtype": "f32", "head_size": 16, "scale": 0.25, "lse": true,
  "captures": [{"kind": "scalar"}, {"kind": "scalar"}], "schedule": "ranges",
  "depends_on": {"batch": false, "head": false},
  "variants": [{"level": "any", "features": [], "tile_q": 8, "tile_k": 8, "scratch_bytes": 16384,
   "entries": {"items": 3, "work": 4, "predicate": 5}}]}]})";

std::string makeSection(const std::string &text) {
  std::string section = "SPRSATTN";
  uint32_t words[] = {2, static_cast<uint32_t>(text.size())};
  section.append(reinterpret_cast<const char *>(words), sizeof(words));
  return section + text;
}

Result<Manifest> parse(const std::string &text) {
  std::string section = makeSection(text);
  return parseManifest(section.data(), section.size());
}

std::shared_ptr<const Artifact> sequenceArtifact() {
  static const std::string section = makeSection(goodText);
  static const sparse_attn_image image = {section.data(), section.size(), entries, std::size(entries), nullptr, 0};
  Result<std::shared_ptr<const Artifact>> artifact = Artifact::fromImage(&image);
  EXPECT_TRUE(artifact.isOk()) << artifact.status().message();
  return *artifact;
}

//===----------------------------------------------------------------------===//
// Manifest
//===----------------------------------------------------------------------===//

TEST(SequenceManifest, IsRead) {
  Result<Manifest> manifest = parse(goodText);
  ASSERT_TRUE(manifest.isOk()) << manifest.status().message();
  EXPECT_TRUE(manifest->kernels[0].sequences);
  EXPECT_FALSE(manifest->kernels[1].sequences);
  const SequenceOperands &padded = manifest->functions[0].steps[0].sequences;
  EXPECT_EQ(padded.queryLengths, 5u);
  EXPECT_EQ(padded.keyLengths, 6u);
  EXPECT_FALSE(padded.queryOffsets || padded.keyOffsets);
  const SequenceOperands &packed = manifest->functions[1].steps[0].sequences;
  EXPECT_EQ(packed.queryOffsets, 5u);
  EXPECT_EQ(packed.keyOffsets, 5u);
  EXPECT_FALSE(packed.queryLengths || packed.keyLengths);
  EXPECT_FALSE(manifest->functions[2].steps[0].sequences.any());
}

TEST(SequenceManifest, TableStandsBetweenCapturesAndOutput) {
  Result<Manifest> manifest = parse(goodText);
  ASSERT_TRUE(manifest.isOk()) << manifest.status().message();
  BlockLayout layout(manifest->kernels[0]);
  EXPECT_EQ(layout.sequences, SequenceWindow::tableWord);
  EXPECT_EQ(layout.output, SequenceWindow::outputWord);
  EXPECT_EQ(BlockLayout(manifest->kernels[1]).output, Window::outputWord);
  KernelInfo resuming = manifest->kernels[0];
  resuming.resumes = true;
  EXPECT_EQ(BlockLayout(resuming).partialOutput, SequenceWindow::outputWord);
}

/// The good manifest with the first `from` behind `anchor` replaced.
std::string changed(const std::string &anchor, const std::string &from, const std::string &to) {
  std::string text = goodText;
  size_t at = text.find(from, text.find(anchor));
  EXPECT_NE(at, std::string::npos) << anchor << ", " << from;
  return text.replace(at, from.size(), to);
}

TEST(SequenceManifest, ErrorsNameTheKey) {
  struct Case {
    std::string text;
    const char *message;
  };
  const std::string padded = "\"padded\"", packed = "\"packed\"", plain = "\"plain\"";
  const char *some = "manifest.functions[0].steps[0]: expects lengths or offsets of sequences, as kernel 'window_0' "
                     "has, but got none";
  const Case cases[] = {
      {changed(padded, "\"sequences\":", "\"sequence\":"), some},
      {changed(padded, "{\"q_lengths\": {\"argument\": 5}, \"k_lengths\": {\"argument\": 6}}", "{}"), some},
      {changed(padded, "{\"q_lengths\": {\"argument\": 5}, \"k_lengths\": {\"argument\": 6}}", "3"), some},
      {changed(padded, "\"window_0\"", "\"plain_0\""),
       "manifest.functions[0].steps[0]: expects no lengths or offsets of sequences, as kernel 'plain_0' has, but got "
       "some"},
      {changed(plain, "\"plain_0\"", "\"window_0\""),
       "manifest.functions[2].steps[0]: expects lengths or offsets of sequences, as kernel 'window_0' has, but got "
       "none"},
      {changed(padded, "[\"window_0\"]", "[\"window_0\", \"plain_0\"]"),
       "manifest.functions[0].steps[0].kernels[1]: expects a kernel that differs from 'window_0' in its tiles alone, "
       "but got 'plain_0'"},
      {changed("\"name\": \"window_0\"", "\"sequences\": true", "\"sequences\": 1"),
       "manifest.kernels[0].sequences: expects true or false, but got number"},
      {changed(padded, "\"q_lengths\": {\"argument\": 5}", "\"q_lengths\": {\"argument\": 7}"),
       "manifest.functions[0].steps[0].sequences.q_lengths.argument: expects an index below 7, but got 7"},
      {changed(padded, "\"k_lengths\": {\"argument\": 6}", "\"k_lengths\": {\"argument\": -1}"),
       "manifest.functions[0].steps[0].sequences.k_lengths.argument"},
      {changed(packed, "\"k_offsets\": {\"argument\": 5}", "\"k_offsets\": {\"result\": 0}"),
       "manifest.functions[1].steps[0].sequences.k_offsets.argument: expects a value, but got none"},
      {changed(packed, "\"q_offsets\": {\"argument\": 5}", "\"q_offsets\": 5"),
       "manifest.functions[1].steps[0].sequences.q_offsets"},
      {changed(packed, "\"k_offsets\": {\"argument\": 5}", "\"k_offsets\": {\"argument\": 3}"),
       "manifest.functions[1].steps[0].sequences: expects an array, but got scalar argument 3"},
      {changed(packed, "\"k_offsets\": {\"argument\": 5}", "\"k_offsets\": {\"argument\": 1}"),
       "manifest.functions[1].steps[0].sequences: expects an array of i32, but got f32"},
      {changed("\"offsets\"", "\"i32\"", "\"f32\""),
       "manifest.functions[1].steps[0].sequences: expects an array of i32, but got f32"},
      {changed("\"offsets\"", "[-1]", "[-1, -1]"),
       "manifest.functions[1].steps[0].sequences: expects an array of rank 1, but got 2"},
  };
  for (const Case &each : cases) {
    Status status = parse(each.text).status();
    EXPECT_FALSE(status.isOk()) << each.message;
    EXPECT_THAT(status.message(), testing::HasSubstr(each.message));
  }
}

//===----------------------------------------------------------------------===//
// Plans
//===----------------------------------------------------------------------===//

Value arrayOf(Numbers &numbers) {
  return makeArray(numbers.data(), DType::I32, Shape{1, {static_cast<int64_t>(numbers.size())}});
}

/// Runs a function over sequences that stand in the arrays of `problem`, and compares each with the reference; other
/// rows keep what they had.
void expectSequences(Problem &problem, const std::string &function, std::vector<Value> numbers,
                     const std::vector<Sequence> &sequences) {
  std::vector<Value> captures = {makeScalar(20), makeScalar(3)};
  captures.insert(captures.end(), numbers.begin(), numbers.end());
  Result<std::shared_ptr<const Plan>> plan = Plan::prepare(sequenceArtifact(), function, problem.arguments(captures));
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  problem.launch(**plan, captures, true);
  const StepInfo info = (*plan)->step(0);
  ASSERT_EQ(info.sequences.size(), sequences.size());
  std::vector<bool> inside(problem.lse.size());
  for (size_t n = 0; n < sequences.size(); ++n) {
    const Sequence &sequence = sequences[n];
    int64_t b = std::min<int64_t>(static_cast<int64_t>(n), problem.sizes.batch - 1);
    Problem alone({1, problem.sizes.queryHeads, problem.sizes.keyHeads, sequence.queries, sequence.keys});
    auto copyRows = [b](const Tensor &from, int64_t first, Tensor &to) {
      for (int64_t h = 0; h < to.size[1]; ++h)
        for (int64_t row = 0; row < to.size[2]; ++row)
          for (int64_t d = 0; d < headSize; ++d)
            to.elements[static_cast<size_t>((h * to.size[2] + row) * headSize + d)] =
                static_cast<float>(from.at(b, h, first + row, d));
    };
    copyRows(problem.query, sequence.firstQuery, alone.query);
    copyRows(problem.key, sequence.firstKey, alone.key);
    copyRows(problem.value, sequence.firstKey, alone.value);
    copyRows(problem.output, sequence.firstQuery, alone.output);
    for (int64_t h = 0; h < problem.sizes.queryHeads; ++h)
      for (int64_t row = 0; row < sequence.queries; ++row) {
        size_t from =
            static_cast<size_t>((b * problem.sizes.queryHeads + h) * problem.sizes.queries + sequence.firstQuery + row);
        alone.lse[static_cast<size_t>(h * sequence.queries + row)] = problem.lse[from];
        inside[from] = true;
      }
    alone.expectReference([](int64_t, int64_t, int64_t q, int64_t k) { return q - 20 <= k && k <= q + 3; }, true);
  }
  for (size_t i = 0; i < inside.size(); ++i)
    ASSERT_EQ(std::isnan(problem.lse[i]), !inside[i]) << i;
}

TEST(SequencePlan, RunsPadded) {
  Problem problem({4, 4, 2, 61, 100});
  Numbers queries = {61, 0, 8, 33}, keys = {100, 50, 0, 70};
  expectSequences(problem, "padded", {arrayOf(queries), arrayOf(keys)},
                  {{0, 61, 0, 100}, {0, 0, 0, 50}, {0, 8, 0, 0}, {0, 33, 0, 70}});
}

TEST(SequencePlan, RunsPacked) {
  Problem problem({1, 4, 2, 90, 90});
  Numbers offsets = {3, 10, 10, 52, 81};
  expectSequences(problem, "packed", {arrayOf(offsets)},
                  {{3, 7, 3, 7}, {10, 0, 10, 0}, {10, 42, 10, 42}, {52, 29, 52, 29}});
}

TEST(SequencePlan, RunsOfNone) {
  Problem problem({1, 2, 2, 20, 20});
  Numbers offsets = {7}, empty = {7, 7, 7};
  expectSequences(problem, "packed", {arrayOf(offsets)}, {});
  expectSequences(problem, "packed", {arrayOf(empty)}, {{7, 0, 7, 0}, {7, 0, 7, 0}});
  Problem none({0, 2, 2, 20, 20});
  Numbers lengths;
  expectSequences(none, "padded", {arrayOf(lengths), arrayOf(lengths)}, {});
}

TEST(SequencePlan, TilesAreThoseOfTheSequences) {
  Problem problem({1, 2, 1, 64, 64});
  Numbers offsets = {0, 64}, halves = {0, 32, 64};
  auto tiles = [&](Numbers &numbers) {
    Result<std::shared_ptr<const Plan>> plan = Plan::prepare(
        sequenceArtifact(), "packed", problem.arguments({makeScalar(64), makeScalar(64), arrayOf(numbers)}));
    EXPECT_TRUE(plan.isOk()) << plan.status().message();
    return (*plan)->tiles();
  };
  EXPECT_EQ(tiles(offsets).total, 2 * 8 * 8);
  EXPECT_EQ(tiles(offsets).full, 2 * 8 * 8);
  EXPECT_EQ(tiles(halves).total, 2 * 2 * 4 * 4);
  EXPECT_EQ(tiles(halves).full, 2 * 2 * 4 * 4);
}

TEST(SequencePlan, PrepareRefuses) {
  struct Case {
    int64_t batches;
    const char *function;
    std::vector<Numbers> numbers;
    StatusCode code;
    const char *message;
  };
  const Case cases[] = {
      {1,
       "packed",
       {{0, 30, 20}},
       StatusCode::InvalidArgument,
       "function 'packed': argument 'offsets': expects offsets that ascend from 0 to at most 61, but got 30 and 20 at "
       "1"},
      {1, "packed", {{0, 62}}, StatusCode::InvalidArgument, "but got 0 and 62 at 0"},
      {1,
       "packed",
       {{}},
       StatusCode::ShapeMismatch,
       "function 'packed': argument 'offsets': expects 1 elements, for 0 sequences, but got 0"},
      {2, "packed", {{0, 1, 2, 3}}, StatusCode::ShapeMismatch, "expects a batch for each of the 3 sequences"},
      {2,
       "padded",
       {{61, 62}, {1, 1}},
       StatusCode::InvalidArgument,
       "function 'padded': argument 'lengths': expects a length of at most 61 for sequence 1, but got 62"},
      {2,
       "padded",
       {{1, 1}, {-1, 1}},
       StatusCode::InvalidArgument,
       "argument 'other': expects a length of at most 61 for sequence 0, but got -1"},
      {2,
       "padded",
       {{1, 1}, {1, 1, 1}},
       StatusCode::ShapeMismatch,
       "argument 'other': expects 2 elements, for 2 sequences, but got 3"},
      {2, "padded", {{1}, {1}}, StatusCode::ShapeMismatch, "but got 2 batches without offsets"},
  };
  for (Case each : cases) {
    Problem problem({each.batches, 2, 1, 61, 61});
    std::vector<Value> captures = {makeScalar(3), makeScalar(0)};
    for (Numbers &numbers : each.numbers)
      captures.push_back(arrayOf(numbers));
    Status status = Plan::prepare(sequenceArtifact(), each.function, problem.arguments(captures)).status();
    EXPECT_EQ(status.code(), each.code) << each.message;
    EXPECT_THAT(status.message(), testing::HasSubstr(each.message));
  }
}

TEST(SequencePlan, LaunchWantsTheArraysOfThePlan) {
  Problem problem({1, 2, 1, 61, 61});
  Numbers offsets = {0, 30, 61}, others = offsets;
  auto arguments = [&](Numbers &numbers) {
    return problem.arguments({makeScalar(3), makeScalar(0), arrayOf(numbers)});
  };
  Result<std::shared_ptr<const Plan>> plan = Plan::prepare(sequenceArtifact(), "packed", arguments(offsets));
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  Workspace workspace((*plan)->workspaceBytes());
  auto launch = [&](Numbers &numbers) {
    return (*plan)
        ->launch(arguments(numbers), problem.results(true), workspace.memory.get(), workspace.bytes)
        .message();
  };
  EXPECT_EQ(launch(offsets), "");
  EXPECT_THAT(launch(others), testing::HasSubstr("expects the captured array of the plan"));
}

TEST(SequencePlan, AsksAboutRowsOfASequence) {
  Problem problem({1, 2, 1, 61, 61});
  Numbers offsets = {0, 30, 61};
  Result<std::shared_ptr<const Plan>> plan =
      Plan::prepare(sequenceArtifact(), "packed", problem.arguments({makeScalar(3), makeScalar(0), arrayOf(offsets)}));
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  std::vector<uint8_t> attends(31);
  EXPECT_TRUE((*plan)->predicate(0, 1, 1, 30, attends.data()).isOk());
  EXPECT_EQ(std::accumulate(attends.begin(), attends.end(), 0), 4);
  EXPECT_EQ(attends[30], 1);
  EXPECT_EQ((*plan)->predicate(0, 0, 1, 30, attends.data()).message(),
            "expects coordinate 2 to be below 30, but got 30");
  EXPECT_EQ((*plan)->predicate(0, 2, 1, 0, attends.data()).message(), "expects coordinate 0 to be below 2, but got 2");
}

} // namespace
