//===- BlockMask.h - Which key blocks each query block reads --*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A block mask is a set of pairs (query block, key block). What is structured
// in it (windows, prefixes, documents) is kept in closed form, a few numbers
// however long the sequence; only the irregular rest is stored. A mask is made
// by BlockMaskBuilder or from other masks, and never changes.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_BLOCKMASK_H
#define SPARSE_ATTN_BLOCKMASK_H

#include "sparse_attn/Export.h"
#include "sparse_attn/Status.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <type_traits>
#include <vector>

namespace sparse_attn {

/// The sizes of a mask. Row q of a mask is query block q, tokens [q * queryBlockSize, (q + 1) * queryBlockSize).
struct BlockGrid {
  /// Query blocks and key blocks are at most this many: a billion tokens in blocks of 16.
  static constexpr uint32_t maxBlocks = uint32_t(1) << 26;
  static constexpr uint32_t maxBlockSize = uint32_t(1) << 16;

  uint32_t queryBlocks = 0;
  uint32_t keyBlocks = 0;
  uint32_t queryBlockSize = 1; ///< In tokens.
  uint32_t keyBlockSize = 1;   ///< In tokens.

  bool operator==(const BlockGrid &other) const {
    return queryBlocks == other.queryBlocks && keyBlocks == other.keyBlocks && queryBlockSize == other.queryBlockSize &&
           keyBlockSize == other.keyBlockSize;
  }
  bool operator!=(const BlockGrid &other) const { return !(*this == other); }

  BlockGrid transposed() const { return {keyBlocks, queryBlocks, keyBlockSize, queryBlockSize}; }

  /// Errors: InvalidArgument for more than `maxBlocks` blocks, or a block size that is 0 or above `maxBlockSize`.
  /// Without any block a grid is valid.
  SPARSE_ATTN_EXPORT Status check() const;
};

/// Prints "62500 x 62500 blocks of 16 x 16 tokens".
SPARSE_ATTN_EXPORT std::ostream &operator<<(std::ostream &stream, const BlockGrid &grid);

/// The blocks [first, past).
struct BlockRange {
  uint32_t first = 0;
  uint32_t past = 0;

  uint32_t size() const { return past > first ? past - first : 0; }
  bool isEmpty() const { return past <= first; }
  bool operator==(const BlockRange &other) const { return first == other.first && past == other.past; }
  bool operator!=(const BlockRange &other) const { return !(*this == other); }
};

/// A diagonal band within a rectangle: the pairs (q, k) with
///   queryFirst <= q < queryPast,  keyFirst <= k < keyPast,  lowest <= k - q <= highest,  (k - q) mod step = phase,
/// where mod gives values in [0, step). Windows, causal masks, global rows and columns, documents, single blocks and
/// dilated windows are all bands; the intersection of two bands is a band, and so is the transpose of one.
struct BandTerm {
  /// Bounds of k - q that exclude nothing.
  static constexpr int64_t unbounded = int64_t(1) << 32;

  uint32_t queryFirst = 0;
  uint32_t queryPast = 0;
  uint32_t keyFirst = 0;
  uint32_t keyPast = 0;
  int64_t lowest = -unbounded; ///< Within [-unbounded, unbounded], as is `highest`.
  int64_t highest = unbounded;
  uint32_t step = 1;  ///< At least 1; 1 keeps every k - q.
  uint32_t phase = 0; ///< Below `step`.

  bool operator==(const BandTerm &other) const {
    return queryFirst == other.queryFirst && queryPast == other.queryPast && keyFirst == other.keyFirst &&
           keyPast == other.keyPast && lowest == other.lowest && highest == other.highest && step == other.step &&
           phase == other.phase;
  }
  bool operator!=(const BandTerm &other) const { return !(*this == other); }

