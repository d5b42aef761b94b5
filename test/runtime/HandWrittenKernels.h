//===- HandWrittenKernels.h - Kernels that no compiler made ---*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Naive patterns and the entries that follow from them, as docs/artifact.md has
// them. Kernels return an error where their arguments are not what the document
// promises. Nothing of the runtime is used but the C header.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_TEST_HANDWRITTENKERNELS_H
#define SPARSE_ATTN_TEST_HANDWRITTENKERNELS_H

#include "sparse_attn/sparse_attn.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

namespace handwritten {

constexpr int64_t headSize = 16;
constexpr float scale = 0.25f;
constexpr size_t scratchFloats = 4096;

/// An array in the argument block: address, sizes, strides.
struct Array {
  Array(const uint64_t *words, int64_t rank) : words(words), rank(rank) {}

  int64_t size(int64_t i) const { return static_cast<int64_t>(words[1 + i]); }
  int64_t stride(int64_t i) const { return static_cast<int64_t>(words[1 + rank + i]); }
  template <typename T> T *row(int64_t b, int64_t h, int64_t s) const {
    return reinterpret_cast<T *>(words[0]) + b * stride(0) + h * stride(1) + s * stride(2);
  }

  const uint64_t *words;
  int64_t rank;
};

constexpr size_t captureWord = 27;

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

struct F32 {
  using Storage = float;
  static float load(float element) { return element; }
  static float round(float value) { return value; }
};

/// The upper half of a float; rounded by cutting off the rest, which tests allow for.
struct BF16 {
  using Storage = uint16_t;
  static float load(uint16_t element) {
    uint32_t bits = uint32_t(element) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }
  static uint16_t round(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    return static_cast<uint16_t>(bits >> 16);
  }
};

//===----------------------------------------------------------------------===//
// Patterns: where the words lie, and who attends to whom
//===----------------------------------------------------------------------===//

/// Captures left and right: q - left <= k <= q + right.
struct Window {
  static constexpr int64_t tileQ = 8, tileK = 8;
  static constexpr size_t outputWord = captureWord + 2;
  static constexpr size_t endWord = outputWord + 16;
  static constexpr bool lse = true, listed = false;

  static bool attends(const uint64_t *block, int64_t b, int64_t h, int64_t q, int64_t k) {
    int64_t left = static_cast<int64_t>(block[captureWord]);
    int64_t right = static_cast<int64_t>(block[captureWord + 1]);
    return q - left <= k && k <= q + right;
  }
};

/// Captures width: head h sees the last width * (h + 1) keys.
struct WidthOfHead {
  static constexpr int64_t tileQ = 4, tileK = 16;
  static constexpr size_t outputWord = captureWord + 1;
  static constexpr bool lse = false, listed = false;

  static bool attends(const uint64_t *block, int64_t b, int64_t h, int64_t q, int64_t k) {
    return k <= q && q - k < static_cast<int64_t>(block[captureWord]) * (h + 1);
  }
};

/// Captures what WidthOfHead does, and for its scores an f32 array [heads, query rows, keys], which is read at the
/// nearest place and added.
struct BiasedWidth : WidthOfHead {
  static constexpr size_t biasWord = captureWord + 1;
  static constexpr size_t outputWord = biasWord + 7;

  static float modify(const uint64_t *block, int64_t h, int64_t i, int64_t k, float score) {
    Array bias(block + biasWord, 3);
    auto nearest = [&](int64_t index, int64_t d) { return std::max<int64_t>(std::min(index, bias.size(d) - 1), 0); };
    return score + *bias.row<const float>(nearest(h, 0), nearest(i, 1), nearest(k, 2));
  }
};

/// Captures ids, an array [batch, positions]: causal, and both in one document.
struct Packed {
  static constexpr int64_t tileQ = 8, tileK = 64;
  static constexpr size_t outputWord = captureWord + 5;
  static constexpr size_t listWord = outputWord + 9;
  static constexpr size_t pyramidWord = listWord + 6;
  static constexpr size_t endWord = pyramidWord + 3;
  static constexpr bool lse = false, listed = true;

