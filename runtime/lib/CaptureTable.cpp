//===- CaptureTable.cpp - Tables made of captured arrays ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CaptureTable.h"

#include "CapturedContent.h"

namespace sparse_attn {

namespace {

constexpr int64_t bitsOfWord = 32;

/// Words of the table of a row of `elements` elements.
int64_t tableWords(ArrayForm form, int64_t elements, int64_t keys) {
  switch (form) {
  case ArrayForm::Elements:
    return elements;
  case ArrayForm::Tree:
    return 2 * elements;
  case ArrayForm::Bits:
    break;
  }
  // One pair of words more than the keys fill, so that a count of all keys has a place.
  return 2 * (keys / bitsOfWord + 1);
}

/// Numbers the nodes by a walk that visits each one before its children (Tarjan, "Finding dominators in directed
/// graphs", 1974): the descendants of a node, and the node itself, have the numbers [first, last).
void writeTree(const int32_t *parents, int64_t nodes, int32_t *words) {
  int32_t *first = words, *last = words + nodes;
  // Sizes of subtrees, children before parents.
  std::fill_n(last, nodes, 1);
  for (int64_t node = nodes; node-- > 0;)
    if (parents[node] >= 0)
      last[parents[node]] += last[node];
  // The next free number in the interval of each node.
  std::vector<int32_t> next(static_cast<size_t>(nodes));
  int32_t nextRoot = 0;
  for (int64_t node = 0; node < nodes; ++node) {
    int32_t &place = parents[node] >= 0 ? next[static_cast<size_t>(parents[node])] : nextRoot;
    first[node] = place;
    place += last[node];
    last[node] = place;
    next[static_cast<size_t>(node)] = first[node] + 1;
  }
}

/// Bits of 32 numbers at a time, each word followed by how many numbers there are before it.
void writeBits(const int32_t *elements, int64_t count, int64_t pairs, int32_t *words) {
  for (int64_t i = 0; i < count; ++i)
    if (elements[i] >= 0 && elements[i] < bitsOfWord * pairs)
      words[elements[i] / bitsOfWord * 2] |= static_cast<int32_t>(uint32_t(1) << elements[i] % bitsOfWord);
  int32_t before = 0;
  for (int64_t pair = 0; pair < pairs; ++pair) {
    words[2 * pair + 1] = before;
    before += __builtin_popcount(static_cast<uint32_t>(words[2 * pair]));
  }
}

} // namespace

CaptureTable::CaptureTable(ArrayForm form, const Value &array, int64_t keys) : shape(shapeOf(array)) {
  int64_t &rowWords = shape.size[static_cast<size_t>(array.rank - 1)];
  rowWords = tableWords(form, rowWords, keys);
  int64_t rows = 1;
  for (int32_t i = 0; i + 1 < array.rank; ++i)
    rows *= array.size[i];
  words.assign(static_cast<size_t>(rows * rowWords), 0);
  int32_t *row = words.data();
  visitRows(array, [&](const void *data, int64_t count) {
    auto elements = static_cast<const int32_t *>(data);
    if (form == ArrayForm::Tree)
      writeTree(elements, count, row);
    else
      writeBits(elements, count, rowWords / 2, row);
    row += rowWords;
  });
}

} // namespace sparse_attn
