//===- BlockScoresTest.cpp - Block scores against plain loops -------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/BlockScores.h"

#include "mask/BlockScoresKernels.h"
#include "sparse_attn/Device.h"
#include "sparse_attn/NumericTypes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace sparse_attn;
using testing::HasSubstr;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// An array [batch, heads, length, head size] of any float type, with room between its rows and, if `headsInside`, its
/// heads inside of its rows.
class FloatArray {
public:
  FloatArray(DType type, std::array<int64_t, 4> size, bool headsInside, uint32_t seed) : type(type), size(size) {
    int64_t row = size[3] + 3;
    stride = {size[1] * size[2] * row, size[2] * row, row, 1};
    if (headsInside)
      stride = {size[1] * size[2] * row, row, size[1] * row, 1};
    size_t elements = static_cast<size_t>(std::max<int64_t>(size[0] * stride[0], 1));
    wide.resize(elements);
    narrow.resize(elements);
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal;
    for (size_t i = 0; i < elements; ++i)
      set(i, normal(generator));
  }

  void set(size_t element, float number) {
    narrow[element] = type == DType::F16 ? floatToF16(number) : floatToBf16(number);
    wide[element] = type == DType::F32   ? number
                    : type == DType::F16 ? f16ToFloat(narrow[element])
                                         : bf16ToFloat(narrow[element]);
  }
  size_t index(int64_t b, int64_t h, int64_t s, int64_t d) const {
    return static_cast<size_t>(b * stride[0] + h * stride[1] + s * stride[2] + d);
  }
  double at(int64_t b, int64_t h, int64_t s, int64_t d) const { return wide[index(b, h, s, d)]; }
  Value value() const {
    const void *data = narrow.data();
    if (type == DType::F32)
      data = wide.data();
    return makeArray(data, type, {4, size}, stride);
  }

  const DType type;
  const std::array<int64_t, 4> size;

private:
  std::array<int64_t, 4> stride;
  std::vector<float> wide;      ///< The elements, rounded to the type.
  std::vector<uint16_t> narrow; ///< Their bits, of a type of 16 bits.
};

/// The formulas of the header, pair by pair and in double precision.
class Reference {
public:
  Reference(const FloatArray &query, const FloatArray &key, const BlockScoreOptions &options)
      : query(query), key(key), options(options), queryLength(query.size[2]), keyLength(key.size[2]),
        scale(options.scale.value_or(1 / std::sqrt(static_cast<double>(query.size[3])))) {}

  double score(int64_t b, int64_t h, int64_t queryBlock, int64_t keyBlock) const {
    return options.method == BlockScoreMethod::MeanPooling ? means(b, h, queryBlock, keyBlock)
                                                           : antidiagonals(b, h, queryBlock, keyBlock);
  }

private:
  double product(int64_t b, int64_t h, int64_t i, int64_t j) const {
    double sum = 0;
    for (int64_t d = 0; d < query.size[3]; ++d)
      sum += query.at(b, h, i, d) * key.at(b, h / (query.size[1] / key.size[1]), j, d);
    return scale * sum;
  }
  bool sees(int64_t i, int64_t j) const { return !options.causal || j <= i + keyLength - queryLength; }

  double means(int64_t b, int64_t h, int64_t queryBlock, int64_t keyBlock) const {
    double sum = 0, pairs = 0;
    bool any = false;
    for (int64_t i = queryBlock * options.queryBlockSize; i < queryLength && i / options.queryBlockSize == queryBlock;
         ++i)
      for (int64_t j = keyBlock * options.keyBlockSize; j < keyLength && j / options.keyBlockSize == keyBlock; ++j) {
        any |= sees(i, j);
        sum += product(b, h, i, j);
        ++pairs;
      }
    return any ? sum / pairs : -infinity;
  }

  /// a(i, j), or -inf.
  double antidiagonal(int64_t b, int64_t h, int64_t i, int64_t j) const {
    int64_t s = options.stride, n = std::min(s, queryLength - i * s);
    double sum = 0, pairs = 0;
    for (int64_t r = 0; r < n; ++r) {
      int64_t q = i * s + n - 1 - r, k = j * s + r;
      if (k < keyLength && sees(q, k)) {
        sum += product(b, h, q, k);
        ++pairs;
      }
    }
    return pairs > 0 ? sum / pairs : -infinity;
  }

