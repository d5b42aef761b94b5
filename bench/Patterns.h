//===- Patterns.h - Patterns as declared and as defined ------- -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A pattern is written twice: declared, for the compiler, and as a formula, for
// us. The formula counts the pairs and the tiles that attend by trying every pair,
// so that no figure of the bench rests on what our own schedules claim.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_BENCH_PATTERNS_H
#define SPARSE_ATTN_BENCH_PATTERNS_H

#include "sparse_attn/Value.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sparse_attn::bench {

/// What attends, of `length` queries and as many keys.
struct Attending {
  int64_t pairs = 0;
  int64_t tiles = 0; ///< Of 64 x 64, with at least one pair.
  int64_t allTiles = 0;

  double fraction() const { return static_cast<double>(tiles) / static_cast<double>(allTiles); }
};

struct Pattern {
  std::string name;
  std::string body;                                  ///< The ops of the pattern; the last value is %p.
  std::function<Attending(int64_t length)> count;    ///< By trying every pair; null for captured documents.
  std::function<bool(int64_t q, int64_t k)> attends; ///< Null for captured documents.
  bool capturesDocuments = false;                    ///< The pattern has one capture, %document: memref<?xi32>.
};

Pattern densePattern();
Pattern causalPattern();
/// q - left <= k <= q + right.
Pattern windowPattern(int64_t left, int64_t right);
/// The window, and the first tokens see all and are seen by all.
Pattern longformerPattern(int64_t left, int64_t right, int64_t first);
Pattern chunkPattern(int64_t size);
Pattern stridePattern(int64_t step);
/// Strides of the past, and a causal window (Child et al., 2019).
Pattern stridedWindowPattern(int64_t step, int64_t left);
/// q - reach <= k <= q + reach, and k - q a multiple of `step`.
Pattern dilatedPattern(int64_t reach, int64_t step);
/// The same by a predicate.
Pattern maskedDilatedPattern(int64_t reach, int64_t step);
/// Every rate-th token of a segment, among themselves.
Pattern segmentPattern(int64_t length, int64_t rate);
/// Blocks of 64: query block q attends to the key blocks q - blocks .. q.
Pattern blockWindowPattern(int64_t blocks);
/// Tokens of the same document; with `causal` of the past only.
Pattern documentPattern(bool causal);

/// A module with one function @attention on [batch, heads, length, head size].
std::string moduleText(const Pattern &pattern, DType dtype, int64_t headSize);
/// The same, with the merged results of several patterns without captures.
std::string mergeModuleText(const std::vector<Pattern> &patterns, DType dtype, int64_t headSize);

} // namespace sparse_attn::bench

#endif // SPARSE_ATTN_BENCH_PATTERNS_H
