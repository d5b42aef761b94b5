//===- TermIndex.h - The terms that reach a row ---------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A mask of packed documents has a thousand terms, of which a row meets one.
// With more than a few terms they are found by a segment tree over the query
// blocks where terms begin or end: its leaves are the gaps between those, and
// a term is noted at the O(log terms) nodes that together cover it.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_TERMINDEX_H
#define SPARSE_ATTN_LIB_MASK_TERMINDEX_H

#include "mask/Array.h"
#include "sparse_attn/BlockMask.h"

#include <cstdint>
#include <vector>

namespace sparse_attn::mask {

/// Terms, and the way to those of a row.
class SPARSE_ATTN_EXPORT TermIndex {
public:
  TermIndex() = default;
  explicit TermIndex(std::vector<BandTerm> terms);

  const std::vector<BandTerm> &terms() const { return list; }
  /// Whether some term has a step above 1.
  bool hasSteps() const { return steps; }

  /// Calls visitor(const BandTerm &) for every term with queryFirst <= q < queryPast, in no particular order.
  template <typename Visitor> void forEachAt(uint32_t q, const Visitor &visitor) const {
    if (bounds.size() == 0) {
      for (const BandTerm &term : list)
        if (q >= term.queryFirst && q < term.queryPast)
          visitor(term);
      return;
    }
    for (size_t node = leafOf(q); node != 0; node /= 2)
      for (uint32_t i = nodeOffsets[node]; i < nodeOffsets[node + 1]; ++i)
        visitor(list[nodeTerms[i]]);
  }

  size_t heapBytes() const;

private:
  /// Too few terms for a tree to pay.
  static constexpr size_t listedTerms = 8;

  void buildTree();
  /// The tree's node of query block q, or 0 where no term is.
  size_t leafOf(uint32_t q) const;

  std::vector<BandTerm> list;
  bool steps = false;
  Array<uint32_t> bounds;      ///< Where terms begin or end, ascending; empty without a tree.
  size_t leaves = 0;           ///< A power of two. Leaf i is node leaves + i; the children of node n are 2n and 2n + 1.
  Array<uint32_t> nodeOffsets; ///< Node n has the terms nodeTerms[nodeOffsets[n]] to nodeTerms[nodeOffsets[n + 1] - 1].
  Array<uint32_t> nodeTerms;
};

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_TERMINDEX_H
