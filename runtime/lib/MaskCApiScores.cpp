//===- MaskCApiScores.cpp - The C interface of masks from scores --------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CApiSupport.h"
#include "sparse_attn/BlockScores.h"
#include "sparse_attn/HeavyHitters.h"
#include "sparse_attn/TopK.h"

using namespace sparse_attn;
using namespace sparse_attn::capi;

/// Kernels take one mask for all heads or one for each, so that masks of groups of heads are named several times.
struct sparse_attn_mask_table {
  explicit sparse_attn_mask_table(TopKMasks selected);
  sparse_attn_mask_table(const sparse_attn_mask_table &) = delete;
  sparse_attn_mask_table &operator=(const sparse_attn_mask_table &) = delete;

  std::vector<sparse_attn_block_mask> masks;
  std::vector<const sparse_attn_block_mask *> pointers; ///< Into `masks`, by batch, then by head.
  int64_t batches;
  int64_t heads;
};

sparse_attn_mask_table::sparse_attn_mask_table(TopKMasks selected) : batches(selected.batches) {
  int64_t copies = selected.masksPerBatch == 1 ? 1 : selected.headsPerMask;
  heads = selected.masksPerBatch * copies;
  for (BlockMask &mask : selected.masks)
    masks.push_back({std::move(mask)});
  for (const sparse_attn_block_mask &mask : masks)
    pointers.insert(pointers.end(), static_cast<size_t>(copies), &mask);
}

struct sparse_attn_block_scores {
  BlockScores scores;
};

struct sparse_attn_heavy_hitters {
  HeavyHitters hitters;
};

namespace {

int64_t orDefault(int64_t number, int64_t otherwise) { return number != 0 ? number : otherwise; }
double orDefault(double number, double otherwise) { return number != 0.0 ? number : otherwise; }

Result<const sparse_attn_block_mask *> maskOf(const sparse_attn_mask_table &table, int64_t b, int64_t h) {
  auto isOutside = [](int64_t index, int64_t count) { return index < 0 || (count != 1 && index >= count); };
  if (isOutside(b, table.batches) || isOutside(h, table.heads))
    return makeError(StatusCode::InvalidArgument, "expects a mask of ", table.batches, " batches and ", table.heads,
                     " heads, but got batch ", b, ", head ", h);
  return table.pointers[static_cast<size_t>((table.batches == 1 ? 0 : b) * table.heads + (table.heads == 1 ? 0 : h))];
}

SequenceBlocks blocksOf(const sparse_attn_sequence_blocks &blocks) {
  return {blocks.query_length, blocks.key_length, orDefault(blocks.query_block_size, SequenceBlocks().queryBlockSize),
          orDefault(blocks.key_block_size, SequenceBlocks().keyBlockSize)};
}

Result<BlockScoreOptions> scoreOptions(const sparse_attn_score_options *options) {
  BlockScoreOptions read;
  if (!options)
    return read;
  if (options->method != SPARSE_ATTN_MEAN_POOLING && options->method != SPARSE_ATTN_ANTIDIAGONAL)
    return makeError(StatusCode::InvalidArgument, "expects a score method of 0 or 1, but got ", options->method);
  read.method =
      options->method == SPARSE_ATTN_ANTIDIAGONAL ? BlockScoreMethod::Antidiagonal : BlockScoreMethod::MeanPooling;
  read.queryBlockSize = orDefault(options->query_block_size, read.queryBlockSize);
  read.keyBlockSize = orDefault(options->key_block_size, read.keyBlockSize);
  read.stride = orDefault(options->stride, read.stride);
  if (options->scale != 0.0)
    read.scale = options->scale;
  read.causal = options->causal != 0;
  return read;
}

TopKOptions topKOptions(const sparse_attn_top_k_options &options, const FreezeOptions &freeze) {
  TopKOptions read;
  if (options.count != 0)
    read.count = options.count;
  if (options.mass != 0.0)
    read.mass = options.mass;
  read.keepSinks = options.keep_sinks;
  read.keepDiagonal = options.keep_diagonal;
  read.causal = options.causal != 0;
  read.headsPerMask = orDefault(options.heads_per_mask, read.headsPerMask);
  read.batchesShare = options.batches_share != 0;
  read.freeze = freeze;
  return read;
}

HeavyHitterOptions hitterOptions(const sparse_attn_heavy_hitter_options *options) {
  HeavyHitterOptions read;
  if (!options)
    return read;
  return {orDefault(options->heads, read.heads), orDefault(options->key_block_size, read.keyBlockSize),
          orDefault(options->decay, read.decay)};
}

HeavyHitterSelection selectionOf(const sparse_attn_heavy_hitter_selection &selection, const FreezeOptions &freeze) {
  HeavyHitterSelection read;
  read.count = selection.count;
  read.keepSinks = selection.keep_sinks;
  read.keepRecent = selection.keep_recent;
  read.headsShare = selection.heads_share != 0;
  read.keyLength = selection.key_length;
  read.queryLength = selection.query_length;
  read.queryBlockSize = orDefault(selection.query_block_size, read.queryBlockSize);
  read.freeze = freeze;
  return read;
}

} // namespace

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