  /// Every pair of `queries` x `keys`.
  static BandTerm rectangle(BlockRange queries, BlockRange keys) {
    return {queries.first, queries.past, keys.first, keys.past, -unbounded, unbounded, 1, 0};
  }
  /// Every pair of the grid with q + lowest <= k <= q + highest, bounds above `unbounded` cut to it.
  static BandTerm band(const BlockGrid &grid, int64_t lowest, int64_t highest) {
    auto cut = [](int64_t bound) { return bound < -unbounded ? -unbounded : bound > unbounded ? unbounded : bound; };
    return {0, grid.queryBlocks, 0, grid.keyBlocks, cut(lowest), cut(highest), 1, 0};
  }
  /// Every pair of the grid with k <= q + offset. Lengths aligned at their ends have an offset of keyBlocks -
  /// queryBlocks.
  static BandTerm causal(const BlockGrid &grid, int64_t offset = 0) { return band(grid, -unbounded, offset); }
};

/// How a mask is kept in memory.
enum class Representation : uint8_t {
  Automatic,    ///< A wish only: the best of the others for the mask at hand, by rules that were measured.
  TermsAndRows, ///< Bands in closed form, and lists and ranges of 16-bit key blocks a row for the rest.
  PackedBits,   ///< One bit a pair: for small or dense masks.
  Roaring,      ///< Compressed bitmaps: slow to ask, quick to combine, exchanged with other programs.
};

/// "automatic", "terms-and-rows", "packed-bits" or "roaring".
SPARSE_ATTN_EXPORT const char *representationName(Representation representation);

/// How a new mask is made.
struct FreezeOptions {
  Representation representation = Representation::Automatic;
  int32_t threads = 0; ///< At most so many threads; 0 for `threadCount()`.
};

/// What a mask is made of.
struct MaskStats {
  Representation representation; ///< Never Automatic.
  size_t terms;                  ///< Bands in closed form.
  uint64_t storedRanges;         ///< Ranges kept row by row.
  uint64_t storedBlocks;         ///< Single key blocks kept row by row.
  size_t slabs;                  ///< Stored pieces of at most 65,536 x 65,536 blocks.
  size_t heapBytes;              ///< All memory of the mask.
};

/// 128 bits that two masks share if they are equal, and otherwise but for a chance of about 2^-100.
/// Not meant to withstand masks crafted to collide.
struct ContentHash {
  uint64_t low = 0;
  uint64_t high = 0;

  bool operator==(const ContentHash &other) const { return low == other.low && high == other.high; }
  bool operator!=(const ContentHash &other) const { return !(*this == other); }
};

/// Ranges that somebody else keeps, ascending, disjoint, and with a gap between any two.
struct RangeList {
  const BlockRange *ranges = nullptr;
  size_t count = 0;

  const BlockRange *begin() const { return ranges; }
  const BlockRange *end() const { return ranges + count; }
  size_t size() const { return count; }
  const BlockRange &operator[](size_t index) const { return ranges[index]; }
};

namespace mask {
class MaskStore;
} // namespace mask

/// A set of pairs (query block q, key block k). A copy shares the memory of the original. Every member may be called
/// from several threads at a time. Rows q that the grid lacks are empty. Members that return lists and new masks may
/// throw std::bad_alloc.
///
/// n below is the number of ranges and single blocks that make up a row.
class SPARSE_ATTN_EXPORT BlockMask {
public:
  /// A mask of 0 x 0 blocks.
  BlockMask();
  ~BlockMask();
  BlockMask(const BlockMask &other);
  BlockMask(BlockMask &&other) noexcept;
  BlockMask &operator=(const BlockMask &other);
  BlockMask &operator=(BlockMask &&other) noexcept;

  /// The union of `terms`. Errors: InvalidArgument for a bad grid, or a term that is not within it.
  static Result<BlockMask> fromTerms(const BlockGrid &grid, const std::vector<BandTerm> &terms,
                                     const FreezeOptions &options = {});

  const BlockGrid &grid() const;
  /// Pairs in the mask. O(1).
  uint64_t count() const;
  /// Pairs in row q. O(n) in closed form, O(keyBlocks) in packed bits.
  uint32_t rowCount(uint32_t q) const;
  /// count() over all pairs of the grid; 0 for a grid without pairs. O(1).
  double density() const;
  /// O(terms + log n).
  bool contains(uint32_t q, uint32_t k) const;