  static bool attends(const uint64_t *block, int64_t b, int64_t h, int64_t q, int64_t k) {
    Array ids(block + captureWord, 2);
    if (q < 0 || q >= ids.size(1) || k >= ids.size(1) || k > q)
      return false;
    const int32_t *row = reinterpret_cast<const int32_t *>(block[captureWord]) + b * ids.stride(0);
    return row[q] == row[k];
  }
};

/// Captures a mask with blocks of queryBlock x keyBlock and a number: both in a pair of the mask, and q - left <= k.
template <int64_t queryBlock, int64_t keyBlock> struct Blocks {
  static constexpr int64_t tileQ = 16, tileK = 64;
  static constexpr size_t leftWord = captureWord + 3;
  static constexpr size_t outputWord = leftWord + 1;
  static constexpr size_t listWord = outputWord + 9;
  static constexpr size_t endWord = listWord + 8;
  static constexpr bool lse = false, listed = true;
  static constexpr int64_t tileRows = std::max<int64_t>(tileQ / queryBlock, 1);
  static constexpr int64_t tileColumns = std::max<int64_t>(tileK / keyBlock, 1);
  static constexpr int64_t tileWords = (tileRows * tileColumns + 31) / 32;

  static bool isNear(const uint64_t *block, int64_t q, int64_t k) {
    return q - static_cast<int64_t>(block[leftWord]) <= k;
  }

  static bool attends(const uint64_t *block, int64_t b, int64_t h, int64_t q, int64_t k) {
    // While a predicate runs, the states are those of its row; while items run, there are none.
    const int32_t *minima = reinterpret_cast<const int32_t *>(block[captureWord]);
    if (minima)
      return isNear(block, q, k) && minima[k / keyBlock] > 0;
    int64_t i = q - Array(block + 9, 4).size(2) + Array(block, 4).size(2);
    return isNear(block, q, k) && holds(block, b, h, i, k);
  }

  /// Does the mask hold query row i, not aligned, and key k? By the lists.
  static bool holds(const uint64_t *block, int64_t b, int64_t h, int64_t i, int64_t k) {
    const uint64_t *lists = block + listWord;
    int64_t row = b * static_cast<int64_t>(lists[4]) + h * static_cast<int64_t>(lists[5]) + i / tileQ;
    if (find(lists + 2, row, k / tileK) >= 0)
      return true;
    int64_t partial = find(lists, row, k / tileK);
    if (partial < 0)
      return false;
    int64_t entry = reinterpret_cast<const int64_t *>(lists[6])[row] + partial;
    const uint32_t *words = reinterpret_cast<const uint32_t *>(lists[7]) + entry * tileWords;
    int64_t bit = i % tileQ / queryBlock * tileColumns + k % tileK / keyBlock;
    return (words[bit / 32] >> (bit % 32) & 1) != 0;
  }

  /// Which of the row's tiles in a list `tile` is; -1 where it is none.
  static int64_t find(const uint64_t *list, int64_t row, int64_t tile) {
    const int64_t *offsets = reinterpret_cast<const int64_t *>(list[0]);
    const uint32_t *intervals = reinterpret_cast<const uint32_t *>(list[1]);
    int64_t before = 0;
    for (int64_t i = offsets[row]; i < offsets[row + 1]; before += intervals[2 * i + 1], ++i)
      if (tile >= intervals[2 * i] && tile - intervals[2 * i] < intervals[2 * i + 1])
        return before + tile - intervals[2 * i];
    return -1;
  }
};

//===----------------------------------------------------------------------===//
// Entries, the same for every pattern
//===----------------------------------------------------------------------===//

template <typename Pattern, typename Element = F32> struct Kernel {
  struct Item {
    int64_t b, h, t;
  };

  static Array query(const uint64_t *block) { return Array(block, 4); }
  static Array key(const uint64_t *block) { return Array(block + 9, 4); }
  static Array value(const uint64_t *block) { return Array(block + 18, 4); }

  static int64_t queryTiles(const uint64_t *block) {
    return (query(block).size(2) + Pattern::tileQ - 1) / Pattern::tileQ;
  }

  static Item split(const uint64_t *block, int64_t item) {
    int64_t tiles = queryTiles(block);
    int64_t heads = query(block).size(1);
    return {item / tiles / heads, item / tiles % heads, item % tiles};
  }

  /// Does query row i, not aligned, attend to key k?
  static bool attends(const uint64_t *block, int64_t b, int64_t h, int64_t i, int64_t k) {
    int64_t aligned = i + key(block).size(2) - query(block).size(2);
    return Pattern::attends(block, b, h, aligned, k);
  }

  /// The score of query row i, not aligned, and key k, of scale times product.
  static float modify(const uint64_t *block, int64_t h, int64_t i, int64_t k, float score) {
    if constexpr (std::is_same_v<Pattern, BiasedWidth>)
      return BiasedWidth::modify(block, h, i, k, score);
    return score;
  }

  /// Numbers of pairs of a tile that attend, and of all its pairs.
  static void countPairs(const uint64_t *block, const Item &item, int64_t keyTile, int64_t &any, int64_t &all) {
    int64_t rows = std::min((item.t + 1) * Pattern::tileQ, query(block).size(2));
    int64_t keys = std::min((keyTile + 1) * Pattern::tileK, key(block).size(2));
    any = all = 0;
    for (int64_t i = item.t * Pattern::tileQ; i < rows; ++i)
      for (int64_t k = keyTile * Pattern::tileK; k < keys; ++k, ++all)
        any += attends(block, item.b, item.h, i, k);
  }

  static void computeRow(const uint64_t *block, const Item &item, int64_t i, float *scores) {
    Array q = query(block), k = key(block), v = value(block), o(block + Pattern::outputWord, 4);
    int64_t keyHead = item.h / (q.size(1) / k.size(1));
    using Storage = typename Element::Storage;
    const Storage *queryRow = q.row<const Storage>(item.b, item.h, i);
    float maximum = -std::numeric_limits<float>::infinity();
    for (int64_t j = 0; j < k.size(2); ++j) {
      scores[j] = -std::numeric_limits<float>::infinity();
      if (!attends(block, item.b, item.h, i, j))
        continue;
      float product = 0.0f;
      for (int64_t d = 0; d < headSize; ++d)
        product += Element::load(queryRow[d]) * Element::load(k.row<const Storage>(item.b, keyHead, j)[d]);
      scores[j] = modify(block, item.h, i, j, scale * product);
      maximum = std::max(maximum, scores[j]);
    }
    float output[headSize] = {};
    float sum = 0.0f;
    for (int64_t j = 0; j < k.size(2); ++j) {
      if (scores[j] == -std::numeric_limits<float>::infinity())
        continue;
      float weight = std::exp(scores[j] - maximum);
      sum += weight;
      for (int64_t d = 0; d < headSize; ++d)
        output[d] += weight * Element::load(v.row<const Storage>(item.b, keyHead, j)[d]);
    }
    for (int64_t d = 0; d < headSize; ++d)
      o.row<Storage>(item.b, item.h, i)[d] = Element::round(sum > 0.0f ? output[d] / sum : 0.0f);
    if constexpr (Pattern::lse) {
      Array lse(block + Pattern::outputWord + 9, 3);
      *lse.row<float>(item.b, item.h, i) =
          sum > 0.0f ? maximum + std::log(sum) : -std::numeric_limits<float>::infinity();
    }
  }

  static int32_t items(const uint64_t *block, int64_t begin, int64_t end, void *scratch) {
    if (reinterpret_cast<uintptr_t>(scratch) % 64 != 0 || key(block).size(2) > static_cast<int64_t>(scratchFloats))
      return 1;
    for (int64_t number = begin; number < end; ++number)
      computeItem(block, number, static_cast<float *>(scratch));
    return 0;
  }

  static void computeItem(const uint64_t *block, int64_t number, float *scores) {
    Item item = split(block, number);
    int64_t last = std::min((item.t + 1) * Pattern::tileQ, query(block).size(2));
    for (int64_t i = item.t * Pattern::tileQ; i < last; ++i)
      computeRow(block, item, i, scores);
  }

  static int32_t work(const uint64_t *block, int64_t number, int64_t *counts) {
    Item item = split(block, number);
    counts[0] = counts[1] = 0;
    if constexpr (Pattern::listed) {
      // From the lists: their offsets count intervals, and an interval has two words.
      const uint64_t *lists = block + Pattern::listWord;
      int64_t row = item.b * static_cast<int64_t>(lists[4]) + item.h * static_cast<int64_t>(lists[5]) + item.t;
      for (int64_t list = 0; list < 2; ++list) {
        const int64_t *offsets = reinterpret_cast<const int64_t *>(lists[2 * list]);
        const uint32_t *intervals = reinterpret_cast<const uint32_t *>(lists[2 * list + 1]);
        for (int64_t i = offsets[row]; i < offsets[row + 1]; ++i)
          counts[list] += intervals[2 * i + 1];
      }
      return 0;
    }
    for (int64_t tile = 0; tile * Pattern::tileK < key(block).size(2); ++tile) {
      int64_t any, all;
      countPairs(block, item, tile, any, all);
      counts[0] += any > 0 && any < all;
      counts[1] += any == all;
    }
    return 0;
  }

  /// Of patterns that are not listed.
  static int32_t tiles(const uint64_t *block, int64_t number, uint32_t *partial, uint32_t *full, int64_t *counts) {
    Item item = split(block, number);
    counts[0] = counts[1] = 0;
    for (int64_t tile = 0; tile * Pattern::tileK < key(block).size(2); ++tile) {
      int64_t any, all;
      countPairs(block, item, tile, any, all);
      if (any == all)
        full[counts[1]++] = static_cast<uint32_t>(tile);
      else if (any > 0)
        partial[counts[0]++] = static_cast<uint32_t>(tile);
    }
    return 0;
  }

  static int32_t predicate(const uint64_t *block, int64_t b, int64_t h, int64_t i, uint8_t *result) {
    for (int64_t k = 0; k < key(block).size(2); ++k)
      result[k] = attends(block, b, h, i, k);
    return 0;
  }
};

/// The score region of a row. A bias that is not a number is an error.
inline int32_t modifyScores(const uint64_t *block, int64_t b, int64_t h, int64_t i, float *scores) {
  for (int64_t k = 0; k < Kernel<BiasedWidth>::key(block).size(2); ++k) {
    scores[k] = BiasedWidth::modify(block, h, i, k, scores[k]);
    if (std::isnan(scores[k]))
      return 7;
  }
  return 0;
}

/// Adds key tile `tile` to a list of intervals.
inline void append(uint32_t *intervals, int64_t &count, int64_t tile) {
  if (count > 0 && intervals[2 * count - 2] + intervals[2 * count - 1] == tile) {
    ++intervals[2 * count - 1];
    return;
  }
  intervals[2 * count] = static_cast<uint32_t>(tile);
  intervals[2 * count + 1] = 1;
  ++count;
}

/// Elements under one entry of a pyramid's level 0; docs/artifact.md.
constexpr int64_t pyramidBlock = 16;

/// Compares a pyramid with the array it is about, entry by entry.
inline bool pyramidHolds(const uint64_t *block, int64_t b) {
  Array ids(block + captureWord, 2);
  const int32_t *row = reinterpret_cast<const int32_t *>(block[captureWord]) + b * ids.stride(0);
  int64_t m = static_cast<int64_t>(block[Packed::pyramidWord + 2]);
  const int32_t *minima = reinterpret_cast<const int32_t *>(block[Packed::pyramidWord]) + 2 * m * b;
  const int32_t *maxima = reinterpret_cast<const int32_t *>(block[Packed::pyramidWord + 1]) + 2 * m * b;
  int64_t needed = std::max<int64_t>(1, (ids.size(1) + pyramidBlock - 1) / pyramidBlock);
  if (m < needed || (m > 1 && m / 2 >= needed) || (m & (m - 1)) != 0)
    return false;
  for (int64_t level = 0; (m >> level) > 0; ++level)
    for (int64_t i = 0; i < (m >> level); ++i) {
      int32_t minimum = INT32_MAX, maximum = INT32_MIN;
      for (int64_t e = (i << level) * pyramidBlock; e < std::min(((i + 1) << level) * pyramidBlock, ids.size(1)); ++e) {
        minimum = std::min(minimum, row[e]);
        maximum = std::max(maximum, row[e]);
      }
      int64_t entry = 2 * m - ((2 * m) >> level) + i;
      if (minima[entry] != minimum || maxima[entry] != maximum)
        return false;
    }
  return true;
}

/// Takes a key tile as partial where its ids, by the pyramid, and those of the queries have a common range. An id of
/// -1 among the queries stands for a budget that ran out.
inline int32_t planPacked(const uint64_t *block, int64_t b, int64_t h, int64_t t, uint32_t *partial, uint32_t *full,
                          int64_t *counts) {
  using Packing = Kernel<Packed>;
  if (!pyramidHolds(block, b))
    return 1;
  counts[0] = counts[1] = counts[2] = 0;
  Array ids(block + captureWord, 2);
  const int32_t *row = reinterpret_cast<const int32_t *>(block[captureWord]) + b * ids.stride(0);
  if (ids.size(1) == 0 && row[0] != 0)
    return 1; // A clamped read of an empty array sees a zero.
  int64_t queries = Packing::query(block).size(2), keys = Packing::key(block).size(2);
  int32_t low = INT32_MAX, high = INT32_MIN;
  for (int64_t i = t * Packed::tileQ; i < std::min((t + 1) * Packed::tileQ, queries); ++i)
    if (int64_t q = i + keys - queries; q >= 0 && q < ids.size(1)) {
      low = std::min(low, row[q]);
      high = std::max(high, row[q]);
    }
  counts[2] = low == -1;
  int64_t m = static_cast<int64_t>(block[Packed::pyramidWord + 2]);
  const int32_t *minima = reinterpret_cast<const int32_t *>(block[Packed::pyramidWord]) + 2 * m * b;
  const int32_t *maxima = reinterpret_cast<const int32_t *>(block[Packed::pyramidWord + 1]) + 2 * m * b;
  for (int64_t tile = 0; tile * Packed::tileK < keys; ++tile) {
    int64_t any, all;
    Packing::countPairs(block, {b, h, t}, tile, any, all);
    constexpr int64_t blocks = Packed::tileK / pyramidBlock;
    int32_t least = INT32_MAX, most = INT32_MIN;
    for (int64_t i = tile * blocks; i < std::min((tile + 1) * blocks, m); ++i) {
      least = std::min(least, minima[i]);
      most = std::max(most, maxima[i]);
    }
    bool mayAttend = least <= high && most >= low;
    if (any > 0 && !mayAttend)
      return 1;
    if (any == all)
      append(full, counts[1], tile);
    else if (mayAttend)
      append(partial, counts[0], tile);
  }
  return 0;
}

/// Takes a key tile by the states of its blocks, and by the distances in it.
template <int64_t queryBlock, int64_t keyBlock>
int32_t planBlocks(const uint64_t *block, int64_t, int64_t, int64_t t, uint32_t *partial, uint32_t *full,
                   int64_t *counts) {
  using Pattern = Blocks<queryBlock, keyBlock>;
  counts[0] = counts[1] = counts[2] = 0;
  int64_t queries = Kernel<Pattern>::query(block).size(2), keys = Kernel<Pattern>::key(block).size(2);
  const int32_t *minima = reinterpret_cast<const int32_t *>(block[captureWord]);
  const int32_t *maxima = reinterpret_cast<const int32_t *>(block[captureWord + 1]);
  if (!minima || !maxima)
    return 1;
  int64_t firstRow = t * Pattern::tileQ + keys - queries;
  int64_t lastRow = std::min((t + 1) * Pattern::tileQ, queries) - 1 + keys - queries;
  for (int64_t tile = 0; tile * Pattern::tileK < keys; ++tile) {
    int64_t first = tile * Pattern::tileK, last = std::min(first + Pattern::tileK, keys) - 1;
    int32_t least = 2, most = 0;
    for (int64_t k = first / keyBlock; k <= last / keyBlock; ++k) {
      least = std::min(least, minima[k]);
      most = std::max(most, maxima[k]);
    }
    if (most == 0 || !Pattern::isNear(block, firstRow, last))
      continue;
    if (least == 2 && Pattern::isNear(block, lastRow, first))
      append(full, counts[1], tile);
    else
      append(partial, counts[0], tile);
  }
  return 0;
}

} // namespace handwritten

#endif // SPARSE_ATTN_TEST_HANDWRITTENKERNELS_H
