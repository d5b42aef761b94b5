//===- MaskLists.h - Masks as arrays for kernels and devices --*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two ways to hand a mask to a kernel. Lists spell out every row, as intervals
// or as block indices, those that need an element mask apart from those that
// do not. A blob keeps the closed form: a table of bands, and rows of what is
// irregular; it is smaller than lists by an order of magnitude, in one piece
// that can be uploaded at once. For lists by key block (the backward pass),
// export `mask.transpose()`.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_MASKLISTS_H
#define SPARSE_ATTN_MASKLISTS_H

#include "sparse_attn/BlockMask.h"

namespace sparse_attn {

enum class ListEntry : uint8_t {
  Block16,  ///< One uint16_t a key block; for at most 65,536 key blocks.
  Block32,  ///< One uint32_t a key block.
  Interval, ///< Two uint32_t an interval: first key block, number of key blocks. Intervals of a row do not touch.
};

enum class ListOffset : uint8_t {
  Bits32, ///< uint32_t.
  Bits64, ///< int64_t.
};

struct ListOptions {
  ListEntry entry = ListEntry::Interval;
  ListOffset offset = ListOffset::Bits32;
  int32_t threads = 0; ///< At most so many threads; 0 for `threadCount()`.
};

/// How large the arrays of an export are.
struct ListSizes {
  uint64_t offsets = 0;    ///< Elements of each array of offsets: queryBlocks + 1.
  uint64_t full = 0;       ///< Entries (blocks or intervals) without an element mask.
  uint64_t partial = 0;    ///< Entries with one.
  size_t offsetBytes = 0;  ///< Of each array of offsets.
  size_t fullBytes = 0;    ///< Of all `full` entries.
  size_t partialBytes = 0; ///< Of all `partial` entries.
};

/// Memory of the caller. Row q has the entries [offsets[q], offsets[q + 1]), ascending.
struct ListBuffers {
  void *fullOffsets = nullptr;
  void *full = nullptr;
  void *partialOffsets = nullptr; ///< May be null where no partial mask is given, as may `partial`.
  void *partial = nullptr;
};

/// The sizes that `exportLists` will fill. `partial`, or null for none, holds the pairs that need an element mask; it
/// must be a subset of `active`. O(queryBlocks) for blocks; for intervals a pass over both masks.
///
/// Errors: ShapeMismatch where the grids differ; InvalidArgument where `partial` has a pair that `active` lacks, as far
/// as that is noticed; Unsupported for Block16 with more than 65,536 key blocks, and for Bits32 with 2^32 entries or
/// more.
SPARSE_ATTN_EXPORT Result<ListSizes> listSizes(const BlockMask &active, const BlockMask *partial,
                                               const ListOptions &options = {});

/// Writes `active` less `partial` to the full arrays, and `partial` to the partial ones. The arrays have the sizes that
/// `listSizes` gives for the same arguments.
///
/// Errors: as `listSizes`, and InvalidArgument for null buffers and for every pair of `partial` that `active` lacks;
/// what was written is undefined then.
SPARSE_ATTN_EXPORT Status exportLists(const BlockMask &active, const BlockMask *partial, const ListOptions &options,
                                      const ListBuffers &buffers);

/// A band as it lies in a blob; the members are those of BandTerm.
struct BlobTerm {
  uint32_t queryFirst, queryPast, keyFirst, keyPast;
  int64_t lowest, highest;
  uint32_t step, phase;
  uint32_t reserved[2]; ///< 0.
};
static_assert(sizeof(BlobTerm) == 48, "blobs are read by kernels");

/// One mask of a blob: the union of its terms (which may overlap each other) and, apart from them, of row q's stored
/// ranges and single blocks. Offsets are in bytes from the start of the blob, multiples of 16.
struct BlobMask {
  uint64_t termsOffset;     ///< BlobTerm [termCount].
  uint64_t rangeRowsOffset; ///< uint32_t [queryBlocks + 1]: the ranges of row q; absent where rangeCount is 0.
  uint64_t rangesOffset;    ///< Pairs first, last (inclusive) of the width of a block, [rangeCount].
  uint64_t blockRowsOffset; ///< uint32_t [queryBlocks + 1]: the blocks of row q; absent where blockCount is 0.
  uint64_t blocksOffset;    ///< uint16_t [blockCount], or uint32_t with more than 65,536 key blocks.
  uint32_t termCount;
  uint32_t rangeCount;
  uint32_t blockCount;
  uint32_t reserved; ///< 0.
};
static_assert(sizeof(BlobMask) == 56, "blobs are read by kernels");

/// The start of a blob. Numbers are little-endian.
struct BlobHeader {
  static constexpr uint32_t currentVersion = 1;

  uint32_t version;
  uint32_t blockBytes; ///< Bytes of a key block's index: 2, or 4 with more than 65,536 key blocks.
  uint32_t queryBlocks, keyBlocks, queryBlockSize, keyBlockSize;
  uint64_t bytes;   ///< Of the whole blob, a multiple of 16.
  BlobMask active;  ///< Every pair.
  BlobMask partial; ///< Those that need an element mask; empty where none was given.
};
static_assert(sizeof(BlobHeader) == 144, "blobs are read by kernels");

/// Bytes of the blob, a multiple of 16. Masks in another representation are turned into TermsAndRows for it, by this
/// call and again by `writeBlob`. Errors: ShapeMismatch where the grids differ; Unsupported where a mask stores 2^32
/// ranges or blocks or more.
SPARSE_ATTN_EXPORT Result<size_t> blobBytes(const BlockMask &active, const BlockMask *partial);

/// Writes the blob to `out`, which is 16-byte aligned and has `bytes` bytes. Whether `partial` is a subset is not
/// checked. Errors: as `blobBytes`, and InvalidArgument where `out` is null, not aligned, or has another size.
SPARSE_ATTN_EXPORT Status writeBlob(const BlockMask &active, const BlockMask *partial, void *out, size_t bytes,
                                    int32_t threads = 0);

} // namespace sparse_attn

#endif // SPARSE_ATTN_MASKLISTS_H