  double antidiagonals(int64_t b, int64_t h, int64_t queryBlock, int64_t keyBlock) const {
    double sum = 0, groups = 0;
    for (int64_t i = 0; i * options.stride < queryLength; ++i) {
      if (i * options.stride / options.queryBlockSize != queryBlock)
        continue;
      double here = 0, all = 0;
      for (int64_t j = 0; j * options.stride < keyLength; ++j) {
        double weight = std::exp(antidiagonal(b, h, i, j));
        all += weight;
        here += j * options.stride / options.keyBlockSize == keyBlock ? weight : 0;
      }
      if (all > 0) {
        sum += here / all;
        ++groups;
      }
    }
    return sum > 0 ? std::log(sum / groups) : -infinity;
  }

  const FloatArray &query, &key;
  const BlockScoreOptions &options;
  const int64_t queryLength, keyLength;
  const double scale;
};

struct Case {
  DType type;
  std::array<int64_t, 4> query;
  int64_t keyHeads, keyLength;
  bool headsInside;
  BlockScoreOptions options;
};

void PrintTo(const Case &c, std::ostream *stream) {
  *stream << (c.options.method == BlockScoreMethod::MeanPooling ? "means" : "antidiagonals") << ' ' << dtypeName(c.type)
          << ' ' << Shape{4, c.query} << ", " << c.keyHeads << " key heads, " << c.keyLength << " keys, blocks "
          << c.options.queryBlockSize << " and " << c.options.keyBlockSize << ", stride " << c.options.stride
          << (c.options.causal ? ", causal" : "");
}

Case randomCase(std::mt19937 &generator) {
  auto pick = [&](int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(generator); };
  int64_t keyHeads = pick(1, 2), stride = pick(1, 6);
  Case c = {static_cast<DType>(pick(0, 2)),
            {pick(1, 2), keyHeads * pick(1, 3), pick(1, 70), pick(1, 20)},
            keyHeads,
            pick(1, 150),
            pick(0, 1) == 1,
            {}};
  c.options.method = pick(0, 1) == 1 ? BlockScoreMethod::Antidiagonal : BlockScoreMethod::MeanPooling;
  c.options.stride = stride;
  c.options.queryBlockSize = stride * pick(1, 5);
  c.options.keyBlockSize = stride * pick(1, 5);
  c.options.causal = pick(0, 1) == 1;
  if (pick(0, 1) == 1)
    c.options.scale = 0.3;
  return c;
}

TEST(BlockScores, MatchPlainLoops) {
  std::mt19937 generator(3);
  for (int trial = 0; trial < 150; ++trial) {
    Case c = randomCase(generator);
    SCOPED_TRACE(testing::PrintToString(c));
    FloatArray query(c.type, c.query, c.headsInside, generator());
    FloatArray key(c.type, {c.query[0], c.keyHeads, c.keyLength, c.query[3]}, !c.headsInside, generator());
    Result<BlockScores> result = scoreBlocks(query.value(), key.value(), c.options);
    ASSERT_TRUE(result.isOk()) << result.status().message();
    Shape shape = {4, {c.query[0], c.query[1], result->blocks.queryBlocks(), result->blocks.keyBlocks()}};
    ASSERT_EQ(result->shape, shape);
    Reference reference(query, key, c.options);
    const float *score = result->scores.data();
    for (int64_t b = 0; b < shape.size[0]; ++b)
      for (int64_t h = 0; h < shape.size[1]; ++h)
        for (int64_t q = 0; q < shape.size[2]; ++q)
          for (int64_t k = 0; k < shape.size[3]; ++k, ++score) {
            double expected = reference.score(b, h, q, k);
            if (expected == -infinity)
              ASSERT_EQ(*score, -infinity) << b << ' ' << h << ' ' << q << ' ' << k;
            else
              ASSERT_NEAR(*score, expected, 2e-5) << b << ' ' << h << ' ' << q << ' ' << k;
          }
  }
}