  /// Writes the key blocks of row q to `out`, ascending, and returns how many. `out` has room for rowCount(q).
  uint32_t activeBlocks(uint32_t q, uint32_t *out) const;
  /// The same in 16 bits. Errors: Unsupported with more than 65,536 key blocks; nothing is written then.
  Result<uint32_t> activeBlocks(uint32_t q, uint16_t *out) const;
  std::vector<uint32_t> activeBlocks(uint32_t q) const;

  /// Row q as ascending ranges, as few as there can be.
  std::vector<BlockRange> ranges(uint32_t q) const;
  /// The same into a vector whose memory is used again.
  void ranges(uint32_t q, std::vector<BlockRange> &out) const;

  /// Writes the key blocks that rows q1 and q2 share to `out`, ascending, and returns how many. `out` has room for
  /// the shorter row. O(n).
  uint32_t intersection(uint32_t q1, uint32_t q2, uint32_t *out) const;
  std::vector<uint32_t> intersection(uint32_t q1, uint32_t q2) const;
  uint32_t intersectionCount(uint32_t q1, uint32_t q2) const;
  /// The key blocks that at least one row of [first, past) reads, as ascending ranges, as few as there can be.
  std::vector<BlockRange> unionOfRows(uint32_t first, uint32_t past) const;

  /// Calls visitor(uint32_t q, RangeList ranges) for every row that is not empty, in ascending order. The ranges are
  /// valid until the visitor returns.
  template <typename Visitor> void forEachRow(Visitor &&visitor) const {
    auto call = [](void *context, uint32_t q, RangeList ranges) {
      (*static_cast<std::remove_reference_t<Visitor> *>(context))(q, ranges);
    };
    visitRows(0, grid().queryBlocks, call, const_cast<void *>(static_cast<const void *>(&visitor)));
  }

  /// The mask with queries and keys exchanged, in the same representation. Terms are transposed in closed form.
  BlockMask transpose(int32_t threads = 0) const;
  /// The same pairs kept in another way. Errors: Unsupported for packed bits of more than 4 GiB.
  Result<BlockMask> withRepresentation(const FreezeOptions &options) const;

  /// The bands of the mask, which may overlap; the other pairs are stored, apart from them. Empty unless the
  /// representation is TermsAndRows.
  const std::vector<BandTerm> &terms() const;
  MaskStats stats() const;
  /// A hash of the grid and the pairs, whatever the representation. Computed once, at the first call, in O(all n).
  ContentHash contentHash() const;

  /// Whether grid and pairs are the same, whatever the representation.
  bool operator==(const BlockMask &other) const;
  bool operator!=(const BlockMask &other) const { return !(*this == other); }

  /// For the library's own use.
  explicit BlockMask(std::shared_ptr<const mask::MaskStore> store);
  const mask::MaskStore &store() const { return *content; }
  const std::shared_ptr<const mask::MaskStore> &sharedStore() const { return content; }

private:
  void visitRows(uint32_t first, uint32_t past, void (*visitor)(void *context, uint32_t q, RangeList ranges),
                 void *context) const;

  std::shared_ptr<const mask::MaskStore> content; ///< Never null.
};

/// The pairs that are in both masks. Errors: ShapeMismatch where the grids differ; Unsupported as
/// `withRepresentation`.
SPARSE_ATTN_EXPORT Result<BlockMask> conjunction(const BlockMask &a, const BlockMask &b,
                                                 const FreezeOptions &options = {});
/// The pairs that are in one of the masks at least. Errors: as `conjunction`.
SPARSE_ATTN_EXPORT Result<BlockMask> disjunction(const BlockMask &a, const BlockMask &b,
                                                 const FreezeOptions &options = {});
/// The pairs that are in `a`, but not in `b`. Errors: as `conjunction`.
SPARSE_ATTN_EXPORT Result<BlockMask> difference(const BlockMask &a, const BlockMask &b,
                                                const FreezeOptions &options = {});

} // namespace sparse_attn

#endif // SPARSE_ATTN_BLOCKMASK_H
