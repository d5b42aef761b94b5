//===- MaskCApiTest.cpp - The C interface of masks ------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The classes behind it have tests of their own. Here each function is called
// once where it works, against C++ where that says more, with every pointer
// null, and with what it should refuse.
//
//===----------------------------------------------------------------------===//

#include "MaskProblem.h"

#include "sparse_attn/TopK.h"
#include "sparse_attn/masks.h"

#include <filesystem>
#include <unistd.h>

using namespace sparse_attn;
using namespace sparse_attn::test;

extern "C" int sparse_attn_test_mask_program(const sparse_attn_artifact *artifact, const sparse_attn_value *query,
                                             const sparse_attn_value *key, const sparse_attn_value *value,
                                             const sparse_attn_value *output, void *workspace, size_t workspace_bytes);

namespace {

//===----------------------------------------------------------------------===//
// Helpers
//===----------------------------------------------------------------------===//

testing::AssertionResult isOk(sparse_attn_status status) {
  if (status == SPARSE_ATTN_OK)
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << "status " << status << ": " << sparse_attn_last_error();
}

/// Is it a failure of that kind, whose message has that part?
testing::AssertionResult fails(sparse_attn_status status, sparse_attn_status code, const std::string &part) {
  if (status != code)
    return testing::AssertionFailure() << "status " << status << ": " << sparse_attn_last_error();
  if (std::string(sparse_attn_last_error()).find(part) == std::string::npos)
    return testing::AssertionFailure() << sparse_attn_last_error();
  return testing::AssertionSuccess();
}

testing::AssertionResult isInvalid(sparse_attn_status status, const std::string &part) {
  return fails(status, SPARSE_ATTN_INVALID_ARGUMENT, part);
}

testing::AssertionResult misses(sparse_attn_status status, const std::string &what) {
  return isInvalid(status, "expects " + what + ", but got null");
}

/// Destroys what a function made.
template <typename Handle, void destroy(Handle *)> struct Owner {
  Owner() = default;
  Owner(const Owner &) = delete;
  ~Owner() { destroy(handle); }

  operator Handle *() const { return handle; }
  /// The place for a new one.
  Handle **place() {
    destroy(handle);
    handle = nullptr;
    return &handle;
  }

  Handle *handle = nullptr;
};

using Mask = Owner<sparse_attn_block_mask, sparse_attn_mask_destroy>;
using Builder = Owner<sparse_attn_mask_builder, sparse_attn_mask_builder_destroy>;
using Bytes = Owner<sparse_attn_bytes, sparse_attn_bytes_destroy>;
using Table = Owner<sparse_attn_mask_table, sparse_attn_mask_table_destroy>;
using Scores = Owner<sparse_attn_block_scores, sparse_attn_block_scores_destroy>;
using Cache = Owner<sparse_attn_mask_cache, sparse_attn_mask_cache_destroy>;
using Index = Owner<sparse_attn_prefix_index, sparse_attn_prefix_index_destroy>;
using Shared = Owner<sparse_attn_shared_blocks, sparse_attn_shared_blocks_destroy>;
using Hitters = Owner<sparse_attn_heavy_hitters, sparse_attn_heavy_hitters_destroy>;
using OpenArtifact = Owner<sparse_attn_artifact, sparse_attn_artifact_close>;
using OwnedPlan = Owner<sparse_attn_plan, sparse_attn_plan_destroy>;

/// What a function lists: call(list, capacity, count), once to count and once to fill. Too little room is refused.
template <typename Element, typename Call> std::vector<Element> listOf(const Call &call) {
  size_t count = 77;
  EXPECT_TRUE(misses(call(nullptr, 0, nullptr), "a place for the number"));
  EXPECT_TRUE(isOk(call(nullptr, 0, &count)));
  std::vector<Element> list(count + 1);
  EXPECT_TRUE(isInvalid(call(nullptr, 5, &count), "expects room for 5 elements, but got null"));
  if (count > 0) {
    EXPECT_TRUE(isInvalid(call(list.data(), count - 1, &count), "elements, but got " + std::to_string(count - 1)));
    EXPECT_EQ(count, list.size() - 1) << "the number tells how much room is needed";
  }
  EXPECT_TRUE(isOk(call(list.data(), list.size(), &count)));
  EXPECT_EQ(count, list.size() - 1);
  EXPECT_TRUE(isOk(call(list.data(), count, &count)));
  list.resize(count);
  return list;
}

std::vector<uint32_t> activeBlocks(const sparse_attn_block_mask *mask, uint32_t q) {
  return listOf<uint32_t>([&](uint32_t *list, size_t capacity, size_t *count) {
    return sparse_attn_mask_active_blocks(mask, q, list, capacity, count);
  });
}

constexpr sparse_attn_mask_grid smallGrid = {4, 6, 16, 32};

/// The mask of what `add` adds to a builder.
template <typename Add> void build(Mask &mask, const Add &add, const sparse_attn_freeze_options *options = nullptr) {
  Builder builder;
  ASSERT_TRUE(isOk(sparse_attn_mask_builder_create(&smallGrid, builder.place())));
  ASSERT_TRUE(isOk(add(builder.handle)));
  ASSERT_TRUE(isOk(sparse_attn_mask_builder_freeze(builder, options, mask.place())));
}

using Rows = std::vector<std::vector<uint32_t>>;

Rows rowsOf(const sparse_attn_block_mask *mask) {
  Rows rows;
  for (uint32_t q = 0; q < smallGrid.query_blocks; ++q)
    rows.push_back(activeBlocks(mask, q));
  return rows;
}

/// What a builder has after `add`.
template <typename Add> Rows rowsAfter(const Add &add) {
  Mask mask;
  build(mask, add);
  return rowsOf(mask);
}

/// Rows {0, 1}, {0, 1, 2}, {1, 2, 3, 5}, {2, 3, 4}.
void buildWindow(Mask &mask, const sparse_attn_freeze_options *options = nullptr) {
  build(
      mask,
      [](sparse_attn_mask_builder *builder) {
        const uint32_t key = 5;
        EXPECT_TRUE(isOk(sparse_attn_mask_add_window(builder, 1, 1)));
        return sparse_attn_mask_add_attention(builder, 2, &key, 1);
      },
      options);
}

const Rows windowRows = {{0, 1}, {0, 1, 2}, {1, 2, 3, 5}, {2, 3, 4}};

//===----------------------------------------------------------------------===//
// Builders
//===----------------------------------------------------------------------===//

TEST(MaskCApi, BuildersTakeEveryForm) {
  using B = sparse_attn_mask_builder;
  const uint32_t keys[] = {4, 0, 4};
  EXPECT_EQ(rowsAfter([&](B *b) { return sparse_attn_mask_add_attention(b, 1, keys, 3); }), (Rows{{}, {0, 4}, {}, {}}));
  EXPECT_EQ(rowsAfter([&](B *b) { return sparse_attn_mask_add_range(b, 2, 1, 4); }), (Rows{{}, {}, {1, 2, 3}, {}}));
  EXPECT_EQ(rowsAfter([&](B *b) { return sparse_attn_mask_add_window(b, 1, 0); }), (Rows{{0}, {0, 1}, {1, 2}, {2, 3}}));
  EXPECT_EQ(rowsAfter([&](B *b) { return sparse_attn_mask_add_keys(b, 0, 2); }),
            (Rows{{0, 1}, {0, 1}, {0, 1}, {0, 1}}));
  EXPECT_EQ(rowsAfter([&](B *b) { return sparse_attn_mask_add_queries(b, 3, 4); }),
            (Rows{{}, {}, {}, {0, 1, 2, 3, 4, 5}}));
  const sparse_attn_mask_band dilated = {1, 4, 0, 6, -2, 2, 2, 0};
  EXPECT_EQ(rowsAfter([&](B *b) { return sparse_attn_mask_add_band(b, &dilated); }),
            (Rows{{}, {1, 3}, {0, 2, 4}, {1, 3, 5}}));
  const uint8_t bits[] = {0x21, 0xff, 0x02, 0xff, 0x00, 0xff, 0xff, 0xff};
  EXPECT_EQ(rowsAfter([&](B *b) { return sparse_attn_mask_add_packed_bits(b, bits, 2); }),
            (Rows{{0, 5}, {1}, {}, {0, 1, 2, 3, 4, 5}}));
  const uint8_t bytes[4][7] = {{1, 0, 0, 0, 0, 2, 1}, {}, {0, 0, 255}, {}};
  EXPECT_EQ(rowsAfter([&](B *b) { return sparse_attn_mask_add_dense(b, bytes[0], 7); }), (Rows{{0, 5}, {}, {2}, {}}));
  Mask mask;
  buildWindow(mask);
  EXPECT_EQ(rowsAfter([&](B *b) { return sparse_attn_mask_add_mask(b, mask); }), windowRows);
}

/// Adds pairs (3, 5), (0, 1) and (3, 2) of that type, with a stride of 2.
template <typename Element> Rows rowsOfPairs(int32_t type) {
  const Element pairs[] = {3, 5, 0, 1, 3, 2};
  return rowsAfter(
      [&](sparse_attn_mask_builder *b) { return sparse_attn_mask_add_pairs(b, pairs, pairs + 1, type, 3, 2); });
}

template <typename Offset, typename Column> Rows rowsOfCsr(int32_t offsetType, int32_t columnType) {
  const Offset offsets[] = {0, 1, 1, 1, 3};
  const Column columns[] = {1, 5, 2};
  return rowsAfter([&](sparse_attn_mask_builder *b) {
    return sparse_attn_mask_add_csr(b, offsets, offsetType, columns, columnType, 3);
  });
}

TEST(MaskCApi, BuildersTakeEveryIndexType) {
  const Rows expected = {{1}, {}, {}, {2, 5}};
  EXPECT_EQ(rowsOfPairs<uint32_t>(SPARSE_ATTN_INDEX_U32), expected);
  EXPECT_EQ(rowsOfPairs<int32_t>(SPARSE_ATTN_INDEX_I32), expected);
  EXPECT_EQ(rowsOfPairs<uint64_t>(SPARSE_ATTN_INDEX_U64), expected);
  EXPECT_EQ(rowsOfPairs<int64_t>(SPARSE_ATTN_INDEX_I64), expected);
  EXPECT_EQ((rowsOfCsr<uint32_t, uint16_t>(SPARSE_ATTN_INDEX_U32, SPARSE_ATTN_INDEX_U16)), expected);
  EXPECT_EQ((rowsOfCsr<int32_t, uint32_t>(SPARSE_ATTN_INDEX_I32, SPARSE_ATTN_INDEX_U32)), expected);
  EXPECT_EQ((rowsOfCsr<uint64_t, int32_t>(SPARSE_ATTN_INDEX_U64, SPARSE_ATTN_INDEX_I32)), expected);
  EXPECT_EQ((rowsOfCsr<int64_t, int64_t>(SPARSE_ATTN_INDEX_I64, SPARSE_ATTN_INDEX_I64)), expected);
}

TEST(MaskCApi, BuildersAreUsedAgain) {
  Builder builder;
  Mask first, second;
  ASSERT_TRUE(isOk(sparse_attn_mask_builder_create(&smallGrid, builder.place())));
  ASSERT_TRUE(isOk(sparse_attn_mask_add_range(builder, 0, 0, 3)));
  ASSERT_TRUE(isOk(sparse_attn_mask_builder_freeze(builder, nullptr, first.place())));
  ASSERT_TRUE(isOk(sparse_attn_mask_builder_freeze(builder, nullptr, second.place())));
  EXPECT_EQ(sparse_attn_mask_count(first), 3u);
  EXPECT_EQ(sparse_attn_mask_count(second), 0u);
}

TEST(MaskCApi, BuildersRefuse) {
  Builder builder;
  Mask mask;
  sparse_attn_mask_grid grid = {1u << 27, 1, 1, 1};
  EXPECT_TRUE(isInvalid(sparse_attn_mask_builder_create(&grid, builder.place()), "134217728 x 1 blocks"));
  EXPECT_EQ(builder.handle, nullptr);
  ASSERT_TRUE(isOk(sparse_attn_mask_builder_create(&smallGrid, builder.place())));
  const uint32_t indices[] = {0, 6, 4, 0, 0};
  const int64_t negative[] = {0, -1, 0, 0, 0};
  const sparse_attn_mask_band band = {0, 4, 0, 6, 0, 0, 0, 0};
  auto *b = builder.handle;
  EXPECT_TRUE(isInvalid(sparse_attn_mask_add_attention(b, 4, indices, 1), "below 4, but got 4"));
  EXPECT_TRUE(isInvalid(sparse_attn_mask_add_attention(b, 0, indices, 2), "below 6 in row 0, but got 6"));
  EXPECT_TRUE(isInvalid(sparse_attn_mask_add_range(b, 0, 2, 7), "[2, 7)"));
  EXPECT_TRUE(isInvalid(sparse_attn_mask_add_keys(b, 0, 7), "7"));
  EXPECT_TRUE(isInvalid(sparse_attn_mask_add_queries(b, 0, 5), "5"));
  EXPECT_TRUE(isInvalid(sparse_attn_mask_add_band(b, &band), "step"));
  EXPECT_TRUE(isInvalid(sparse_attn_mask_add_pairs(b, indices + 2, indices, SPARSE_ATTN_INDEX_U32, 1, 1), "pair 0"));
  EXPECT_TRUE(isInvalid(sparse_attn_mask_add_pairs(b, indices, indices, SPARSE_ATTN_INDEX_U16, 1, 1),
                        "expects an index type among u32, i32, u64 and i64, but got number 0"));
  EXPECT_TRUE(
      isInvalid(sparse_attn_mask_add_csr(b, negative, SPARSE_ATTN_INDEX_I64, indices, SPARSE_ATTN_INDEX_U32, 0), "-1"));
  EXPECT_TRUE(isInvalid(sparse_attn_mask_add_csr(b, indices, 9, indices, SPARSE_ATTN_INDEX_U32, 0), "number 9"));
  EXPECT_TRUE(isInvalid(sparse_attn_mask_add_csr(b, negative, SPARSE_ATTN_INDEX_I64, indices, SPARSE_ATTN_INDEX_U64, 0),
                        "expects an index type among u16, u32, i32 and i64, but got number 3"));
  const uint8_t bits[4] = {};
  EXPECT_TRUE(isInvalid(sparse_attn_mask_add_packed_bits(b, bits, 0), "at least 1 bytes"));
  EXPECT_TRUE(isInvalid(sparse_attn_mask_add_dense(b, bits, 5), "at least 6 bytes"));
  sparse_attn_freeze_options options = {4, 0};
  EXPECT_TRUE(isInvalid(sparse_attn_mask_builder_freeze(b, &options, mask.place()),
                        "expects a representation of 0 to 3, but got 4"));
  options = {0, -1};
  EXPECT_TRUE(isInvalid(sparse_attn_mask_builder_freeze(b, &options, mask.place()), "at least 0 threads, but got -1"));
  ASSERT_TRUE(isOk(sparse_attn_mask_builder_freeze(b, nullptr, mask.place())));
  EXPECT_EQ(sparse_attn_mask_count(mask), 0u) << "what fails adds nothing";
  grid = {4, 6, 16, 16};
  Builder other;
  ASSERT_TRUE(isOk(sparse_attn_mask_builder_create(&grid, other.place())));
  EXPECT_TRUE(fails(sparse_attn_mask_add_mask(other, mask), SPARSE_ATTN_SHAPE_MISMATCH, "4 x 6 blocks of 16 x 32"));
}

TEST(MaskCApi, BuildersWantNoNulls) {
  Builder builder;
  Mask mask;
  const uint32_t key = 0;
  const sparse_attn_mask_band band = {0, 4, 0, 6, 0, 0, 1, 0};
  const uint8_t bits[24] = {};
  EXPECT_TRUE(misses(sparse_attn_mask_builder_create(nullptr, builder.place()), "a grid"));
  EXPECT_TRUE(misses(sparse_attn_mask_builder_create(&smallGrid, nullptr), "a place for the result"));
  EXPECT_TRUE(misses(sparse_attn_mask_add_attention(nullptr, 0, &key, 1), "a builder"));
  EXPECT_TRUE(misses(sparse_attn_mask_add_range(nullptr, 0, 0, 1), "a builder"));
  EXPECT_TRUE(misses(sparse_attn_mask_add_window(nullptr, 0, 1), "a builder"));
  EXPECT_TRUE(misses(sparse_attn_mask_add_keys(nullptr, 0, 1), "a builder"));
  EXPECT_TRUE(misses(sparse_attn_mask_add_queries(nullptr, 0, 1), "a builder"));
  EXPECT_TRUE(misses(sparse_attn_mask_add_band(nullptr, &band), "a builder"));
  EXPECT_TRUE(misses(sparse_attn_mask_add_pairs(nullptr, &key, &key, SPARSE_ATTN_INDEX_U32, 1, 1), "a builder"));
  EXPECT_TRUE(misses(sparse_attn_mask_add_csr(nullptr, &key, SPARSE_ATTN_INDEX_U32, &key, SPARSE_ATTN_INDEX_U32, 0),
                     "a builder"));
  EXPECT_TRUE(misses(sparse_attn_mask_add_packed_bits(nullptr, bits, 6), "a builder"));
  EXPECT_TRUE(misses(sparse_attn_mask_add_dense(nullptr, bits, 6), "a builder"));
  EXPECT_TRUE(misses(sparse_attn_mask_add_mask(nullptr, mask), "a builder"));
  EXPECT_TRUE(misses(sparse_attn_mask_builder_freeze(nullptr, nullptr, mask.place()), "a builder"));
  ASSERT_TRUE(isOk(sparse_attn_mask_builder_create(&smallGrid, builder.place())));
  EXPECT_TRUE(misses(sparse_attn_mask_add_attention(builder, 0, nullptr, 1), "key blocks"));
  EXPECT_TRUE(misses(sparse_attn_mask_add_band(builder, nullptr), "a band"));
  EXPECT_TRUE(
      isInvalid(sparse_attn_mask_add_pairs(builder, &key, nullptr, SPARSE_ATTN_INDEX_U32, 1, 1), "but got null"));
  EXPECT_TRUE(
      isInvalid(sparse_attn_mask_add_pairs(builder, nullptr, &key, SPARSE_ATTN_INDEX_U32, 1, 1), "but got null"));
  EXPECT_TRUE(isInvalid(
      sparse_attn_mask_add_csr(builder, nullptr, SPARSE_ATTN_INDEX_U32, &key, SPARSE_ATTN_INDEX_U32, 1), "got null"));
  EXPECT_TRUE(misses(sparse_attn_mask_add_packed_bits(builder, nullptr, 1), "packed bits"));
  EXPECT_TRUE(misses(sparse_attn_mask_add_dense(builder, nullptr, 6), "a dense mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_add_mask(builder, nullptr), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_builder_freeze(builder, nullptr, nullptr), "a place for the result"));
  sparse_attn_mask_builder_destroy(nullptr);
}

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

TEST(MaskCApi, MasksAnswer) {
  for (int32_t kind :
       {SPARSE_ATTN_AUTOMATIC, SPARSE_ATTN_TERMS_AND_ROWS, SPARSE_ATTN_PACKED_BITS, SPARSE_ATTN_ROARING}) {
    sparse_attn_freeze_options options = {kind, 1};
    Mask mask;
    buildWindow(mask, &options);
    sparse_attn_mask_grid grid = {};
    ASSERT_TRUE(isOk(sparse_attn_mask_get_grid(mask, &grid)));
    EXPECT_EQ(grid.query_blocks, 4u);
    EXPECT_EQ(grid.key_blocks, 6u);
    EXPECT_EQ(grid.query_block_size, 16u);
    EXPECT_EQ(grid.key_block_size, 32u);
    EXPECT_EQ(sparse_attn_mask_count(mask), 12u);
    EXPECT_EQ(rowsOf(mask), windowRows);
    uint32_t count = 0;
    ASSERT_TRUE(isOk(sparse_attn_mask_row_count(mask, 2, &count)));
    EXPECT_EQ(count, 4u);
    ASSERT_TRUE(isOk(sparse_attn_mask_row_count(mask, 99, &count)));
    EXPECT_EQ(count, 0u);
    EXPECT_EQ(sparse_attn_mask_contains(mask, 2, 5), 1);
    EXPECT_EQ(sparse_attn_mask_contains(mask, 2, 4), 0);
    EXPECT_EQ(sparse_attn_mask_contains(mask, 4, 0) + sparse_attn_mask_contains(mask, 0, 6), 0);
    EXPECT_EQ(activeBlocks(mask, 4), std::vector<uint32_t>());
    sparse_attn_mask_stats stats = {};
    ASSERT_TRUE(isOk(sparse_attn_mask_get_stats(mask, &stats)));
    EXPECT_EQ(stats.density, 0.5);
    EXPECT_GT(stats.heap_bytes, 0u);
    EXPECT_NE(stats.representation, SPARSE_ATTN_AUTOMATIC);
    EXPECT_TRUE(kind == SPARSE_ATTN_AUTOMATIC || stats.representation == kind);
  }
}

TEST(MaskCApi, MasksListRanges) {
  sparse_attn_freeze_options options = {SPARSE_ATTN_TERMS_AND_ROWS, 0};
  Mask mask;
  buildWindow(mask, &options);
  using Range = sparse_attn_block_range;
  std::vector<Range> row = listOf<Range>([&](Range *list, size_t capacity, size_t *count) {
    return sparse_attn_mask_ranges(mask, 2, list, capacity, count);
  });
  ASSERT_EQ(row.size(), 2u);
  EXPECT_TRUE(row[0].first == 1 && row[0].past == 4 && row[1].first == 5 && row[1].past == 6);
  std::vector<Range> rows = listOf<Range>([&](Range *list, size_t capacity, size_t *count) {
    return sparse_attn_mask_union_of_rows(mask, 0, 2, list, capacity, count);
  });
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_TRUE(rows[0].first == 0 && rows[0].past == 3);
  auto intersect = [&](uint32_t q1, uint32_t q2) {
    return listOf<uint32_t>([&](uint32_t *list, size_t capacity, size_t *count) {
      return sparse_attn_mask_intersection(mask, q1, q2, list, capacity, count);
    });
  };
  EXPECT_EQ(intersect(2, 3), (std::vector<uint32_t>{2, 3}));
  EXPECT_EQ(intersect(2, 2), (std::vector<uint32_t>{1, 2, 3, 5}));
  EXPECT_EQ(intersect(0, 7), (std::vector<uint32_t>{}));
  using Band = sparse_attn_mask_band;
  std::vector<Band> bands = listOf<Band>(
      [&](Band *list, size_t capacity, size_t *count) { return sparse_attn_mask_bands(mask, list, capacity, count); });
  ASSERT_EQ(bands.size(), 1u);
  EXPECT_TRUE(bands[0].lowest == -1 && bands[0].highest == 1 && bands[0].step == 1 && bands[0].query_past == 4);
}

TEST(MaskCApi, EqualMasksHaveEqualHashes) {
  Mask mask, same, other;
  sparse_attn_freeze_options roaring = {SPARSE_ATTN_ROARING, 0};
  buildWindow(mask);
  buildWindow(same, &roaring);
  build(other, [](sparse_attn_mask_builder *b) { return sparse_attn_mask_add_window(b, 1, 1); });
  int32_t equal = 7;
  sparse_attn_content_hash a = {}, b = {}, c = {};
  ASSERT_TRUE(isOk(sparse_attn_mask_equal(mask, same, &equal)));
  EXPECT_EQ(equal, 1);
  ASSERT_TRUE(isOk(sparse_attn_mask_equal(mask, other, &equal)));
  EXPECT_EQ(equal, 0);
  ASSERT_TRUE(isOk(sparse_attn_mask_content_hash(mask, &a)));
  ASSERT_TRUE(isOk(sparse_attn_mask_content_hash(same, &b)));
  ASSERT_TRUE(isOk(sparse_attn_mask_content_hash(other, &c)));
  EXPECT_TRUE(a.low == b.low && a.high == b.high);
  EXPECT_FALSE(a.low == c.low && a.high == c.high);
}

TEST(MaskCApi, QuestionsWantNoNulls) {
  Mask mask;
  buildWindow(mask);
  sparse_attn_mask_grid grid;
  sparse_attn_mask_stats stats;
  sparse_attn_content_hash hash;
  sparse_attn_mask_band band;
  sparse_attn_block_range range;
  uint32_t number;
  int32_t equal;
  size_t count;
  EXPECT_EQ(sparse_attn_mask_count(nullptr), 0u);
  EXPECT_EQ(sparse_attn_mask_contains(nullptr, 0, 0), 0);
  EXPECT_TRUE(misses(sparse_attn_mask_get_grid(nullptr, &grid), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_get_grid(mask, nullptr), "a place for the grid"));
  EXPECT_TRUE(misses(sparse_attn_mask_row_count(nullptr, 0, &number), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_row_count(mask, 0, nullptr), "a place for the number"));
  EXPECT_TRUE(misses(sparse_attn_mask_active_blocks(nullptr, 0, &number, 1, &count), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_ranges(nullptr, 0, &range, 1, &count), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_intersection(nullptr, 0, 0, &number, 1, &count), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_union_of_rows(nullptr, 0, 1, &range, 1, &count), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_bands(nullptr, &band, 1, &count), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_get_stats(nullptr, &stats), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_get_stats(mask, nullptr), "a place for the stats"));
  EXPECT_TRUE(misses(sparse_attn_mask_content_hash(nullptr, &hash), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_content_hash(mask, nullptr), "a place for the hash"));
  EXPECT_TRUE(misses(sparse_attn_mask_equal(nullptr, mask, &equal), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_equal(mask, nullptr, &equal), "a second mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_equal(mask, mask, nullptr), "a place for the answer"));
  sparse_attn_mask_destroy(nullptr);
}

//===----------------------------------------------------------------------===//
// Algebra
//===----------------------------------------------------------------------===//

TEST(MaskCApi, MasksCombine) {
  Mask a, b, result;
  buildWindow(a);
  build(b, [](sparse_attn_mask_builder *builder) { return sparse_attn_mask_add_keys(builder, 1, 3); });
  ASSERT_TRUE(isOk(sparse_attn_mask_and(a, b, nullptr, result.place())));
  EXPECT_EQ(rowsOf(result), (Rows{{1}, {1, 2}, {1, 2}, {2}}));
  ASSERT_TRUE(isOk(sparse_attn_mask_or(a, b, nullptr, result.place())));
  EXPECT_EQ(rowsOf(result), (Rows{{0, 1, 2}, {0, 1, 2}, {1, 2, 3, 5}, {1, 2, 3, 4}}));
  sparse_attn_freeze_options packed = {SPARSE_ATTN_PACKED_BITS, 0};
  ASSERT_TRUE(isOk(sparse_attn_mask_and_not(a, b, &packed, result.place())));
  EXPECT_EQ(rowsOf(result), (Rows{{0}, {0}, {3, 5}, {3, 4}}));
  sparse_attn_mask_stats stats;
  ASSERT_TRUE(isOk(sparse_attn_mask_get_stats(result, &stats)));
  EXPECT_EQ(stats.representation, SPARSE_ATTN_PACKED_BITS);
}

TEST(MaskCApi, MasksAreTransposedAndConverted) {
  Mask mask, result;
  buildWindow(mask);
  ASSERT_TRUE(isOk(sparse_attn_mask_transpose(mask, 0, result.place())));
  sparse_attn_mask_grid grid;
  ASSERT_TRUE(isOk(sparse_attn_mask_get_grid(result, &grid)));
  EXPECT_TRUE(grid.query_blocks == 6 && grid.key_blocks == 4 && grid.query_block_size == 32);
  EXPECT_EQ(activeBlocks(result, 1), (std::vector<uint32_t>{0, 1, 2}));
  EXPECT_EQ(activeBlocks(result, 5), (std::vector<uint32_t>{2}));
  sparse_attn_freeze_options roaring = {SPARSE_ATTN_ROARING, 0};
  ASSERT_TRUE(isOk(sparse_attn_mask_convert(mask, &roaring, result.place())));
  sparse_attn_mask_stats stats;
  ASSERT_TRUE(isOk(sparse_attn_mask_get_stats(result, &stats)));
  EXPECT_EQ(stats.representation, SPARSE_ATTN_ROARING);
  EXPECT_EQ(rowsOf(result), windowRows);
}

TEST(MaskCApi, AlgebraRefuses) {
  Mask mask, other, result;
  buildWindow(mask);
  ASSERT_TRUE(isOk(sparse_attn_mask_transpose(mask, 0, other.place())));
  sparse_attn_freeze_options wrong = {-1, 0}, few = {0, -2};
  for (auto *combine : {sparse_attn_mask_and, sparse_attn_mask_or, sparse_attn_mask_and_not}) {
    EXPECT_TRUE(fails(combine(mask, other, nullptr, result.place()), SPARSE_ATTN_SHAPE_MISMATCH, "6 x 4 blocks"));
    EXPECT_EQ(result.handle, nullptr);
    EXPECT_TRUE(isInvalid(combine(mask, mask, &wrong, result.place()), "representation of 0 to 3, but got -1"));
    EXPECT_TRUE(misses(combine(nullptr, mask, nullptr, result.place()), "a mask"));
    EXPECT_TRUE(misses(combine(mask, nullptr, nullptr, result.place()), "a second mask"));
    EXPECT_TRUE(misses(combine(mask, mask, nullptr, nullptr), "a place for the result"));
  }
  EXPECT_TRUE(isInvalid(sparse_attn_mask_transpose(mask, -1, result.place()), "threads, but got -1"));
  EXPECT_TRUE(misses(sparse_attn_mask_transpose(nullptr, 0, result.place()), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_transpose(mask, 0, nullptr), "a place for the result"));
  EXPECT_TRUE(isInvalid(sparse_attn_mask_convert(mask, &few, result.place()), "threads, but got -2"));
  EXPECT_TRUE(misses(sparse_attn_mask_convert(nullptr, &few, result.place()), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_convert(mask, nullptr, result.place()), "options"));
  EXPECT_TRUE(misses(sparse_attn_mask_convert(mask, &few, nullptr), "a place for the result"));
}

TEST(MaskCApi, PackedBitsHaveALimit) {
  const sparse_attn_mask_grid grid = {1u << 20, 1u << 20, 16, 16};
  const sparse_attn_freeze_options packed = {SPARSE_ATTN_PACKED_BITS, 0};
  Builder builder;
  Mask mask;
  ASSERT_TRUE(isOk(sparse_attn_mask_builder_create(&grid, builder.place())));
  EXPECT_TRUE(fails(sparse_attn_mask_builder_freeze(builder, &packed, mask.place()), SPARSE_ATTN_UNSUPPORTED, ""));
  EXPECT_EQ(mask.handle, nullptr);
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

/// A path that is free, and is so again afterwards.
struct TemporaryPath {
  TemporaryPath()
      : path(std::filesystem::temp_directory_path() / ("sparse-attn-capi-" + std::to_string(getpid()) + ".samask")) {}
  ~TemporaryPath() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
  std::string path;
};

TEST(MaskCApi, FilesComeBack) {
  TemporaryPath file;
  Mask mask, loaded;
  Bytes bytes;
  buildWindow(mask);
  ASSERT_TRUE(isOk(sparse_attn_mask_save(mask, file.path.c_str())));
  ASSERT_TRUE(isOk(sparse_attn_mask_load(file.path.c_str(), nullptr, loaded.place())));
  EXPECT_EQ(rowsOf(loaded), windowRows);
  ASSERT_TRUE(isOk(sparse_attn_mask_save_buffer(mask, bytes.place())));
  EXPECT_EQ(sparse_attn_bytes_size(bytes), std::filesystem::file_size(file.path));
  const sparse_attn_load_options options = {{SPARSE_ATTN_ROARING, 1}, 1 << 20, 0};
  ASSERT_TRUE(isOk(sparse_attn_mask_load_buffer(sparse_attn_bytes_data(bytes), sparse_attn_bytes_size(bytes), &options,
                                                loaded.place())));
  EXPECT_EQ(rowsOf(loaded), windowRows);
  sparse_attn_mask_stats stats;
  ASSERT_TRUE(isOk(sparse_attn_mask_get_stats(loaded, &stats)));
  EXPECT_EQ(stats.representation, SPARSE_ATTN_ROARING);
}

TEST(MaskCApi, FilesAreChecked) {
  Mask mask, loaded;
  Bytes bytes;
  const sparse_attn_freeze_options terms = {SPARSE_ATTN_TERMS_AND_ROWS, 0};
  buildWindow(mask, &terms);
  ASSERT_TRUE(isOk(sparse_attn_mask_save_buffer(mask, bytes.place())));
  std::vector<uint8_t> file(sparse_attn_bytes_data(bytes),
                            sparse_attn_bytes_data(bytes) + sparse_attn_bytes_size(bytes));
  auto load = [&](const sparse_attn_load_options *options = nullptr) {
    return sparse_attn_mask_load_buffer(file.data(), file.size(), options, loaded.place());
  };
  sparse_attn_load_options options = {{0, 0}, 16, 0};
  EXPECT_TRUE(isInvalid(load(&options), "16"));
  options = {{0, 0}, 0, 1};
  EXPECT_TRUE(isInvalid(load(&options), "work of at most 1"));
  options = {{9, 0}, 0, 0};
  EXPECT_TRUE(isInvalid(load(&options), "representation of 0 to 3, but got 9"));
  file[8] = 99;
  EXPECT_TRUE(fails(load(), SPARSE_ATTN_VERSION_MISMATCH, "99"));
  file.pop_back();
  file[8] = 1;
  EXPECT_TRUE(isInvalid(load(), ""));
  EXPECT_EQ(loaded.handle, nullptr);
  EXPECT_TRUE(isInvalid(sparse_attn_mask_load("/no/such/mask", nullptr, loaded.place()), "/no/such/mask"));
  EXPECT_TRUE(isInvalid(sparse_attn_mask_save(mask, "/no/such/mask"), "/no/such"));
}

TEST(MaskCApi, FilesWantNoNulls) {
  Mask mask, loaded;
  Bytes bytes;
  buildWindow(mask);
  EXPECT_TRUE(misses(sparse_attn_mask_save(nullptr, "x"), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_save(mask, nullptr), "a path"));
  EXPECT_TRUE(misses(sparse_attn_mask_save_buffer(nullptr, bytes.place()), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_save_buffer(mask, nullptr), "a place for the result"));
  EXPECT_TRUE(misses(sparse_attn_mask_load(nullptr, nullptr, loaded.place()), "a path"));
  EXPECT_TRUE(misses(sparse_attn_mask_load("x", nullptr, nullptr), "a place for the result"));
  EXPECT_TRUE(misses(sparse_attn_mask_load_buffer(nullptr, 5, nullptr, loaded.place()), "bytes"));
  EXPECT_TRUE(misses(sparse_attn_mask_load_buffer("x", 1, nullptr, nullptr), "a place for the result"));
  EXPECT_EQ(sparse_attn_bytes_data(nullptr), nullptr);
  EXPECT_EQ(sparse_attn_bytes_size(nullptr), 0u);
  sparse_attn_bytes_destroy(nullptr);
}

//===----------------------------------------------------------------------===//
// Lists
//===----------------------------------------------------------------------===//

TEST(MaskCApi, ListsGoToTheCaller) {
  Mask active, partial;
  buildWindow(active);
  build(partial, [](sparse_attn_mask_builder *b) { return sparse_attn_mask_add_window(b, 0, 0); });
  const sparse_attn_list_options options = {SPARSE_ATTN_LIST_BLOCK16, SPARSE_ATTN_OFFSET64, 1};
  sparse_attn_list_sizes sizes = {};
  ASSERT_TRUE(isOk(sparse_attn_mask_list_sizes(active, partial, &options, &sizes)));
  EXPECT_EQ(sizes.offsets, 5u);
  EXPECT_EQ(sizes.full, 8u);
  EXPECT_EQ(sizes.partial, 4u);
  EXPECT_EQ(sizes.offset_bytes, 5 * sizeof(int64_t));
  EXPECT_EQ(sizes.full_bytes, 8 * sizeof(uint16_t));
  EXPECT_EQ(sizes.partial_bytes, 4 * sizeof(uint16_t));
  std::vector<int64_t> fullOffsets(sizes.offsets), partialOffsets(sizes.offsets);
  std::vector<uint16_t> full(sizes.full), partials(sizes.partial);
  const sparse_attn_list_buffers buffers = {fullOffsets.data(), full.data(), partialOffsets.data(), partials.data()};
  ASSERT_TRUE(isOk(sparse_attn_mask_export_lists(active, partial, &options, &buffers)));
  EXPECT_EQ(fullOffsets, (std::vector<int64_t>{0, 1, 3, 6, 8}));
  EXPECT_EQ(full, (std::vector<uint16_t>{1, 0, 2, 1, 3, 5, 2, 4}));
  EXPECT_EQ(partialOffsets, (std::vector<int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(partials, (std::vector<uint16_t>{0, 1, 2, 3}));
}

TEST(MaskCApi, ListsAreIntervalsByDefault) {
  Mask active;
  buildWindow(active);
  sparse_attn_list_sizes sizes = {};
  ASSERT_TRUE(isOk(sparse_attn_mask_list_sizes(active, nullptr, nullptr, &sizes)));
  ASSERT_EQ(sizes.full, 5u);
  EXPECT_EQ(sizes.partial, 0u);
  std::vector<uint32_t> offsets(sizes.offsets), intervals(2 * sizes.full);
  const sparse_attn_list_buffers buffers = {offsets.data(), intervals.data(), nullptr, nullptr};
  ASSERT_TRUE(isOk(sparse_attn_mask_export_lists(active, nullptr, nullptr, &buffers)));
  EXPECT_EQ(offsets, (std::vector<uint32_t>{0, 1, 2, 4, 5}));
  EXPECT_EQ(intervals, (std::vector<uint32_t>{0, 2, 0, 3, 1, 3, 5, 1, 2, 3}));
  const sparse_attn_list_options blocks = {SPARSE_ATTN_LIST_BLOCK32, SPARSE_ATTN_OFFSET32, 0};
  ASSERT_TRUE(isOk(sparse_attn_mask_list_sizes(active, nullptr, &blocks, &sizes)));
  EXPECT_EQ(sizes.full_bytes, 12 * sizeof(uint32_t));
}

TEST(MaskCApi, BlobsAreOnePiece) {
  Mask active;
  buildWindow(active);
  size_t bytes = 0;
  ASSERT_TRUE(isOk(sparse_attn_mask_blob_bytes(active, active, &bytes)));
  Workspace blob(bytes);
  ASSERT_TRUE(isOk(sparse_attn_mask_write_blob(active, active, blob.memory.get(), bytes, 1)));
  // The header starts with the version, the bytes of a block's index, and the grid.
  const uint32_t *words = static_cast<const uint32_t *>(blob.memory.get());
  EXPECT_EQ(std::vector<uint32_t>(words, words + 6), (std::vector<uint32_t>{1, 2, 4, 6, 16, 32}));
  EXPECT_TRUE(isInvalid(sparse_attn_mask_write_blob(active, active, blob.memory.get(), bytes - 16, 1), "bytes"));
}

TEST(MaskCApi, ListsRefuse) {
  Mask active, other;
  buildWindow(active);
  ASSERT_TRUE(isOk(sparse_attn_mask_transpose(active, 0, other.place())));
  sparse_attn_list_sizes sizes;
  sparse_attn_list_buffers buffers = {};
  size_t bytes;
  char memory[16];
  for (sparse_attn_list_options options : {sparse_attn_list_options{3, 0, 0}, {0, 2, 0}, {0, 0, -1}}) {
    EXPECT_TRUE(isInvalid(sparse_attn_mask_list_sizes(active, nullptr, &options, &sizes), "expects"));
    EXPECT_TRUE(isInvalid(sparse_attn_mask_export_lists(active, nullptr, &options, &buffers), "expects"));
  }
  EXPECT_TRUE(fails(sparse_attn_mask_list_sizes(active, other, nullptr, &sizes), SPARSE_ATTN_SHAPE_MISMATCH, "6 x 4"));
  EXPECT_TRUE(
      fails(sparse_attn_mask_export_lists(active, other, nullptr, &buffers), SPARSE_ATTN_SHAPE_MISMATCH, "6 x 4"));
  EXPECT_TRUE(fails(sparse_attn_mask_blob_bytes(active, other, &bytes), SPARSE_ATTN_SHAPE_MISMATCH, "6 x 4"));
  EXPECT_TRUE(isInvalid(sparse_attn_mask_export_lists(active, nullptr, nullptr, &buffers), "null"));
  EXPECT_TRUE(misses(sparse_attn_mask_list_sizes(nullptr, nullptr, nullptr, &sizes), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_list_sizes(active, nullptr, nullptr, nullptr), "a place for the sizes"));
  EXPECT_TRUE(misses(sparse_attn_mask_export_lists(nullptr, nullptr, nullptr, &buffers), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_export_lists(active, nullptr, nullptr, nullptr), "buffers"));
  EXPECT_TRUE(misses(sparse_attn_mask_blob_bytes(nullptr, nullptr, &bytes), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_mask_blob_bytes(active, nullptr, nullptr), "a place for the size"));
  EXPECT_TRUE(misses(sparse_attn_mask_write_blob(nullptr, nullptr, memory, 16, 0), "a mask"));
  EXPECT_TRUE(isInvalid(sparse_attn_mask_write_blob(active, nullptr, nullptr, 16, 0), "16-byte aligned"));
  EXPECT_TRUE(isInvalid(sparse_attn_mask_write_blob(active, nullptr, memory, 16, -3), "threads, but got -3"));
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// The k best blocks of 4 x 4 tokens, by head, as a table.
void selectBlocks(Table &table, Problem &problem, int64_t count) {
  Value query = problem.query.value(), key = problem.key.value();
  const sparse_attn_score_options options = {SPARSE_ATTN_ANTIDIAGONAL, 1, 4, 4, 2, 0.25};
  Scores scores;
  ASSERT_TRUE(isOk(sparse_attn_score_blocks(&query, &key, &options, scores.place())));
  Value value;
  sparse_attn_sequence_blocks blocks;
  ASSERT_TRUE(isOk(sparse_attn_block_scores_value(scores, &value, &blocks)));
  EXPECT_EQ(shapeOf(value), (Shape{4, {2, 4, 5, 8}}));
  EXPECT_TRUE(blocks.query_length == 20 && blocks.key_length == 30 && blocks.key_block_size == 4);
  sparse_attn_top_k_options selection = {};
  selection.count = count;
  selection.keep_diagonal = 1;
  selection.heads_per_mask = 2;
  selection.causal = 1;
  ASSERT_TRUE(isOk(sparse_attn_select_top_k(&value, &blocks, &selection, table.place())));
}

TEST(MaskCApi, TensorsBecomeMasksAndRun) {
  Problem problem({2, 4, 2, 20, 30});
  Table table;
  selectBlocks(table, problem, 3);
  Value masks;
  ASSERT_TRUE(isOk(sparse_attn_mask_table_value(table, &masks)));
  EXPECT_EQ(masks.size[0], 2);
  EXPECT_EQ(masks.size[1], 4);
  EXPECT_EQ(masks.dtype, SPARSE_ATTN_BLOCK_MASK);
  const sparse_attn_block_mask *first, *second, *third;
  ASSERT_TRUE(isOk(sparse_attn_mask_table_get(table, 1, 0, &first)));
  ASSERT_TRUE(isOk(sparse_attn_mask_table_get(table, 1, 1, &second)));
  ASSERT_TRUE(isOk(sparse_attn_mask_table_get(table, 1, 2, &third)));
  EXPECT_EQ(first, second) << "two heads share a mask";
  EXPECT_NE(first, third);

  std::vector<Value> arguments = problem.arguments({masks, makeScalar(1000)});
  std::vector<Value> results = problem.results(false);
  OpenArtifact artifact;
  OwnedPlan plan;
  ASSERT_TRUE(isOk(sparse_attn_artifact_from_image(&handwritten_sparse_attn_image, artifact.place())));
  ASSERT_TRUE(isOk(sparse_attn_prepare(artifact, "blocks", arguments.data(), arguments.size(), plan.place())));
  Workspace workspace(sparse_attn_workspace_bytes(plan));
  ASSERT_TRUE(isOk(sparse_attn_launch(plan, arguments.data(), arguments.size(), results.data(), 1,
                                      workspace.memory.get(), workspace.bytes, nullptr)));
  problem.expectReference(
      [&](int64_t b, int64_t h, int64_t q, int64_t k) {
        const sparse_attn_block_mask *mask = nullptr;
        EXPECT_TRUE(isOk(sparse_attn_mask_table_get(table, b, h, &mask)));
        return sparse_attn_mask_contains(mask, static_cast<uint32_t>((q - 10) / 4), static_cast<uint32_t>(k / 4)) != 0;
      },
      false);
}

TEST(MaskCApi, TopKOptionsAreThoseOfTheClass) {
  const float scores[2][2][2][4] = {{{{4, 3, 2, 1}, {1, 2, 3, 4}}, {{0, 9, 0, 9}, {9, 0, 9, 0}}},
                                    {{{1, 1, 1, 8}, {8, 1, 1, 1}}, {{1, 2, 2, 1}, {2, 1, 1, 2}}}};
  Value value = makeArray(scores, DType::F32, Shape{4, {2, 2, 2, 4}});
  const sparse_attn_sequence_blocks blocks = {32, 64, 16, 16};
  const SequenceBlocks same = {32, 64, 16, 16};
  for (bool share : {false, true}) {
    sparse_attn_top_k_options options = {};
    options.mass = 0.8;
    options.keep_sinks = 1;
    options.batches_share = share;
    options.freeze.representation = SPARSE_ATTN_PACKED_BITS;
    TopKOptions expectedOptions;
    expectedOptions.mass = 0.8;
    expectedOptions.keepSinks = 1;
    expectedOptions.batchesShare = share;
    Table table;
    ASSERT_TRUE(isOk(sparse_attn_select_top_k(&value, &blocks, &options, table.place())));
    Result<TopKMasks> expected = selectTopK(value, same, expectedOptions);
    ASSERT_TRUE(expected.isOk());
    for (int64_t b = 0; b < 2; ++b)
      for (int64_t h = 0; h < 2; ++h) {
        const sparse_attn_block_mask *mask;
        sparse_attn_mask_stats stats;
        ASSERT_TRUE(isOk(sparse_attn_mask_table_get(table, b, h, &mask)));
        for (uint32_t q = 0; q < 2; ++q)
          EXPECT_EQ(activeBlocks(mask, q), expected->mask(b, h).activeBlocks(q));
        ASSERT_TRUE(isOk(sparse_attn_mask_get_stats(mask, &stats)));
        EXPECT_EQ(stats.representation, SPARSE_ATTN_PACKED_BITS);
      }
  }
}

TEST(MaskCApi, ScoresHaveDefaults) {
  Problem problem({1, 1, 1, 20, 30});
  Value query = problem.query.value(), key = problem.key.value(), value;
  Scores scores;
  sparse_attn_sequence_blocks blocks;
  ASSERT_TRUE(isOk(sparse_attn_score_blocks(&query, &key, nullptr, scores.place())));
  ASSERT_TRUE(isOk(sparse_attn_block_scores_value(scores, &value, &blocks)));
  Result<BlockScores> expected = scoreBlocks(query, key, {});
  ASSERT_TRUE(expected.isOk());
  EXPECT_EQ(blocks.query_block_size, 128);
  EXPECT_EQ(*static_cast<const float *>(value.data), expected->scores[0]);
}

TEST(MaskCApi, ScoresRefuse) {
  Problem problem({1, 1, 1, 20, 30});
  Value query = problem.query.value(), key = problem.key.value(), value;
  Scores scores;
  Table table;
  sparse_attn_sequence_blocks blocks = {};
  sparse_attn_score_options options = {2, 0, 0, 0, 0, 0.0};
  EXPECT_TRUE(isInvalid(sparse_attn_score_blocks(&query, &key, &options, scores.place()),
                        "expects a score method of 0 or 1, but got 2"));
  options = {SPARSE_ATTN_ANTIDIAGONAL, 0, 10, 10, 3, 0.0};
  EXPECT_TRUE(isInvalid(sparse_attn_score_blocks(&query, &key, &options, scores.place()), "stride 3"));
  Value wrong = makeScalar(3);
  EXPECT_TRUE(isInvalid(sparse_attn_score_blocks(&wrong, &key, nullptr, scores.place()), "expects"));
  EXPECT_TRUE(misses(sparse_attn_score_blocks(nullptr, &key, nullptr, scores.place()), "a query"));
  EXPECT_TRUE(misses(sparse_attn_score_blocks(&query, nullptr, nullptr, scores.place()), "a key"));
  EXPECT_TRUE(misses(sparse_attn_score_blocks(&query, &key, nullptr, nullptr), "a place for the result"));
  EXPECT_TRUE(misses(sparse_attn_block_scores_value(nullptr, &value, &blocks), "scores"));
  ASSERT_TRUE(isOk(sparse_attn_score_blocks(&query, &key, nullptr, scores.place())));
  EXPECT_TRUE(misses(sparse_attn_block_scores_value(scores, nullptr, &blocks), "a place for the value"));
  EXPECT_TRUE(misses(sparse_attn_block_scores_value(scores, &value, nullptr), "a place for the blocks"));
  ASSERT_TRUE(isOk(sparse_attn_block_scores_value(scores, &value, &blocks)));
  sparse_attn_top_k_options none = {}, best = {};
  best.count = 1;
  EXPECT_TRUE(isInvalid(sparse_attn_select_top_k(&value, &blocks, &none, table.place()), "a count or a mass"));
  EXPECT_TRUE(misses(sparse_attn_select_top_k(nullptr, &blocks, &best, table.place()), "scores"));
  EXPECT_TRUE(misses(sparse_attn_select_top_k(&value, nullptr, &best, table.place()), "blocks"));
  EXPECT_TRUE(misses(sparse_attn_select_top_k(&value, &blocks, nullptr, table.place()), "options"));
  EXPECT_TRUE(misses(sparse_attn_select_top_k(&value, &blocks, &best, nullptr), "a place for the result"));
  blocks.key_length += 128;
  EXPECT_TRUE(fails(sparse_attn_select_top_k(&value, &blocks, &best, table.place()), SPARSE_ATTN_SHAPE_MISMATCH, ""));
  best.freeze.threads = -1;
  EXPECT_TRUE(isInvalid(sparse_attn_select_top_k(&value, &blocks, &best, table.place()), "threads, but got -1"));
  sparse_attn_block_scores_destroy(nullptr);
}

TEST(MaskCApi, TablesRefuse) {
  Problem problem({2, 4, 2, 20, 30});
  Table table;
  selectBlocks(table, problem, 2);
  Value value;
  const sparse_attn_block_mask *mask;
  EXPECT_TRUE(misses(sparse_attn_mask_table_value(nullptr, &value), "a table"));
  EXPECT_TRUE(misses(sparse_attn_mask_table_value(table, nullptr), "a place for the value"));
  EXPECT_TRUE(misses(sparse_attn_mask_table_get(nullptr, 0, 0, &mask), "a table"));
  EXPECT_EQ(mask, nullptr);
  EXPECT_TRUE(misses(sparse_attn_mask_table_get(table, 0, 0, nullptr), "a place for the mask"));
  for (auto [b, h] : {std::pair<int64_t, int64_t>{2, 0}, {0, 4}, {-1, 0}, {0, -1}})
    EXPECT_TRUE(isInvalid(sparse_attn_mask_table_get(table, b, h, &mask), "expects a mask of 2 batches and 4 heads"));
  sparse_attn_mask_table_destroy(nullptr);
}

//===----------------------------------------------------------------------===//
// Cache
//===----------------------------------------------------------------------===//

struct CachedProblem {
  CachedProblem() {
    EXPECT_TRUE(isOk(sparse_attn_artifact_from_image(&handwritten_sparse_attn_image, artifact.place())));
    EXPECT_TRUE(isOk(sparse_attn_mask_cache_create(1 << 20, cache.place())));
  }

  sparse_attn_status prepare(const int64_t *versions) {
    std::vector<Value> arguments = problem.arguments({documents.captured()});
    return sparse_attn_prepare_cached(artifact, "packed", arguments.data(), arguments.size(), cache, versions,
                                      plan.place());
  }
  sparse_attn_mask_cache_stats stats() {
    sparse_attn_mask_cache_stats found = {};
    EXPECT_TRUE(isOk(sparse_attn_mask_cache_get_stats(cache, &found)));
    return found;
  }

  Problem problem{{1, 2, 1, 100, 100}};
  Documents documents{1, 100, 30};
  OpenArtifact artifact;
  Cache cache;
  OwnedPlan plan;
};

TEST(MaskCApi, CachesFindPlans) {
  CachedProblem cached;
  const int64_t five[] = {-1, -1, -1, 5}, six[] = {-1, -1, -1, 6}, hash[] = {1, 2, 3, -1};
  for (const int64_t *versions : {(const int64_t *)nullptr, &five[0], &six[0]}) {
    uint64_t misses = cached.stats().misses;
    ASSERT_TRUE(isOk(cached.prepare(versions)));
    EXPECT_EQ(cached.stats().misses, misses + 1);
  }
  for (const int64_t *versions : {(const int64_t *)nullptr, &five[0], &six[0], &hash[0]}) {
    uint64_t hits = cached.stats().hits;
    ASSERT_TRUE(isOk(cached.prepare(versions)));
    EXPECT_EQ(cached.stats().hits, hits + 1);
  }
  sparse_attn_mask_cache_stats stats = cached.stats();
  EXPECT_EQ(stats.entries, 3u);
  EXPECT_EQ(stats.evictions, 0u);
  EXPECT_GT(stats.bytes, 0u);
  EXPECT_EQ(stats.max_bytes, 1u << 20);
  ASSERT_TRUE(isOk(sparse_attn_mask_cache_clear(cached.cache)));
  EXPECT_EQ(cached.stats().entries, 0u);
}

TEST(MaskCApi, CachesWantNoNulls) {
  CachedProblem cached;
  sparse_attn_mask_cache_stats stats;
  EXPECT_TRUE(misses(sparse_attn_mask_cache_create(1, nullptr), "a place for the result"));
  EXPECT_TRUE(misses(sparse_attn_mask_cache_get_stats(nullptr, &stats), "a cache"));
  EXPECT_TRUE(misses(sparse_attn_mask_cache_get_stats(cached.cache, nullptr), "a place for the stats"));
  EXPECT_TRUE(misses(sparse_attn_mask_cache_clear(nullptr), "a cache"));
  std::vector<Value> arguments = cached.problem.arguments({cached.documents.captured()});
  auto prepare = [&](const sparse_attn_artifact *artifact, const char *function, sparse_attn_mask_cache *cache,
                     sparse_attn_plan **plan) {
    return sparse_attn_prepare_cached(artifact, function, arguments.data(), arguments.size(), cache, nullptr, plan);
  };
  EXPECT_TRUE(misses(prepare(nullptr, "packed", cached.cache, cached.plan.place()), "an artifact"));
  EXPECT_TRUE(misses(prepare(cached.artifact, nullptr, cached.cache, cached.plan.place()), "the name of a function"));
  EXPECT_TRUE(misses(prepare(cached.artifact, "packed", nullptr, cached.plan.place()), "a cache"));
  EXPECT_TRUE(misses(prepare(cached.artifact, "packed", cached.cache, nullptr), "a place for the result"));
  EXPECT_TRUE(isInvalid(prepare(cached.artifact, "none", cached.cache, cached.plan.place()), "but got 'none'"));
  EXPECT_TRUE(isInvalid(
      sparse_attn_prepare_cached(cached.artifact, "packed", nullptr, 4, cached.cache, nullptr, cached.plan.place()),
      "expects 4 arguments, but got null"));
  sparse_attn_mask_cache_destroy(nullptr);
}

//===----------------------------------------------------------------------===//
// Prefix index
//===----------------------------------------------------------------------===//

void makeIndex(Index &index, uint32_t node) {
  sparse_attn_prefix_options options = {};
  options.node = node;
  options.epoch = 1;
  options.block_tokens = 2;
  options.key[0] = 42;
  ASSERT_TRUE(isOk(sparse_attn_prefix_index_create(&options, index.place())));
}

const int32_t requestTokens[] = {1, 2, 3, 4, 5, 6, 7};
constexpr sparse_attn_tokens request = {requestTokens, 7, 0};

std::vector<sparse_attn_block_location> matchOf(const sparse_attn_prefix_index *index,
                                                const sparse_attn_tokens &tokens = request) {
  using Location = sparse_attn_block_location;
  return listOf<Location>([&](Location *list, size_t capacity, size_t *count) {
    return sparse_attn_prefix_index_match(index, &tokens, list, capacity, count);
  });
}

TEST(MaskCApi, IndicesFindPrefixes) {
  Index index;
  makeIndex(index, 3);
  const uint32_t blocks[] = {10, 11};
  ASSERT_TRUE(isOk(sparse_attn_prefix_index_insert(index, &request, blocks, 2)));
  std::vector<sparse_attn_block_location> found = matchOf(index);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_TRUE(found[0].node == 3 && found[0].block == 10 && found[1].block == 11);
  EXPECT_TRUE(matchOf(index, {requestTokens, 7, 1}).empty()) << "another domain";
  EXPECT_TRUE(matchOf(index, {nullptr, 0, 0}).empty());
  using Prefix = sparse_attn_node_prefix;
  std::vector<Prefix> nodes = listOf<Prefix>([&](Prefix *list, size_t capacity, size_t *count) {
    return sparse_attn_prefix_index_match_nodes(index, &request, list, capacity, count);
  });
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_TRUE(nodes[0].node == 3 && nodes[0].blocks == 2);
  using Hash = sparse_attn_prefix_hash;
  std::vector<Hash> hashes = listOf<Hash>([&](Hash *list, size_t capacity, size_t *count) {
    return sparse_attn_prefix_index_hashes(index, &request, list, capacity, count);
  });
  ASSERT_EQ(hashes.size(), 3u);
  using Location = sparse_attn_block_location;
  std::vector<Location> holders = listOf<Location>([&](Location *list, size_t capacity, size_t *count) {
    return sparse_attn_prefix_index_holders(index, &hashes[1], list, capacity, count);
  });
  ASSERT_EQ(holders.size(), 1u);
  EXPECT_EQ(holders[0].block, 11u);
  using Block = sparse_attn_cached_block;
  std::vector<Block> all = listOf<Block>([&](Block *list, size_t capacity, size_t *count) {
    return sparse_attn_prefix_index_blocks(index, list, capacity, count);
  });
  ASSERT_EQ(all.size(), 2u);
  EXPECT_TRUE(all[1].location.block == 11 && all[1].hash.low == hashes[1].low && all[1].hash.high == hashes[1].high);
  size_t evicted = 0;
  const uint32_t gone[] = {11, 12};
  ASSERT_TRUE(isOk(sparse_attn_prefix_index_evict(index, gone, 2, &evicted)));
  EXPECT_EQ(evicted, 1u);
  EXPECT_EQ(matchOf(index).size(), 1u);
  ASSERT_TRUE(isOk(sparse_attn_prefix_index_evict(index, gone, 2, nullptr)));
}

TEST(MaskCApi, IndicesAgreeByDeltas) {
  Index one, two;
  makeIndex(one, 1);
  makeIndex(two, 2);
  const uint32_t blocks[] = {7, 8, 9};
  ASSERT_TRUE(isOk(sparse_attn_prefix_index_insert(one, &request, blocks, 3)));
  Bytes delta;
  ASSERT_TRUE(isOk(sparse_attn_prefix_index_diff(one, nullptr, 0, delta.place())));
  sparse_attn_applied_delta applied = {};
  ASSERT_TRUE(isOk(
      sparse_attn_prefix_index_apply(two, sparse_attn_bytes_data(delta), sparse_attn_bytes_size(delta), &applied)));
  EXPECT_EQ(applied.changes, 3u);
  EXPECT_EQ(applied.complete, 1);
  EXPECT_EQ(matchOf(two).size(), 3u);
  EXPECT_EQ(matchOf(two)[0].node, 1u);
  using Version = sparse_attn_node_version;
  std::vector<Version> versions = listOf<Version>([&](Version *list, size_t capacity, size_t *count) {
    return sparse_attn_prefix_index_versions(two, list, capacity, count);
  });
  ASSERT_GE(versions.size(), 1u);
  EXPECT_TRUE(versions[0].node == 1 && versions[0].epoch == 1 && versions[0].sequence == 3);
  // Who has heard it all hears nothing new.
  size_t whole = sparse_attn_bytes_size(delta);
  ASSERT_TRUE(isOk(sparse_attn_prefix_index_diff(one, versions.data(), versions.size(), delta.place())));
  EXPECT_LT(sparse_attn_bytes_size(delta), whole);
  ASSERT_TRUE(
      isOk(sparse_attn_prefix_index_apply(two, sparse_attn_bytes_data(delta), sparse_attn_bytes_size(delta), nullptr)));
  ASSERT_TRUE(isOk(sparse_attn_prefix_index_retire_node(two, 1)));
  EXPECT_TRUE(matchOf(two).empty());
}

TEST(MaskCApi, IndicesRefuse) {
  Index index;
  sparse_attn_prefix_options options = {};
  options.block_tokens = 1u << 20;
  EXPECT_TRUE(isInvalid(sparse_attn_prefix_index_create(&options, index.place()), "1048576"));
  EXPECT_EQ(index.handle, nullptr);
  ASSERT_TRUE(isOk(sparse_attn_prefix_index_create(nullptr, index.place())));
  makeIndex(index, 1);
  const uint32_t many[] = {1, 2, 3, 4}, twice[] = {5, 5}, large[] = {1u << 20};
  EXPECT_TRUE(isInvalid(sparse_attn_prefix_index_insert(index, &request, many, 4), "at most 3 blocks"));
  EXPECT_TRUE(isInvalid(sparse_attn_prefix_index_insert(index, &request, twice, 2), "block 5 twice"));
  EXPECT_TRUE(isInvalid(sparse_attn_prefix_index_insert(index, &request, large, 1), "below 1048576"));
  EXPECT_TRUE(isInvalid(sparse_attn_prefix_index_evict(index, large, 1, nullptr), "below 1048576"));
  EXPECT_TRUE(isInvalid(sparse_attn_prefix_index_retire_node(index, 1), "this one"));
  EXPECT_TRUE(isInvalid(sparse_attn_prefix_index_retire_node(index, 9), "9"));
  const uint8_t noise[80] = {};
  EXPECT_TRUE(isInvalid(sparse_attn_prefix_index_apply(index, noise, sizeof(noise), nullptr), "delta"));
  EXPECT_TRUE(matchOf(index).empty());
}

TEST(MaskCApi, IndicesWantNoNulls) {
  Index index;
  makeIndex(index, 1);
  Bytes delta;
  sparse_attn_prefix_hash hash = {};
  sparse_attn_block_location location;
  sparse_attn_node_prefix prefix;
  sparse_attn_cached_block cached;
  sparse_attn_node_version version;
  const uint32_t block = 0;
  const uint8_t byte = 0;
  size_t count;
  EXPECT_TRUE(misses(sparse_attn_prefix_index_create(nullptr, nullptr), "a place for the result"));
  EXPECT_TRUE(misses(sparse_attn_prefix_index_hashes(nullptr, &request, &hash, 1, &count), "an index"));
  EXPECT_TRUE(misses(sparse_attn_prefix_index_hashes(index, nullptr, &hash, 1, &count), "a request"));
  EXPECT_TRUE(misses(sparse_attn_prefix_index_insert(nullptr, &request, &block, 1), "an index"));
  EXPECT_TRUE(misses(sparse_attn_prefix_index_insert(index, nullptr, &block, 1), "a request"));
  EXPECT_TRUE(isInvalid(sparse_attn_prefix_index_insert(index, &request, nullptr, 1), "but got null"));
  EXPECT_TRUE(misses(sparse_attn_prefix_index_evict(nullptr, &block, 1, &count), "an index"));
  EXPECT_TRUE(isInvalid(sparse_attn_prefix_index_evict(index, nullptr, 1, &count), "but got null"));
  EXPECT_TRUE(misses(sparse_attn_prefix_index_match(nullptr, &request, &location, 1, &count), "an index"));
  EXPECT_TRUE(misses(sparse_attn_prefix_index_match(index, nullptr, &location, 1, &count), "a request"));
  EXPECT_TRUE(misses(sparse_attn_prefix_index_match_nodes(nullptr, &request, &prefix, 1, &count), "an index"));
  EXPECT_TRUE(misses(sparse_attn_prefix_index_match_nodes(index, nullptr, &prefix, 1, &count), "a request"));
  EXPECT_TRUE(misses(sparse_attn_prefix_index_holders(nullptr, &hash, &location, 1, &count), "an index"));
  EXPECT_TRUE(misses(sparse_attn_prefix_index_holders(index, nullptr, &location, 1, &count), "a hash"));
  EXPECT_TRUE(misses(sparse_attn_prefix_index_blocks(nullptr, &cached, 1, &count), "an index"));
  EXPECT_TRUE(misses(sparse_attn_prefix_index_retire_node(nullptr, 1), "an index"));
  EXPECT_TRUE(misses(sparse_attn_prefix_index_versions(nullptr, &version, 1, &count), "an index"));
  EXPECT_TRUE(misses(sparse_attn_prefix_index_diff(nullptr, nullptr, 0, delta.place()), "an index"));
  EXPECT_TRUE(isInvalid(sparse_attn_prefix_index_diff(index, nullptr, 2, delta.place()), "2 versions, but got null"));
  EXPECT_TRUE(misses(sparse_attn_prefix_index_diff(index, nullptr, 0, nullptr), "a place for the result"));
  EXPECT_TRUE(misses(sparse_attn_prefix_index_apply(nullptr, &byte, 1, nullptr), "an index"));
  EXPECT_TRUE(misses(sparse_attn_prefix_index_apply(index, nullptr, 1, nullptr), "a delta"));
  sparse_attn_prefix_index_destroy(nullptr);
}

//===----------------------------------------------------------------------===//
// Shared blocks
//===----------------------------------------------------------------------===//

std::vector<uint32_t> vectorOf(const sparse_attn_block_list &list) {
  return std::vector<uint32_t>(list.blocks, list.blocks + list.count);
}

TEST(MaskCApi, RequestsShareBlocks) {
  const uint32_t a[] = {5, 6, 1}, b[] = {5, 6, 2}, c[] = {6};
  const sparse_attn_block_list requests[] = {{a, 3}, {b, 3}, {c, 1}};
  Shared shared;
  sparse_attn_sharing sharing = {};
  ASSERT_TRUE(isOk(sparse_attn_share_blocks(requests, 3, shared.place())));
  ASSERT_TRUE(isOk(sparse_attn_shared_blocks_get(shared, &sharing)));
  EXPECT_EQ(sharing.loads, 7u);
  EXPECT_EQ(sharing.distinct_blocks, 4u);
  EXPECT_EQ(vectorOf(sharing.common), (std::vector<uint32_t>{6}));
  ASSERT_EQ(sharing.groups, 2u);
  sparse_attn_sharing_group group = {};
  ASSERT_TRUE(isOk(sparse_attn_shared_blocks_group(shared, 0, &group)));
  EXPECT_EQ(vectorOf(group.requests), (std::vector<uint32_t>{0, 1, 2}));
  EXPECT_EQ(vectorOf(group.blocks), (std::vector<uint32_t>{6}));
  ASSERT_TRUE(isOk(sparse_attn_shared_blocks_group(shared, 1, &group)));
  EXPECT_EQ(vectorOf(group.blocks), (std::vector<uint32_t>{5}));
  EXPECT_EQ(group.common_prefix, 2u);
  EXPECT_TRUE(isInvalid(sparse_attn_shared_blocks_group(shared, 2, &group), "expects a group below 2, but got 2"));

  Mask mask;
  buildWindow(mask);
  ASSERT_TRUE(isOk(sparse_attn_share_mask_blocks(mask, shared.place())));
  ASSERT_TRUE(isOk(sparse_attn_shared_blocks_get(shared, &sharing)));
  EXPECT_EQ(sharing.loads, 12u);
  ASSERT_TRUE(isOk(sparse_attn_share_blocks(nullptr, 0, shared.place())));
}

TEST(MaskCApi, SharingWantsNoNulls) {
  Shared shared;
  Mask mask;
  buildWindow(mask);
  sparse_attn_sharing sharing;
  sparse_attn_sharing_group group;
  const sparse_attn_block_list missing = {nullptr, 2};
  EXPECT_TRUE(isInvalid(sparse_attn_share_blocks(nullptr, 2, shared.place()), "expects 2 requests, but got null"));
  EXPECT_TRUE(isInvalid(sparse_attn_share_blocks(&missing, 1, shared.place()), "request 0: expects 2 blocks"));
  EXPECT_TRUE(misses(sparse_attn_share_blocks(nullptr, 0, nullptr), "a place for the result"));
  EXPECT_TRUE(misses(sparse_attn_share_mask_blocks(nullptr, shared.place()), "a mask"));
  EXPECT_TRUE(misses(sparse_attn_share_mask_blocks(mask, nullptr), "a place for the result"));
  EXPECT_TRUE(misses(sparse_attn_shared_blocks_get(nullptr, &sharing), "shared blocks"));
  EXPECT_TRUE(misses(sparse_attn_shared_blocks_group(nullptr, 0, &group), "shared blocks"));
  ASSERT_TRUE(isOk(sparse_attn_share_mask_blocks(mask, shared.place())));
  EXPECT_TRUE(misses(sparse_attn_shared_blocks_get(shared, nullptr), "a place for the answer"));
  EXPECT_TRUE(misses(sparse_attn_shared_blocks_group(shared, 0, nullptr), "a place for the group"));
  sparse_attn_shared_blocks_destroy(nullptr);
}

//===----------------------------------------------------------------------===//
// Heavy hitters
//===----------------------------------------------------------------------===//

TEST(MaskCApi, HeavyBlocksAreKept) {
  const sparse_attn_heavy_hitter_options options = {2, 4, 0.5};
  Hitters hitters;
  ASSERT_TRUE(isOk(sparse_attn_heavy_hitters_create(&options, hitters.place())));
  const float mass[2][4] = {{1, 8, 2, 0}, {4, 0, 0, 6}};
  Value byBlock = makeArray(mass, DType::F32, Shape{2, {2, 4}});
  ASSERT_TRUE(isOk(sparse_attn_heavy_hitters_add_block_mass(hitters, &byBlock)));
  const float keys[2][5] = {{1, 1, 1, 1, 5}, {}};
  Value byKey = makeArray(keys, DType::F32, Shape{2, {2, 5}});
  ASSERT_TRUE(isOk(sparse_attn_heavy_hitters_add_key_mass(hitters, &byKey)));
  EXPECT_EQ(sparse_attn_heavy_hitters_mass(hitters, 0, 0), 4.5);
  EXPECT_EQ(sparse_attn_heavy_hitters_mass(hitters, 0, 1), 9.0);
  EXPECT_EQ(sparse_attn_heavy_hitters_mass(hitters, 2, 0), 0.0);
  sparse_attn_heavy_hitter_selection selection = {};
  selection.count = 2;
  selection.keep_recent = 1;
  selection.key_length = 16;
  selection.query_length = 1;
  selection.query_block_size = 4;
  Table table;
  ASSERT_TRUE(isOk(sparse_attn_heavy_hitters_top_blocks(hitters, &selection, table.place())));
  const sparse_attn_block_mask *mask;
  ASSERT_TRUE(isOk(sparse_attn_mask_table_get(table, 0, 0, &mask)));
  EXPECT_EQ(activeBlocks(mask, 0), (std::vector<uint32_t>{1, 3}));
  ASSERT_TRUE(isOk(sparse_attn_mask_table_get(table, 0, 1, &mask)));
  EXPECT_EQ(activeBlocks(mask, 0), (std::vector<uint32_t>{0, 3}));
  selection.heads_share = 1;
  ASSERT_TRUE(isOk(sparse_attn_heavy_hitters_top_blocks(hitters, &selection, table.place())));
  Value value;
  ASSERT_TRUE(isOk(sparse_attn_mask_table_value(table, &value)));
  EXPECT_TRUE(value.size[0] == 1 && value.size[1] == 1);
  const uint32_t block = 1;
  ASSERT_TRUE(isOk(sparse_attn_heavy_hitters_forget(hitters, &block, 1)));
  EXPECT_EQ(sparse_attn_heavy_hitters_mass(hitters, 0, 1), 0.0);
}

TEST(MaskCApi, HeavyHittersRefuse) {
  sparse_attn_heavy_hitter_options options = {0, 0, 1.5};
  Hitters hitters;
  Table table;
  EXPECT_TRUE(isInvalid(sparse_attn_heavy_hitters_create(&options, hitters.place()), "1.5"));
  EXPECT_EQ(hitters.handle, nullptr);
  EXPECT_TRUE(misses(sparse_attn_heavy_hitters_create(nullptr, nullptr), "a place for the result"));
  ASSERT_TRUE(isOk(sparse_attn_heavy_hitters_create(nullptr, hitters.place())));
  const float mass[2][2] = {{1, -1}, {}};
  Value value = makeArray(mass, DType::F32, Shape{2, {1, 2}}), other = makeArray(mass, DType::F32, Shape{2, {2, 2}});
  sparse_attn_heavy_hitter_selection selection = {};
  for (auto *add : {sparse_attn_heavy_hitters_add_block_mass, sparse_attn_heavy_hitters_add_key_mass}) {
    EXPECT_TRUE(isInvalid(add(hitters, &value), "-1"));
    EXPECT_TRUE(fails(add(hitters, &other), SPARSE_ATTN_SHAPE_MISMATCH, "2"));
    EXPECT_TRUE(misses(add(nullptr, &value), "heavy hitters"));
    EXPECT_TRUE(misses(add(hitters, nullptr), "an array"));
  }
  EXPECT_TRUE(isInvalid(sparse_attn_heavy_hitters_forget(hitters, nullptr, 1), "but got null"));
  EXPECT_TRUE(misses(sparse_attn_heavy_hitters_forget(nullptr, nullptr, 0), "heavy hitters"));
  EXPECT_EQ(sparse_attn_heavy_hitters_mass(nullptr, 0, 0), 0.0);
  selection.count = -1;
  EXPECT_TRUE(isInvalid(sparse_attn_heavy_hitters_top_blocks(hitters, &selection, table.place()), "-1"));
  selection.freeze.representation = 17;
  EXPECT_TRUE(isInvalid(sparse_attn_heavy_hitters_top_blocks(hitters, &selection, table.place()), "17"));
  EXPECT_TRUE(misses(sparse_attn_heavy_hitters_top_blocks(nullptr, &selection, table.place()), "heavy hitters"));
  EXPECT_TRUE(misses(sparse_attn_heavy_hitters_top_blocks(hitters, nullptr, table.place()), "a selection"));
  EXPECT_TRUE(misses(sparse_attn_heavy_hitters_top_blocks(hitters, &selection, nullptr), "a place for the result"));
  sparse_attn_heavy_hitters_destroy(nullptr);
}

//===----------------------------------------------------------------------===//
// A program in C
//===----------------------------------------------------------------------===//

TEST(MaskCApi, ProgramsInCRun) {
  Problem problem({1, 1, 1, 20, 30});
  OpenArtifact artifact;
  ASSERT_TRUE(isOk(sparse_attn_artifact_from_image(&handwritten_sparse_attn_image, artifact.place())));
  Value query = problem.query.value(), key = problem.key.value(), value = problem.value.value();
  Value output = problem.output.value();
  Workspace workspace(1 << 20);
  EXPECT_EQ(
      sparse_attn_test_mask_program(artifact, &query, &key, &value, &output, workspace.memory.get(), workspace.bytes),
      0)
      << sparse_attn_last_error();
  problem.expectReference(
      [](int64_t, int64_t, int64_t q, int64_t k) {
        int64_t row = (q - 10) / 4, column = k / 4;
        return std::abs(row - column) <= 1 || (row == 4 && (column == 7 || column == 0));
      },
      false);
}

} // namespace
