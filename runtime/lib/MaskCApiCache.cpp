//===- MaskCApiCache.cpp - The C interface of caches --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CApiSupport.h"
#include "sparse_attn/MaskCache.h"

using namespace sparse_attn;
using namespace sparse_attn::capi;

struct sparse_attn_mask_cache {
  MaskCache cache;
};

namespace {

PrepareOptions optionsOf(sparse_attn_mask_cache &cache, const int64_t *versions, size_t count) {
  PrepareOptions options;
  options.cache = &cache.cache;
  if (!versions)
    return options;
  options.versions.resize(count);
  for (size_t i = 0; i < count; ++i)
    if (versions[i] >= 0)
      options.versions[i] = static_cast<uint64_t>(versions[i]);
  return options;
}

} // namespace

sparse_attn_status sparse_attn_mask_cache_create(size_t max_bytes, sparse_attn_mask_cache **cache) {
  if (cache)
    *cache = nullptr;
  return guard({{cache, "a place for the result"}}, [&] {
    *cache = new sparse_attn_mask_cache{MaskCache(max_bytes)};
    return Status();
  });
}

void sparse_attn_mask_cache_destroy(sparse_attn_mask_cache *cache) { delete cache; }

sparse_attn_status sparse_attn_mask_cache_get_stats(const sparse_attn_mask_cache *cache,
                                                    sparse_attn_mask_cache_stats *stats) {
  return guard({{cache, "a cache"}, {stats, "a place for the stats"}}, [&] {
    MaskCacheStats found = cache->cache.stats();
    *stats = {found.hits, found.misses, found.evictions, found.entries, found.bytes, found.maxBytes};
    return Status();
  });
}

sparse_attn_status sparse_attn_mask_cache_clear(sparse_attn_mask_cache *cache) {
  return guard({{cache, "a cache"}}, [&] {
    cache->cache.clear();
    return Status();
  });
}

sparse_attn_status sparse_attn_prepare_cached(const sparse_attn_artifact *artifact, const char *function,
                                              const sparse_attn_value *arguments, size_t argument_count,
                                              sparse_attn_mask_cache *cache, const int64_t *versions,
                                              sparse_attn_plan **plan) {
  return make(plan, {{artifact, "an artifact"}, {function, "the name of a function"}, {cache, "a cache"}}, [&] {
    return Plan::prepare(artifact->artifact, function, {arguments, argument_count},
                         optionsOf(*cache, versions, argument_count));
  });
}
