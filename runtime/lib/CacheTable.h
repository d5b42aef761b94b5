//===- CacheTable.h - Prepared rows by their key --------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_CACHETABLE_H
#define SPARSE_ATTN_LIB_CACHETABLE_H

#include "ItemOrder.h"
#include "RowLists.h"
#include "sparse_attn/MaskCache.h"

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace sparse_attn {

/// What a step's plan found out about its rows. Immutable once made.
struct PreparedRows {
  RowLists lists;
  TileCounts tiles;
  ItemOrder order;

  size_t bytes() const { return sizeof(*this) + lists.bytes() + order.bytes(); }
};

/// The table of a MaskCache. A key holds, byte by byte, all that the rows follow from.
class SPARSE_ATTN_EXPORT CacheTable {
public:
  explicit CacheTable(size_t maxBytes) { counters.maxBytes = maxBytes; }

  /// Null where there is no such entry; counts a hit or a miss.
  std::shared_ptr<const PreparedRows> find(const std::string &key);
  /// Keeps `rows`, unless another thread was first or they are too large. O(evicted entries).
  void insert(const std::string &key, std::shared_ptr<const PreparedRows> rows);
  MaskCacheStats stats() const;
  void clear();

private:
  struct Entry {
    std::string key;
    std::shared_ptr<const PreparedRows> rows;
    size_t bytes;
  };

  mutable std::mutex mutex;
  std::list<Entry> entries; ///< The most recently used first.
  std::unordered_map<std::string, std::list<Entry>::iterator> index;
  MaskCacheStats counters;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_CACHETABLE_H
