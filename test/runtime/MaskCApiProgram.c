/*===- MaskCApiProgram.c - Masks from a program in C -----------------------===*\
|*
|* Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Plain C99, so that the headers stay that: from a mask through a table and a
|* cache to a launch.
|*
\*===----------------------------------------------------------------------===*/

#include "sparse_attn/masks.h"
#include "sparse_attn/sparse_attn.h"

/** Runs the program, for `query`, `key` and `value` of [1, 1, 20, 16] and [1, 1, 30, 16]. 0, or the step that failed.
 */
int sparse_attn_test_mask_program(const sparse_attn_artifact *artifact, const sparse_attn_value *query,
                                  const sparse_attn_value *key, const sparse_attn_value *value,
                                  const sparse_attn_value *output, void *workspace, size_t workspace_bytes);

/** A window, and two blocks more. Null on failure. */
static sparse_attn_block_mask *make_mask(void) {
  const sparse_attn_mask_grid grid = {5, 8, 4, 4};
  const uint32_t keys[] = {7, 0};
  sparse_attn_mask_builder *builder = NULL;
  sparse_attn_block_mask *mask = NULL;
  if (sparse_attn_mask_builder_create(&grid, &builder) == SPARSE_ATTN_OK &&
      sparse_attn_mask_add_window(builder, 1, 1) == SPARSE_ATTN_OK &&
      sparse_attn_mask_add_attention(builder, 4, keys, 2) == SPARSE_ATTN_OK)
    sparse_attn_mask_builder_freeze(builder, NULL, &mask);
  sparse_attn_mask_builder_destroy(builder);
  return mask;
}

static int run(const sparse_attn_artifact *artifact, const sparse_attn_value *arguments,
               const sparse_attn_value *output, void *workspace, size_t workspace_bytes) {
  const int64_t versions[] = {-1, -1, -1, 12, -1};
  sparse_attn_mask_cache *cache = NULL;
  sparse_attn_mask_cache_stats stats = {0};
  sparse_attn_plan *plan = NULL;
  int failed = 0;
  if (sparse_attn_mask_cache_create(1 << 20, &cache) != SPARSE_ATTN_OK)
    failed = 2;
  else if (sparse_attn_prepare_cached(artifact, "blocks", arguments, 5, cache, versions, &plan) != SPARSE_ATTN_OK)
    failed = 3;
  else if (sparse_attn_mask_cache_get_stats(cache, &stats) != SPARSE_ATTN_OK || stats.entries != 1)
    failed = 4;
  /* The plan outlives the cache. */
  sparse_attn_mask_cache_destroy(cache);
  if (!failed && sparse_attn_launch(plan, arguments, 5, output, 1, workspace, workspace_bytes, NULL) != SPARSE_ATTN_OK)
    failed = 5;
  sparse_attn_plan_destroy(plan);
  return failed;
}

int sparse_attn_test_mask_program(const sparse_attn_artifact *artifact, const sparse_attn_value *query,
                                  const sparse_attn_value *key, const sparse_attn_value *value,
                                  const sparse_attn_value *output, void *workspace, size_t workspace_bytes) {
  sparse_attn_block_mask *mask = make_mask();
  const sparse_attn_block_mask *table[1];
  sparse_attn_value arguments[5] = {{0}};
  int failed;
  if (!mask)
    return 1;
  table[0] = mask;
  arguments[0] = *query;
  arguments[1] = *key;
  arguments[2] = *value;
  arguments[3].data = table;
  arguments[3].dtype = SPARSE_ATTN_BLOCK_MASK;
  arguments[3].rank = 2;
  arguments[3].size[0] = arguments[3].size[1] = 1;
  arguments[3].stride[0] = arguments[3].stride[1] = 1;
  arguments[4].scalar = 1000;
  failed = run(artifact, arguments, output, workspace, workspace_bytes);
  sparse_attn_mask_destroy(mask);
  return failed;
}