TEST(BlockScores, ExponentialsOfAntidiagonalsAddUpToOne) {
  FloatArray query(DType::BF16, {1, 4, 333, 32}, false, 1), key(DType::BF16, {1, 2, 500, 32}, false, 2);
  BlockScoreOptions options;
  options.method = BlockScoreMethod::Antidiagonal;
  options.queryBlockSize = 64;
  options.keyBlockSize = 32;
  options.stride = 8;
  options.causal = true;
  options.scale = 20.0;
  Result<BlockScores> result = scoreBlocks(query.value(), key.value(), options);
  ASSERT_TRUE(result.isOk());
  int64_t keyBlocks = result->blocks.keyBlocks();
  for (size_t row = 0; row < result->scores.size(); row += static_cast<size_t>(keyBlocks)) {
    double sum = 0;
    for (int64_t k = 0; k < keyBlocks; ++k)
      sum += std::exp(static_cast<double>(result->scores[row + static_cast<size_t>(k)]));
    EXPECT_NEAR(sum, 1.0, 1e-5);
  }
}

TEST(BlockScores, DoNotDependOnThreads) {
  FloatArray query(DType::F32, {2, 4, 300, 24}, true, 5), key(DType::F32, {2, 2, 700, 24}, false, 6);
  for (BlockScoreMethod method : {BlockScoreMethod::MeanPooling, BlockScoreMethod::Antidiagonal}) {
    BlockScoreOptions options;
    options.method = method;
    options.queryBlockSize = options.keyBlockSize = 16;
    options.stride = 4;
    std::vector<std::vector<float>> scores;
    for (int32_t threads : {1, 2, 7}) {
      ASSERT_TRUE(setThreadCount(threads).isOk());
      scores.push_back(scoreBlocks(query.value(), key.value(), options)->scores);
    }
    ASSERT_TRUE(setThreadCount(0).isOk());
    EXPECT_EQ(scores[0], scores[1]);
    EXPECT_EQ(scores[0], scores[2]);
  }
}

TEST(BlockScores, AntidiagonalsFindAPeakThatMeansMiss) {
  // One pair of tokens attends strongly; its neighbours cancel it in the mean.
  FloatArray query(DType::F32, {1, 1, 64, 8}, false, 1), key(DType::F32, {1, 1, 64, 8}, false, 2);
  for (int64_t s = 0; s < 64; ++s)
    for (int64_t d = 0; d < 8; ++d) {
      query.set(query.index(0, 0, s, d), s == 52 ? 10.0f : s == 53 ? -10.0f : 0.0f);
      key.set(key.index(0, 0, s, d), s == 23 ? 5.0f : s == 22 ? -5.0f : 0.0f);
    }
  BlockScoreOptions options;
  options.queryBlockSize = options.keyBlockSize = 16;
  options.stride = 4;
  Result<BlockScores> means = scoreBlocks(query.value(), key.value(), options);
  options.method = BlockScoreMethod::Antidiagonal;
  Result<BlockScores> antidiagonals = scoreBlocks(query.value(), key.value(), options);
  auto row = [](const Result<BlockScores> &scores) { return scores->scores.begin() + 3 * 4; };
  EXPECT_EQ(*std::max_element(row(means), row(means) + 4), *std::min_element(row(means), row(means) + 4));
  EXPECT_EQ(std::max_element(row(antidiagonals), row(antidiagonals) + 4) - row(antidiagonals), 1);
}

TEST(BlockScores, NonFiniteElementsShowWhereTheyAreLookedAt) {
  for (BlockScoreMethod method : {BlockScoreMethod::MeanPooling, BlockScoreMethod::Antidiagonal}) {
    FloatArray query(DType::F16, {1, 1, 32, 4}, false, 1), key(DType::F16, {1, 1, 32, 4}, false, 2);
    key.set(key.index(0, 0, 20, 1), NAN);
    BlockScoreOptions options;
    options.method = method;
    options.queryBlockSize = options.keyBlockSize = 8;
    options.stride = 4;
    options.causal = true;
    Result<BlockScores> result = scoreBlocks(query.value(), key.value(), options);
    ASSERT_TRUE(result.isOk());
    // Key block 2 holds the NaN, and query blocks 0 and 1 lie before it.
    for (int64_t i = 0; i < 8; ++i)
      EXPECT_FALSE(std::isnan(result->scores[static_cast<size_t>(i)])) << i;
    EXPECT_TRUE(std::isnan(result->scores[2 * 4 + 2]));
    EXPECT_TRUE(std::isnan(result->scores[3 * 4 + 2]));
    EXPECT_EQ(result->scores[2 * 4 + 3], -infinity);
  }
}

