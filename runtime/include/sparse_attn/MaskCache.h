//===- MaskCache.h - What plans computed, kept for the next ones -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where the visited tiles follow from captured arrays or masks, `prepare` lists
// them, and that is what it spends its time on. A server that plans the same
// documents or the same retrieved blocks again finds the lists here. A launch
// never looks into a cache: it holds what its plan found.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_MASKCACHE_H
#define SPARSE_ATTN_MASKCACHE_H

#include "sparse_attn/Export.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace sparse_attn {

class CacheTable;

/// What a cache did so far.
struct MaskCacheStats {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t evictions = 0;
  size_t entries = 0;
  size_t bytes = 0; ///< Of all entries, with their keys.
  size_t maxBytes = 0;
};

/// Lists of tiles by all that they follow from: the kernel of one opened artifact, its tile sizes and device, the
/// shapes, captured numbers, and for each captured array and mask either a version that the caller gives or a hash of
/// its contents; never an address. Bounded: the least recently used entries go first, and plans that use them keep them
/// alive. All members may be called from several threads at a time.
class SPARSE_ATTN_EXPORT MaskCache {
public:
  /// An entry above `maxBytes` is not kept. Throws std::bad_alloc.
  explicit MaskCache(size_t maxBytes);
  ~MaskCache();
  MaskCache(const MaskCache &) = delete;
  MaskCache &operator=(const MaskCache &) = delete;

  MaskCacheStats stats() const;
  /// Forgets all entries; they count as no evictions.
  void clear();

  /// For the library's own use.
  CacheTable &table() { return *content; }

private:
  std::unique_ptr<CacheTable> content;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_MASKCACHE_H
