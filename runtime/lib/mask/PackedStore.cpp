//===- PackedStore.cpp - Masks as one bit a pair --------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/PackedStore.h"

#include "mask/BitRows.h"
#include "mask/MaskKernels.h"
#include "mask/Workers.h"

#include <atomic>

namespace sparse_attn::mask {

namespace {

constexpr uint32_t chunkRows = 64;
constexpr uint64_t maxPackedBytes = uint64_t(1) << 32;

/// Sets the bits of a row.
class BitSink final : public RowSink {
public:
  explicit BitSink(uint64_t *words) : words(words) {}
  void add(const RowPiece &piece) override { setBits(words + piece.keyFirst / wordBits, piece); }

private:
  uint64_t *words;
};

std::shared_ptr<MaskStore> makePacked(const BlockGrid &grid) {
  auto store = std::make_shared<MaskStore>();
  store->grid = grid;
  store->representation = Representation::PackedBits;
  store->bits.rowWords = wordsOf(grid.keyBlocks);
  store->bits.words = Array<uint64_t>(grid.queryBlocks * store->bits.rowWords);
  return store;
}

/// Calls body(begin, end) for chunks of the words of a store, on several threads, and counts the bits afterwards.
template <typename Body> void shareWords(MaskStore &store, int32_t threads, const Body &body) {
  constexpr int64_t chunkWords = 1 << 15;
  uint64_t *words = store.bits.words.data();
  std::atomic<uint64_t> count{0};
  parallelChunks(static_cast<int64_t>(store.bits.words.size()), chunkWords, workersFor(threads),
                 [&](int32_t, int64_t begin, int64_t end) {
                   body(begin, end);
                   count += kernels().countBits(words + begin, static_cast<size_t>(end - begin));
                 });
  store.count = count;
}

/// Exchanges rows and columns of 64 x 64 bits. Swaps ever smaller squares across the diagonal: Warren, "Hacker's
/// Delight", 2nd edition, section 7-3.
void transposeSquare(uint64_t (&rows)[wordBits]) {
  uint64_t mask = ~uint64_t(0) >> (wordBits / 2);
  for (uint32_t size = wordBits / 2; size != 0; size /= 2, mask ^= mask << size)
    for (uint32_t row = 0; row < wordBits; row = ((row | size) + 1) & ~size) {
      uint64_t swapped = (rows[row] >> size ^ rows[row | size]) & mask;
      rows[row] ^= swapped << size;
      rows[row | size] ^= swapped;
    }
}

/// Writes rows [64 i, 64 i + 64) of the transpose of `from`.
void transposeStripe(const PackedBits &from, uint32_t fromRows, size_t i, PackedBits &to, uint32_t toRows) {
  uint32_t rowFirst = static_cast<uint32_t>(i * wordBits);
  uint32_t rows = std::min(wordBits, toRows - rowFirst);
  for (size_t word = 0; word < to.rowWords; ++word) {
    uint64_t square[wordBits] = {};
    uint32_t columnFirst = static_cast<uint32_t>(word * wordBits);
    for (uint32_t j = 0; j < std::min(wordBits, fromRows - columnFirst); ++j)
      square[j] = from.row(columnFirst + j)[i];
    transposeSquare(square);
    for (uint32_t j = 0; j < rows; ++j)
      to.words[(rowFirst + j) * to.rowWords + word] = square[j];
  }
}

} // namespace

uint64_t packedBytes(const BlockGrid &grid) {
  return uint64_t(grid.queryBlocks) * wordsOf(grid.keyBlocks) * sizeof(uint64_t);
}

Result<std::shared_ptr<const MaskStore>> packRows(const MaskStore &terms, const RowSource &source, int32_t threads) {
  if (packedBytes(terms.grid) > maxPackedBytes)
    return makeError(StatusCode::Unsupported, "expects packed bits to take at most ", maxPackedBytes,
                     " bytes, but got ", packedBytes(terms.grid));
  std::shared_ptr<MaskStore> store = makePacked(terms.grid);
  PackedBits &bits = store->bits;
  std::atomic<uint64_t> count{0};
  shareRows(terms.grid.queryBlocks, chunkRows, threads, source,
            [&](RowProducer &producer, uint32_t begin, uint32_t end) {
              RowReader reader(terms, RowPart::Terms);
              RowPiece piece;
              uint64_t *words = bits.words.data() + begin * bits.rowWords;
              size_t wordCount = (end - begin) * bits.rowWords;
              std::fill_n(words, wordCount, 0);
              for (uint32_t q = begin; q < end; ++q) {
                BitSink sink(bits.words.data() + q * bits.rowWords);
                for (reader.start(q); reader.next(piece);)
                  sink.add(piece);
                producer.produce(q, sink);
              }
              count += kernels().countBits(words, wordCount);
            });
  store->count = count;
  return std::shared_ptr<const MaskStore>(std::move(store));
}

uint64_t countRanges(const PackedBits &bits) {
  uint64_t ranges = 0;
  for (size_t i = 0; i < bits.words.size(); i += bits.rowWords)
    ranges += kernels().countRuns(bits.words.data() + i, bits.rowWords);
  return ranges;
}

std::shared_ptr<const MaskStore> combinePacked(const MaskStore &a, const MaskStore &b, SetOperation operation,
                                               int32_t threads) {
  std::shared_ptr<MaskStore> result = makePacked(a.grid);
  const uint64_t *wordsA = a.bits.words.data(), *wordsB = b.bits.words.data();
  uint64_t *words = result->bits.words.data();
  shareWords(*result, threads, [&](int64_t begin, int64_t end) {
    if (operation == SetOperation::And)
      for (int64_t i = begin; i < end; ++i)
        words[i] = wordsA[i] & wordsB[i];
    else if (operation == SetOperation::Or)
      for (int64_t i = begin; i < end; ++i)
        words[i] = wordsA[i] | wordsB[i];
    else
      for (int64_t i = begin; i < end; ++i)
        words[i] = wordsA[i] & ~wordsB[i];
  });
  return result;
}

std::shared_ptr<const MaskStore> transposePacked(const MaskStore &store, int32_t threads) {
  std::shared_ptr<MaskStore> result = makePacked(store.grid.transposed());
  parallelChunks(static_cast<int64_t>(store.bits.rowWords), 1, workersFor(threads),
                 [&](int32_t, int64_t stripe, int64_t) {
                   transposeStripe(store.bits, store.grid.queryBlocks, static_cast<size_t>(stripe), result->bits,
                                   result->grid.queryBlocks);
                 });
  result->count = store.count;
  return result;
}

} // namespace sparse_attn::mask
