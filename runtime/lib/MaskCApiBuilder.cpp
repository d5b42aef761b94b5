//===- MaskCApiBuilder.cpp - The C interface of mask builders -----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CApiSupport.h"
#include "sparse_attn/BlockMaskBuilder.h"

using namespace sparse_attn;
using namespace sparse_attn::capi;

struct sparse_attn_mask_builder {
  BlockMaskBuilder builder;
};

namespace {

Result<BlockMaskBuilder> makeBuilder(const sparse_attn_mask_grid &grid) {
  BlockGrid sizes = {grid.query_blocks, grid.key_blocks, grid.query_block_size, grid.key_block_size};
  if (Status status = sizes.check(); !status.isOk())
    return status;
  return BlockMaskBuilder(sizes);
}

BandTerm termOf(const sparse_attn_mask_band &band) {
  return {band.query_first, band.query_past, band.key_first, band.key_past,
          band.lowest,      band.highest,    band.step,      band.phase};
}

Status badIndexType(const char *types, int32_t type) {
  return makeError(StatusCode::InvalidArgument, "expects an index type among ", types, ", but got number ", type);
}

/// Calls use(array) with the type of pairs and offsets that the array has.
template <typename Use> Status withWideIndices(const void *array, int32_t type, const Use &use) {
  switch (type) {
  case SPARSE_ATTN_INDEX_U32:
    return use(static_cast<const uint32_t *>(array));
  case SPARSE_ATTN_INDEX_I32:
    return use(static_cast<const int32_t *>(array));
  case SPARSE_ATTN_INDEX_U64:
    return use(static_cast<const uint64_t *>(array));
  case SPARSE_ATTN_INDEX_I64:
    return use(static_cast<const int64_t *>(array));
  default:
    return badIndexType("u32, i32, u64 and i64", type);
  }
}

/// The same with the types of columns.
template <typename Use> Status withColumns(const void *array, int32_t type, const Use &use) {
  switch (type) {
  case SPARSE_ATTN_INDEX_U16:
    return use(static_cast<const uint16_t *>(array));
  case SPARSE_ATTN_INDEX_U32:
    return use(static_cast<const uint32_t *>(array));
  case SPARSE_ATTN_INDEX_I32:
    return use(static_cast<const int32_t *>(array));
  case SPARSE_ATTN_INDEX_I64:
    return use(static_cast<const int64_t *>(array));
  default:
    return badIndexType("u16, u32, i32 and i64", type);
  }
}

/// Runs add(BlockMaskBuilder &).
template <typename Add> sparse_attn_status addTo(sparse_attn_mask_builder *builder, const Add &add) {
  return guard({{builder, "a builder"}}, [&] { return add(builder->builder); });
}

} // namespace

sparse_attn_status sparse_attn_mask_builder_create(const sparse_attn_mask_grid *grid,
                                                   sparse_attn_mask_builder **builder) {
  return make(builder, {{grid, "a grid"}}, [&] { return makeBuilder(*grid); });
}

void sparse_attn_mask_builder_destroy(sparse_attn_mask_builder *builder) { delete builder; }

sparse_attn_status sparse_attn_mask_add_attention(sparse_attn_mask_builder *builder, uint32_t q,
                                                  const uint32_t *key_blocks, size_t count) {
  return addTo(builder, [&](BlockMaskBuilder &to) { return to.addAttention(q, {key_blocks, count}); });
}

sparse_attn_status sparse_attn_mask_add_range(sparse_attn_mask_builder *builder, uint32_t q, uint32_t first,
                                              uint32_t past) {
  return addTo(builder, [&](BlockMaskBuilder &to) { return to.addRange(q, first, past); });
}

sparse_attn_status sparse_attn_mask_add_window(sparse_attn_mask_builder *builder, uint32_t left, uint32_t right) {
  return addTo(builder, [&](BlockMaskBuilder &to) { return to.addWindow(left, right); });
}

sparse_attn_status sparse_attn_mask_add_keys(sparse_attn_mask_builder *builder, uint32_t first, uint32_t past) {
  return addTo(builder, [&](BlockMaskBuilder &to) { return to.addKeys({first, past}); });
}

sparse_attn_status sparse_attn_mask_add_queries(sparse_attn_mask_builder *builder, uint32_t first, uint32_t past) {
  return addTo(builder, [&](BlockMaskBuilder &to) { return to.addQueries({first, past}); });
}

sparse_attn_status sparse_attn_mask_add_band(sparse_attn_mask_builder *builder, const sparse_attn_mask_band *band) {
  return guard({{builder, "a builder"}, {band, "a band"}}, [&] { return builder->builder.addTerm(termOf(*band)); });
}

sparse_attn_status sparse_attn_mask_add_pairs(sparse_attn_mask_builder *builder, const void *queries, const void *keys,
                                              int32_t index_type, size_t count, size_t stride) {
  return addTo(builder, [&](BlockMaskBuilder &to) {
    return withWideIndices(queries, index_type, [&](const auto *typed) {
      return to.addPairs(typed, static_cast<decltype(typed)>(keys), count, stride);
    });
  });
}

sparse_attn_status sparse_attn_mask_add_csr(sparse_attn_mask_builder *builder, const void *offsets, int32_t offset_type,
                                            const void *columns, int32_t column_type, size_t column_count) {
  return addTo(builder, [&](BlockMaskBuilder &to) {
    return withWideIndices(offsets, offset_type, [&](const auto *typedOffsets) {
      return withColumns(columns, column_type,
                         [&](const auto *typedColumns) { return to.addCsr(typedOffsets, typedColumns, column_count); });
    });
  });
}

sparse_attn_status sparse_attn_mask_add_packed_bits(sparse_attn_mask_builder *builder, const uint8_t *bits,
                                                    size_t row_bytes) {
  return addTo(builder, [&](BlockMaskBuilder &to) { return to.addPackedBits(bits, row_bytes); });
}

sparse_attn_status sparse_attn_mask_add_dense(sparse_attn_mask_builder *builder, const uint8_t *bytes,
                                              size_t row_bytes) {
  return addTo(builder, [&](BlockMaskBuilder &to) { return to.addDense(bytes, row_bytes); });
}

sparse_attn_status sparse_attn_mask_add_mask(sparse_attn_mask_builder *builder, const sparse_attn_block_mask *mask) {
  return guard({{builder, "a builder"}, {mask, "a mask"}}, [&] { return builder->builder.addMask(mask->mask); });
}

sparse_attn_status sparse_attn_mask_builder_freeze(sparse_attn_mask_builder *builder,
                                                   const sparse_attn_freeze_options *options,
                                                   sparse_attn_block_mask **mask) {
  return make(mask, {{builder, "a builder"}}, [&] {
    return withFreezeOptions(options, [&](const FreezeOptions &freeze) { return builder->builder.freeze(freeze); });
  });
}
