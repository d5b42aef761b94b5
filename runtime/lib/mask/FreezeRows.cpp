//===- FreezeRows.cpp - From terms and rows to a mask ---------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/FreezeRows.h"

#include "mask/BandTerms.h"
#include "mask/FindTerms.h"
#include "mask/PackedStore.h"
#include "mask/RoaringStore.h"
#include "mask/RowSets.h"
#include "mask/SlabBuilder.h"
#include "mask/TermCount.h"

#include <map>

namespace sparse_attn::mask {

namespace {

/// Up to 512 x 512 blocks memory does not matter.
constexpr uint64_t smallBytes = 32 << 10;

/// The rule of the automatic choice, for masks that are not all terms. Of 512 to 6,250 blocks a side, bits were counted
/// and combined 10 to 50 times as fast as rows, and intersected 2 to 8 times as fast; rows were listed up to 14 times
/// as fast as bits, the more so the larger the mask (as fast for 512 blocks). So neither is quicker in general, and the
/// smaller one is taken: bits from a density of about 6 % of stored pairs.
bool bitsPay(uint64_t bitBytes, uint64_t rowBytes) { return bitBytes <= std::max(smallBytes, rowBytes); }

/// Memory of the stored rows of TermsAndRows.
uint64_t slabBytes(const MaskStore &store) {
  uint64_t bytes = 0;
  for (const Slab &slab : store.slabs)
    bytes += sizeof(Slab) + slab.bytes();
  return bytes;
}

/// The representation that the automatic choice takes for `store`, which is not Roaring.
Representation choose(const MaskStore &store) {
  uint64_t bitBytes = packedBytes(store.grid);
  if (store.representation == Representation::PackedBits) {
    // Stored rows take 2 bytes for each range at the very least.
    bool pay = bitsPay(bitBytes, 2 * countRanges(store.bits));
    return pay ? Representation::PackedBits : Representation::TermsAndRows;
  }
  bool pay = !store.slabs.empty() && bitsPay(bitBytes, slabBytes(store));
  return pay ? Representation::PackedBits : Representation::TermsAndRows;
}

std::shared_ptr<MaskStore> storeOfTerms(const BlockGrid &grid, std::vector<BandTerm> terms) {
  auto store = std::make_shared<MaskStore>();
  store->grid = grid;
  store->terms = TermIndex(std::move(terms));
  return store;
}

/// `store`, with the bands among its rows as terms.
std::shared_ptr<MaskStore> closeBands(std::shared_ptr<MaskStore> store, int32_t threads) {
  std::vector<BandTerm> terms = findTerms(*store);
  if (terms.empty() || terms.size() + store->terms.terms().size() > maxTerms)
    return store;
  terms.insert(terms.end(), store->terms.terms().begin(), store->terms.terms().end());
  std::shared_ptr<MaskStore> closed = storeOfTerms(store->grid, simplify(terms));
  closed->slabs = buildSlabs(*closed, rowsOf(*store, RowPart::Stored), threads);
  return closed;
}

/// Adds the rows that `source` makes to a store of terms.
SharedStore addRows(std::shared_ptr<MaskStore> store, const RowSource &source, int32_t threads) {
  store->slabs = buildSlabs(*store, source, threads);
  store = closeBands(std::move(store), threads);
  store->count = countTermPairs(*store, threads) + countPairs(store->slabs);
  return store;
}

/// Both of two sources.
class EitherRows final : public RowProducer {
public:
  EitherRows(std::unique_ptr<RowProducer> a, std::unique_ptr<RowProducer> b) : a(std::move(a)), b(std::move(b)) {}

  bool hasRows(uint32_t first, uint32_t past) override { return a->hasRows(first, past) || b->hasRows(first, past); }

  void produce(uint32_t q, RowSink &sink) override {
    columns.clear();
    Gatherer gatherer(columns);
    a->produce(q, gatherer);
    b->produce(q, gatherer);
    for (auto &[keyFirst, ranges] : columns) {
      ranges.normalize();
      sink.add({keyFirst, ranges.data(), ranges.size(), nullptr, 0});
    }
  }

private:
  using Columns = std::map<uint32_t, RangeBuffer>; ///< By keyFirst.

  struct Gatherer final : RowSink {
    explicit Gatherer(Columns &columns) : columns(columns) {}
    void add(const RowPiece &piece) override {
      RangeBuffer &ranges = columns[piece.keyFirst];
      for (size_t i = 0; i < piece.rangeCount; ++i)
        ranges.add(piece.ranges[i]);
      for (size_t i = 0; i < piece.keyCount; ++i)
        ranges.add({piece.keys[i], piece.keys[i] + uint32_t(1)});
    }
    Columns &columns;
  };

  std::unique_ptr<RowProducer> a, b;
  Columns columns;
};

} // namespace

Result<SharedStore> convert(const SharedStore &store, const FreezeOptions &options) {
  Representation wanted = options.representation;
  if (wanted == Representation::Automatic && store->representation == Representation::Roaring)
    return convert(asTermsAndRows(store, options.threads), options);
  if (wanted == Representation::Automatic)
    wanted = choose(*store);
  if (wanted == store->representation)
    return store;
  if (wanted == Representation::PackedBits)
    return packRows(*storeOfTerms(store->grid, {}), rowsOf(*store), options.threads);
  if (wanted == Representation::Roaring)
    return toRoaring(*store, options.threads);
  return asTermsAndRows(store, options.threads);
}

SharedStore asTermsAndRows(const SharedStore &store, int32_t threads) {
  if (store->representation == Representation::TermsAndRows)
    return store;
  return addRows(storeOfTerms(store->grid, {}), rowsOf(*store), threads);
}

Result<SharedStore> freezeContent(const MaskContent &content, const FreezeOptions &options) {
  std::vector<BandTerm> terms = simplify(content.terms);
  RowSource rows = content.rows;
  SharedStore further; // Terms beyond those that a mask may have.
  if (terms.size() > maxTerms) {
    further = storeOfTerms(content.grid, {terms.begin() + maxTerms, terms.end()});
    terms.resize(maxTerms);
    rows = [further, given = content.rows, others = rowsOf(*further)] {
      return std::make_unique<EitherRows>(given(), others());
    };
  }
  std::shared_ptr<MaskStore> store = storeOfTerms(content.grid, std::move(terms));
  if (options.representation == Representation::PackedBits)
    return packRows(*store, rows, options.threads);
  if (options.representation != Representation::Automatic || !content.isDense)
    return convert(addRows(std::move(store), rows, options.threads), options);
  Result<SharedStore> bits = packRows(*store, rows, options.threads);
  if (!bits.isOk())
    return addRows(std::move(store), rows, options.threads);
  if (choose(**bits) == Representation::PackedBits)
    return bits;
  return convert(addRows(std::move(store), rowsOf(**bits), options.threads), options);
}

Result<BlockMask> maskFromParts(const BlockGrid &grid, std::vector<BandTerm> terms, std::vector<Slab> slabs,
                                const FreezeOptions &options) {
  std::shared_ptr<MaskStore> store = storeOfTerms(grid, simplify(terms));
  store->slabs = canonicalSlabs(*store, std::move(slabs), options.threads);
  store->count = countTermPairs(*store, options.threads) + countPairs(store->slabs);
  Result<SharedStore> kept = convert(store, options);
  if (!kept.isOk())
    return kept.status();
  return BlockMask(std::move(*kept));
}

} // namespace sparse_attn::mask
