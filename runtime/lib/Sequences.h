//===- Sequences.h - Sequences of different lengths -----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arrays of captured lengths and offsets say which rows of queries and keys
// form a sequence. They are checked and read once, into a table that kernels
// read; docs/artifact.md has its layout.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SEQUENCES_H
#define SPARSE_ATTN_LIB_SEQUENCES_H

#include "ArrayCheck.h"
#include "sparse_attn/Plan.h"

#include <optional>
#include <vector>

namespace sparse_attn {

/// A captured array and how messages call it.
struct NamedArray {
  ValueName name;
  Value value;
};

/// The arrays that say where a step's sequences are; i32, of rank 1. Values that have been checked, but not their
/// sizes.
struct SequenceArrays {
  std::optional<NamedArray> queryLengths, keyLengths, queryOffsets, keyOffsets;
};

/// How many sequences there are. Errors: ShapeMismatch where the arrays disagree, or do not fit the batches of queries
/// and keys.
SPARSE_ATTN_EXPORT Result<int64_t> countSequences(const SequenceArrays &arrays, const Shape &query, const Shape &key);

/// Reads `count` of them. Errors: InvalidArgument for rows that do not exist or that two sequences of queries share.
SPARSE_ATTN_EXPORT Result<std::vector<Sequence>> readSequences(const SequenceArrays &arrays, int64_t count,
                                                               const Shape &query, const Shape &key);

/// Numbers of a sequence in the table.
constexpr int64_t sequenceColumns = 4;
/// The table that kernels read: first query, queries, first key, keys of each sequence; then, of all, the most.
SPARSE_ATTN_EXPORT std::vector<int32_t> makeSequenceTable(const std::vector<Sequence> &sequences);

/// The most queries and the most keys of a sequence, from row 0.
SPARSE_ATTN_EXPORT Sequence findLongest(const std::vector<Sequence> &sequences);

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_SEQUENCES_H
