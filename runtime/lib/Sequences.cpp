//===- Sequences.cpp - Sequences of different lengths ---------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sequences.h"

#include <algorithm>

namespace sparse_attn {

namespace {

constexpr int batchDimension = 0, lengthDimension = 2;

int64_t elementOf(const NamedArray &array, int64_t index) {
  return static_cast<const int32_t *>(array.value.data)[index];
}

/// The rows of one array: of the queries, or of the keys.
struct RowSpan {
  int64_t first, count;
};

Result<RowSpan> readSpan(const std::optional<NamedArray> &lengths, const std::optional<NamedArray> &offsets, int64_t n,
                         int64_t rows) {
  RowSpan span{0, rows};
  if (offsets) {
    int64_t begin = elementOf(*offsets, n), end = elementOf(*offsets, n + 1);
    if (begin < 0 || end < begin || end > rows)
      return makeError(StatusCode::InvalidArgument, offsets->name, ": expects offsets that ascend from 0 to at most ",
                       rows, ", but got ", begin, " and ", end, " at ", n);
    span = {begin, end - begin};
  }
  if (!lengths)
    return span;
  int64_t length = elementOf(*lengths, n);
  if (length < 0 || length > span.count)
    return makeError(StatusCode::InvalidArgument, lengths->name, ": expects a length of at most ", span.count,
                     " for sequence ", n, ", but got ", length);
  span.count = length;
  return span;
}

} // namespace

Result<int64_t> countSequences(const SequenceArrays &arrays, const Shape &query, const Shape &key) {
  std::optional<int64_t> count;
  auto join = [&](const std::optional<NamedArray> &array, int64_t more) -> Status {
    if (!array)
      return {};
    int64_t size = array->value.size[0];
    if (!count)
      count = size - more;
    if (*count >= 0 && size == *count + more)
      return {};
    return makeError(StatusCode::ShapeMismatch, array->name, ": expects ", std::max<int64_t>(*count, 0) + more,
                     " elements, for ", std::max<int64_t>(*count, 0), " sequences, but got ", size);
  };
  for (const std::optional<NamedArray> *lengths : {&arrays.queryLengths, &arrays.keyLengths})
    if (Status status = join(*lengths, 0); !status.isOk())
      return status;
  // Of offsets, there is one more.
  for (const std::optional<NamedArray> *offsets : {&arrays.queryOffsets, &arrays.keyOffsets})
    if (Status status = join(*offsets, 1); !status.isOk())
      return status;
  int64_t batches = query.size[batchDimension];
  if (key.size[batchDimension] == batches && (batches == *count || (batches == 1 && arrays.queryOffsets)))
    return *count;
  return makeError(StatusCode::ShapeMismatch, "expects a batch for each of the ", *count,
                   " sequences, or one batch and offsets of the queries, but got ", batches, " batches",
                   arrays.queryOffsets ? "" : " without offsets");
}

Result<std::vector<Sequence>> readSequences(const SequenceArrays &arrays, int64_t count, const Shape &query,
                                            const Shape &key) {
  std::vector<Sequence> sequences;
  for (int64_t n = 0; n < count; ++n) {
    Result<RowSpan> queries = readSpan(arrays.queryLengths, arrays.queryOffsets, n, query.size[lengthDimension]);
    if (!queries.isOk())
      return queries.status();
    Result<RowSpan> keys = readSpan(arrays.keyLengths, arrays.keyOffsets, n, key.size[lengthDimension]);
    if (!keys.isOk())
      return keys.status();
    sequences.push_back({queries->first, queries->count, keys->first, keys->count});
  }
  return sequences;
}

Sequence findLongest(const std::vector<Sequence> &sequences) {
  Sequence longest;
  for (const Sequence &sequence : sequences) {
    longest.queries = std::max(longest.queries, sequence.queries);
    longest.keys = std::max(longest.keys, sequence.keys);
  }
  return longest;
}

std::vector<int32_t> makeSequenceTable(const std::vector<Sequence> &sequences) {
  std::vector<int32_t> table;
  auto add = [&](const Sequence &sequence) {
    for (int64_t number : {sequence.firstQuery, sequence.queries, sequence.firstKey, sequence.keys})
      table.push_back(static_cast<int32_t>(number));
  };
  std::for_each(sequences.begin(), sequences.end(), add);
  add(findLongest(sequences));
  return table;
}

} // namespace sparse_attn