TEST(BlockScores, EmptyArraysGiveEmptyScores) {
  for (BlockScoreMethod method : {BlockScoreMethod::MeanPooling, BlockScoreMethod::Antidiagonal}) {
    BlockScoreOptions options;
    options.method = method;
    auto score = [&](std::array<int64_t, 4> query, std::array<int64_t, 4> key) {
      return scoreBlocks(makeArray(nullptr, DType::F32, {4, query}), makeArray(nullptr, DType::F32, {4, key}), options);
    };
    EXPECT_EQ(score({0, 4, 100, 8}, {0, 2, 100, 8})->shape, (Shape{4, {0, 4, 1, 1}}));
    EXPECT_EQ(score({2, 0, 100, 8}, {2, 0, 100, 8})->shape, (Shape{4, {2, 0, 1, 1}}));
    EXPECT_EQ(score({2, 4, 0, 8}, {2, 2, 0, 8})->shape, (Shape{4, {2, 4, 0, 0}}));
  }
}

/// Arrays that fit, and options, for a test to break.
struct BlockScoresErrors : testing::Test {
  void expect(StatusCode code, const char *message) {
    Result<BlockScores> result = scoreBlocks(query, key, options);
    ASSERT_FALSE(result.isOk());
    EXPECT_EQ(result.status().code(), code);
    EXPECT_THAT(result.status().message(), HasSubstr(message));
  }

  std::vector<float> elements = std::vector<float>(2 * 4 * 32 * 8);
  Value query = makeArray(elements.data(), DType::F32, {4, {2, 4, 32, 8}});
  Value key = makeArray(elements.data(), DType::F32, {4, {2, 2, 32, 8}});
  BlockScoreOptions options;
};

TEST_F(BlockScoresErrors, Arrays) {
  query.dtype = SPARSE_ATTN_I32;
  expect(StatusCode::InvalidArgument, "argument 'query': expects element type f32, f16 or bf16, but got i32");
  query.dtype = 17;
  expect(StatusCode::InvalidArgument, "but got the unknown type 17");
  query.dtype = SPARSE_ATTN_BF16;
  expect(StatusCode::InvalidArgument, "expects query and key of one element type, but got bf16 and f32");
  query.dtype = SPARSE_ATTN_F32;
  query.rank = 3;
  expect(StatusCode::ShapeMismatch, "argument 'query': expects rank 4, but got 3");
  query.rank = 4;
  key.data = nullptr;
  expect(StatusCode::InvalidArgument, "argument 'key': expects data, but got null");
}

TEST_F(BlockScoresErrors, Sizes) {
  key.size[0] = 1;
  expect(StatusCode::ShapeMismatch, "expects query and key to have the same batch, but got 2 and 1");
  key.size[0] = 2;
  key.size[3] = 4;
  expect(StatusCode::ShapeMismatch, "the same head size, but got 8 and 4");
  key.size[3] = 8;
  key.size[1] = 3;
  expect(StatusCode::ShapeMismatch, "to be a multiple of the number of key heads, but got 4 and 3");
  key.size[1] = 0;
  expect(StatusCode::ShapeMismatch, "to be a multiple of the number of key heads, but got 4 and 0");
  query.size[3] = key.size[3] = 0;
  key.size[1] = 2;
  expect(StatusCode::ShapeMismatch, "expects a head size of at least 1, but got 0");
}