sparse_attn_status sparse_attn_mask_table_value(const sparse_attn_mask_table *table, sparse_attn_value *value) {
  return guard({{table, "a table"}, {value, "a place for the value"}}, [&] {
    *value = {};
    value->data = const_cast<const sparse_attn_block_mask **>(table->pointers.data());
    value->dtype = SPARSE_ATTN_BLOCK_MASK;
    value->rank = 2;
    value->size[0] = table->batches;
    value->size[1] = table->heads;
    value->stride[0] = table->heads;
    value->stride[1] = 1;
    return Status();
  });
}

sparse_attn_status sparse_attn_mask_table_get(const sparse_attn_mask_table *table, int64_t b, int64_t h,
                                              const sparse_attn_block_mask **mask) {
  if (mask)
    *mask = nullptr;
  return guard({{table, "a table"}, {mask, "a place for the mask"}}, [&] {
    Result<const sparse_attn_block_mask *> found = maskOf(*table, b, h);
    if (found.isOk())
      *mask = *found;
    return found.status();
  });
}

void sparse_attn_mask_table_destroy(sparse_attn_mask_table *table) { delete table; }

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

sparse_attn_status sparse_attn_score_blocks(const sparse_attn_value *query, const sparse_attn_value *key,
                                            const sparse_attn_score_options *options,
                                            sparse_attn_block_scores **scores) {
  return make(scores, {{query, "a query"}, {key, "a key"}}, [&]() -> Result<BlockScores> {
    Result<BlockScoreOptions> read = scoreOptions(options);
    if (!read.isOk())
      return read.status();
    return scoreBlocks(*query, *key, *read);
  });
}

sparse_attn_status sparse_attn_block_scores_value(const sparse_attn_block_scores *scores, sparse_attn_value *value,
                                                  sparse_attn_sequence_blocks *blocks) {
  return guard({{scores, "scores"}, {value, "a place for the value"}, {blocks, "a place for the blocks"}}, [&] {
    const SequenceBlocks &cut = scores->scores.blocks;
    *value = scores->scores.value();
    *blocks = {cut.queryLength, cut.keyLength, cut.queryBlockSize, cut.keyBlockSize};
    return Status();
  });
}

void sparse_attn_block_scores_destroy(sparse_attn_block_scores *scores) { delete scores; }

sparse_attn_status sparse_attn_select_top_k(const sparse_attn_value *scores, const sparse_attn_sequence_blocks *blocks,
                                            const sparse_attn_top_k_options *options, sparse_attn_mask_table **table) {
  return make(table, {{scores, "scores"}, {blocks, "blocks"}, {options, "options"}}, [&] {
    return withFreezeOptions(&options->freeze, [&](const FreezeOptions &freeze) {
      return selectTopK(*scores, blocksOf(*blocks), topKOptions(*options, freeze));
    });
  });
}

//===----------------------------------------------------------------------===//
// Heavy hitters
//===----------------------------------------------------------------------===//

sparse_attn_status sparse_attn_heavy_hitters_create(const sparse_attn_heavy_hitter_options *options,
                                                    sparse_attn_heavy_hitters **hitters) {
  return make(hitters, {}, [&] { return HeavyHitters::make(hitterOptions(options)); });
}

void sparse_attn_heavy_hitters_destroy(sparse_attn_heavy_hitters *hitters) { delete hitters; }

sparse_attn_status sparse_attn_heavy_hitters_add_block_mass(sparse_attn_heavy_hitters *hitters,
                                                            const sparse_attn_value *added) {
  return guard({{hitters, "heavy hitters"}, {added, "an array"}},
               [&] { return hitters->hitters.addBlockMass(*added); });
}

sparse_attn_status sparse_attn_heavy_hitters_add_key_mass(sparse_attn_heavy_hitters *hitters,
                                                          const sparse_attn_value *added) {
  return guard({{hitters, "heavy hitters"}, {added, "an array"}}, [&] { return hitters->hitters.addKeyMass(*added); });
}

sparse_attn_status sparse_attn_heavy_hitters_forget(sparse_attn_heavy_hitters *hitters, const uint32_t *blocks,
                                                    size_t count) {
  return guard({{hitters, "heavy hitters"}}, [&] { return hitters->hitters.forget({blocks, count}); });
}

double sparse_attn_heavy_hitters_mass(const sparse_attn_heavy_hitters *hitters, int64_t head, int64_t block) {
  return hitters ? hitters->hitters.mass(head, block) : 0.0;
}

sparse_attn_status sparse_attn_heavy_hitters_top_blocks(const sparse_attn_heavy_hitters *hitters,
                                                        const sparse_attn_heavy_hitter_selection *selection,
                                                        sparse_attn_mask_table **table) {
  return make(table, {{hitters, "heavy hitters"}, {selection, "a selection"}}, [&] {
    return withFreezeOptions(&selection->freeze, [&](const FreezeOptions &freeze) {
      return hitters->hitters.topBlocks(selectionOf(*selection, freeze));
    });
  });
}
