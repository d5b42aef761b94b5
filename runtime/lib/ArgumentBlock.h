//===- ArgumentBlock.h - The words an entry receives ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every entry of a kernel takes one flat block of 8-byte words. Where each
// word lies is decided here and nowhere else; docs/artifact.md has the table.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_ARGUMENTBLOCK_H
#define SPARSE_ATTN_LIB_ARGUMENTBLOCK_H

#include "sparse_attn/Device.h"
#include "sparse_attn/Manifest.h"

namespace sparse_attn {

/// Entries of a kernel besides `ItemsEntry`; see docs/artifact.md. All return 0, or another number on failure.
using WorkEntry = int32_t (*)(const uint64_t *block, int64_t item, int64_t *counts);
using PredicateEntry = int32_t (*)(const uint64_t *block, int64_t b, int64_t h, int64_t row, uint8_t *attends);
using ScoreEntry = int32_t (*)(const uint64_t *block, int64_t b, int64_t h, int64_t row, float *scores);
using TilesEntry = int32_t (*)(const uint64_t *block, int64_t item, uint32_t *partial, uint32_t *full, int64_t *counts);
using PlanEntry = int32_t (*)(const uint64_t *block, int64_t b, int64_t h, int64_t t, uint32_t *partial, uint32_t *full,
                              int64_t *counts);

/// Words of an array of that rank: address, sizes, strides.
constexpr size_t arrayWords(size_t rank) { return 1 + 2 * rank; }
constexpr size_t listWords = 6;
/// What follows them in a kernel with masks: numbers of partial tiles before each row, and words of the partial tiles.
constexpr size_t maskListWords = 2;
constexpr size_t pyramidWords = 3;
/// What a GPU kernel has at the end.
enum DeviceWord : size_t { ItemCountWord, OrderWord, CounterWord, CountsWord, deviceWords };
/// No block is longer, since captures are limited.
constexpr size_t maxBlockWords = 5 * arrayWords(4) + 2 * arrayWords(3) + arrayWords(2) + listWords + maskListWords +
                                 maxCaptures * (arrayWords(4) + pyramidWords) + deviceWords;

/// The arrays of one step, in `prepare` (where all data may be null) or in a launch.
struct StepArrays {
  Value query, key, value, output;
  Value lse;                       ///< Unused without a log-sum-exp.
  Value partialOutput, partialLse; ///< Unused where nothing is gone on from.
};

/// Number of the first word of each part of a kernel's block.
struct SPARSE_ATTN_EXPORT BlockLayout {
  explicit BlockLayout(const KernelInfo &kernel);

  size_t query, key, value;
  std::vector<size_t> captures;
  size_t sequences; ///< The table of sequences; meaningless without one.
  bool resumes;
  size_t partialOutput, partialLse; ///< Meaningless where nothing is gone on from.
  size_t output;
  bool hasLse;
  size_t lse;                   ///< Meaningless without a log-sum-exp.
  size_t lists;                 ///< Meaningless without lists.
  std::vector<size_t> pyramids; ///< By capture; meaningless for one without.
  size_t device;                ///< The `DeviceWord`s; meaningless on the CPU.
  size_t words;                 ///< Of the whole block.
};

/// Writes an array (address, sizes, strides) or a scalar (its value) to `words`.
void writeValue(uint64_t *words, const Value &value);

/// Writes the arrays of a step to a block.
void writeArrays(uint64_t *block, const BlockLayout &layout, const StepArrays &arrays);

/// Writes a captured value. Kernels clamp the indices of captured arrays to those that exist and read before they drop
/// what lay outside; so an array that is empty has the address of a single 0, and all of its sizes and strides are 0.
SPARSE_ATTN_EXPORT void writeCapture(uint64_t *words, const Value &value);

inline uint64_t addressWord(const void *address) { return reinterpret_cast<uintptr_t>(address); }

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_ARGUMENTBLOCK_H
