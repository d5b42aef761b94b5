//===- MaskCache.cpp - What plans computed, kept for the next ones --------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/MaskCache.h"

#include "CacheTable.h"

#include <utility>

namespace sparse_attn {

MaskCache::MaskCache(size_t maxBytes) : content(std::make_unique<CacheTable>(maxBytes)) {}
MaskCache::~MaskCache() = default;

MaskCacheStats MaskCache::stats() const { return content->stats(); }
void MaskCache::clear() { content->clear(); }

std::shared_ptr<const PreparedRows> CacheTable::find(const std::string &key) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = index.find(key);
  if (found == index.end()) {
    ++counters.misses;
    return nullptr;
  }
  ++counters.hits;
  entries.splice(entries.begin(), entries, found->second);
  return entries.front().rows;
}

void CacheTable::insert(const std::string &key, std::shared_ptr<const PreparedRows> rows) {
  // The key is kept twice: in the list and in the index.
  size_t bytes = rows->bytes() + 2 * key.capacity() + sizeof(Entry);
  // What goes is freed after the lock.
  std::list<Entry> evicted;
  std::lock_guard<std::mutex> lock(mutex);
  if (bytes > counters.maxBytes || index.count(key) != 0)
    return;
  entries.push_front({key, std::move(rows), bytes});
  try {
    index.emplace(key, entries.begin());
  } catch (...) {
    entries.pop_front();
    throw;
  }
  counters.bytes += bytes;
  while (counters.bytes > counters.maxBytes) {
    counters.bytes -= entries.back().bytes;
    index.erase(entries.back().key);
    evicted.splice(evicted.begin(), entries, std::prev(entries.end()));
    ++counters.evictions;
  }
}

MaskCacheStats CacheTable::stats() const {
  std::lock_guard<std::mutex> lock(mutex);
  MaskCacheStats stats = counters;
  stats.entries = entries.size();
  return stats;
}

void CacheTable::clear() {
  std::list<Entry> dropped;
  std::lock_guard<std::mutex> lock(mutex);
  index.clear();
  dropped.swap(entries);
  counters.bytes = 0;
}

} // namespace sparse_attn
