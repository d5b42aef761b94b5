//===- BlockMaskBuilder.h - Collects the pairs of a mask ------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Blocks may be added in any order and more than once. What has a closed form
// should be added as such: then it costs nothing, neither here nor in the mask.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_BLOCKMASKBUILDER_H
#define SPARSE_ATTN_BLOCKMASKBUILDER_H

#include "sparse_attn/BlockMask.h"

#include <initializer_list>
#include <memory>
#include <vector>

namespace sparse_attn {

/// Block indices that the caller keeps.
struct BlockList {
  const uint32_t *blocks = nullptr;
  size_t count = 0;

  BlockList() = default;
  BlockList(const uint32_t *blocks, size_t count) : blocks(blocks), count(count) {}
  BlockList(const std::vector<uint32_t> &list) : blocks(list.data()), count(list.size()) {}
};

/// The union of all that was added. Everything is copied, so that arguments need not outlive the call. A builder
/// belongs to one thread at a time. Members may throw std::bad_alloc.
///
/// Every member that adds fails with InvalidArgument for a block that the grid lacks, naming row and value, and where
/// an array is null that has elements; then nothing of that call is added. Where the grid is bad, every member fails
/// with the error of `BlockGrid::check`.
class SPARSE_ATTN_EXPORT BlockMaskBuilder {
public:
  explicit BlockMaskBuilder(const BlockGrid &grid);
  ~BlockMaskBuilder();
  BlockMaskBuilder(BlockMaskBuilder &&other) noexcept;
  BlockMaskBuilder &operator=(BlockMaskBuilder &&other) noexcept;

  const BlockGrid &grid() const;

  /// Query block q reads `keys`, in any order. Quickest where they ascend and each row is added once.
  Status addAttention(uint32_t q, BlockList keys);
  Status addAttention(uint32_t q, std::initializer_list<uint32_t> keys) {
    return addAttention(q, BlockList(keys.begin(), keys.size()));
  }
  /// Query block q reads the key blocks [first, past), which may be empty.
  Status addRange(uint32_t q, uint32_t first, uint32_t past);

  /// Every query block q reads the key blocks from q - left to q + right that exist. In closed form.
  Status addWindow(uint32_t left, uint32_t right);
  /// The same for the query blocks of `rows` only.
  Status addWindow(uint32_t left, uint32_t right, BlockRange rows);
  /// Every query block reads the first `keyBlocks` key blocks. In closed form.
  Status addPrefix(uint32_t keyBlocks);
  /// Every query block reads the key blocks of `keys`. In closed form.
  Status addKeys(BlockRange keys);
  /// The query blocks of `queries` read every key block. In closed form.
  Status addQueries(BlockRange queries);
  /// In closed form. Errors: InvalidArgument, too, for step 0, a phase that is not below it, bounds beyond
  /// `BandTerm::unbounded`.
  Status addTerm(const BandTerm &term);

  /// The pairs (queries[i * stride], keys[i * stride]) for i in [0, count): coordinates, in any order. With a stride of
  /// 2, an array of shape [count, 2] is `addPairs(data, data + 1, count, 2)`. Index is uint32_t, int32_t, uint64_t or
  /// int64_t.
  template <typename Index> Status addPairs(const Index *queries, const Index *keys, size_t count, size_t stride = 1);

  /// Compressed rows: row q reads columns[offsets[q]] to columns[offsets[q + 1] - 1], in any order; `offsets` has
  /// queryBlocks + 1 elements, `columns` has `columnCount`. Offset is uint32_t, int32_t, uint64_t or int64_t; Index is
  /// uint16_t, uint32_t, int32_t or int64_t. Errors: InvalidArgument, too, where offsets descend, do not start at 0 or
  /// do not end at `columnCount`.
  template <typename Offset, typename Index>
  Status addCsr(const Offset *offsets, const Index *columns, size_t columnCount);

  /// One bit a pair: bit k % 8 (from the least significant) of byte q * rowBytes + k / 8 of `bits`, which has
  /// queryBlocks * rowBytes bytes. Bits behind the last key block are ignored. Errors: InvalidArgument, too, where
  /// `rowBytes` is too small.
  Status addPackedBits(const uint8_t *bits, size_t rowBytes);
  /// One byte a pair: query block q reads key block k where bytes[q * rowBytes + k] is not 0; an array of bool is one
  /// such. Errors: as `addPackedBits`.
  Status addDense(const uint8_t *bytes, size_t rowBytes);
  /// Every pair of `mask`, whose grid must be the same. Errors: ShapeMismatch.
  Status addMask(const BlockMask &mask);

  /// The mask of all that was added; the builder is empty afterwards. Errors: Unsupported where
  /// `representation` is PackedBits and the mask would take more than 4 GiB.
  Result<BlockMask> freeze(const FreezeOptions &options = {});

private:
  class Content;
  std::unique_ptr<Content> content;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_BLOCKMASKBUILDER_H
