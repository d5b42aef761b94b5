//===- Transpose.cpp - Queries and keys exchanged -------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/BandTerms.h"
#include "mask/FreezeRows.h"
#include "mask/PackedStore.h"
#include "mask/RoaringStore.h"
#include "mask/SlabBuilder.h"
#include "mask/SlabTranspose.h"

#include <algorithm>
#include <tuple>

namespace sparse_attn::mask {

namespace {

SharedStore transposeTermsAndRows(const MaskStore &store, int32_t threads) {
  auto result = std::make_shared<MaskStore>();
  result->grid = store.grid.transposed();
  result->count = store.count;
  std::vector<BandTerm> terms;
  for (const BandTerm &term : store.terms.terms())
    terms.push_back(transpose(term));
  result->terms = TermIndex(simplify(terms));
  std::vector<Slab> slabs;
  for (const Slab &slab : store.slabs)
    slabs.push_back(transposeSlab(slab, std::min(slabBlocks, store.grid.queryBlocks - slab.queryFirst),
                                  std::min(slabBlocks, store.grid.keyBlocks - slab.keyFirst), threads));
  std::sort(slabs.begin(), slabs.end(), [](const Slab &a, const Slab &b) {
    return std::tie(a.queryFirst, a.keyFirst) < std::tie(b.queryFirst, b.keyFirst);
  });
  // What is stored stays apart from the terms; that need not be looked at again.
  MaskStore withoutTerms;
  withoutTerms.grid = result->grid;
  result->slabs = canonicalSlabs(withoutTerms, std::move(slabs), threads);
  return result;
}

SharedStore transposeStore(const SharedStore &store, int32_t threads) {
  switch (store->representation) {
  case Representation::PackedBits:
    return transposePacked(*store, threads);
  case Representation::Roaring:
    return toRoaring(*transposeTermsAndRows(*asTermsAndRows(store, threads), threads), threads);
  default:
    return transposeTermsAndRows(*store, threads);
  }
}

} // namespace

} // namespace sparse_attn::mask

namespace sparse_attn {

BlockMask BlockMask::transpose(int32_t threads) const { return BlockMask(mask::transposeStore(content, threads)); }

} // namespace sparse_attn