TEST_F(BlockScoresErrors, HugeSizes) {
  // Strides of 0 make such arrays from a handful of elements.
  for (Value *value : {&query, &key}) {
    value->stride[0] = value->stride[1] = value->stride[2] = 0;
    value->size[0] = 1 << 20;
    value->size[2] = 1 << 20;
    value->size[3] = 1;
  }
  options.queryBlockSize = options.keyBlockSize = 1;
  expect(StatusCode::ShapeMismatch, "expects scores and keys below 2^63 bytes");
  query.size[0] = key.size[0] = 1;
  query.size[2] = int64_t(1) << 40;
  expect(StatusCode::InvalidArgument, "expects at most 67108864 blocks, but got 1099511627776");
}

TEST_F(BlockScoresErrors, Options) {
  options.queryBlockSize = 0;
  expect(StatusCode::InvalidArgument, "expects a block size of 1 to 65536 tokens, but got 0");
  options.queryBlockSize = 48;
  options.keyBlockSize = 65537;
  expect(StatusCode::InvalidArgument, "expects a block size of 1 to 65536 tokens, but got 65537");
  options.keyBlockSize = 40;
  options.method = BlockScoreMethod::Antidiagonal;
  expect(StatusCode::InvalidArgument, "expects a block size that is a multiple of the stride 16, but got 40");
  options.stride = 0;
  expect(StatusCode::InvalidArgument, "expects a stride of at least 1, but got 0");
  options.stride = 8;
  options.scale = NAN;
  expect(StatusCode::InvalidArgument, "expects a scale that f32 can hold, but got nan");
  options.scale = 1e39;
  expect(StatusCode::InvalidArgument, "expects a scale that f32 can hold, but got 1e+39");
}

TEST(BlockScoreKernels, AgreeOnEveryLevel) {
  std::mt19937 generator(9);
  std::normal_distribution<float> normal;
  constexpr int64_t depth = 37;
  std::vector<float> left(mask::tileRows * depth), panel(depth * mask::panelRows);
  for (std::vector<float> *values : {&left, &panel})
    for (float &value : *values)
      value = normal(generator);
  ASSERT_FALSE(mask::blockScoreKernels().empty());
  for (const mask::BlockScoreKernels &kernels : mask::blockScoreKernels()) {
    SCOPED_TRACE(kernels.level);
    std::vector<float> products(mask::tileRows * 20);
    kernels.multiplyTile(left.data(), depth, panel.data(), depth, products.data(), 20);
    for (int64_t r = 0; r < mask::tileRows; ++r) {
      float row[mask::panelRows];
      kernels.multiplyRow(left.data() + r * depth, panel.data(), depth, row);
      for (int64_t j = 0; j < mask::panelRows; ++j) {
        double expected = 0;
        for (int64_t c = 0; c < depth; ++c)
          expected += double(left[r * depth + c]) * panel[c * mask::panelRows + j];
        EXPECT_NEAR(products[r * 20 + j], expected, 1e-5);
        EXPECT_NEAR(row[j], expected, 1e-5);
      }
    }
  }
}

TEST(BlockScoreKernels, ExponentialsAreAccurate) {
  for (const mask::BlockScoreKernels &kernels : mask::blockScoreKernels()) {
    SCOPED_TRACE(kernels.level);
    std::vector<float> values;
    for (int i = 0; i <= 100003; ++i)
      values.push_back(5.0f - static_cast<float>(i) * 8.69e-4f);
    std::vector<float> results = values;
    kernels.exponentials(results.data(), static_cast<int64_t>(results.size()));
    for (size_t i = 0; i < values.size(); ++i) {
      double expected = std::exp(double(values[i] - 5.0f));
      ASSERT_NEAR(results[i] / expected, 1.0, 1e-6) << values[i];
    }
    std::vector<float> extremes = {-1e30f, NAN, 3.0f, -float(infinity)};
    kernels.exponentials(extremes.data(), 4);
    EXPECT_GT(extremes[0], 0.0f);
    EXPECT_LT(extremes[0], 2e-38f);
    EXPECT_TRUE(std::isnan(extremes[1]));
    EXPECT_EQ(extremes[2], 1.0f);
    EXPECT_GT(extremes[3], 0.0f);
  }
}

} // namespace
