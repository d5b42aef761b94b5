//===- TokenOrder.h - Grids of tokens, stored tile by tile ----*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Neighbours on a grid of tokens lie far apart in row-major order, so that
// local attention touches many tiles of a kernel, each in part. The pattern
// `neighborhood` can have them tile by tile, as sliding tile attention (Zhang et
// al., arXiv:2502.04507) has. This is that order, and the way there and back.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_TOKENORDER_H
#define SPARSE_ATTN_TOKENORDER_H

#include "sparse_attn/Status.h"
#include "sparse_attn/Value.h"

#include <cstdint>
#include <vector>

namespace sparse_attn {

/// For each position, the row-major number of the token that is stored there: tiles in row-major order, and so the
/// tokens of each. Both lists have 1 to 3 numbers; an empty `tile` leaves the tokens in row-major order.
///
/// Errors: InvalidArgument for other ranks, sizes below 1, a tile that does not divide the shape, and 2^30 tokens or
/// more. Throws std::bad_alloc.
SPARSE_ATTN_EXPORT Result<std::vector<int32_t>> orderTokens(const std::vector<int64_t> &shape,
                                                            const std::vector<int64_t> &tile);

enum class OrderDirection : int32_t {
  Into = SPARSE_ATTN_INTO_ORDER,   ///< Row p of the result is row order[p].
  OutOf = SPARSE_ATTN_OUT_OF_ORDER ///< Row order[p] of the result is row p.
};

/// Moves the rows of `source`, an array [batch, heads, rows, row size] in host memory, to `result`, one of the same
/// sizes and element type that shares no memory with it; strides may differ. `order` is a permutation of the rows. Uses
/// `threadCount()` threads. Thread-safe.
///
/// Errors: InvalidArgument for an order that is no permutation, one array as both, and arrays of other ranks or types;
/// ShapeMismatch where sizes or strides do not fit. Throws std::bad_alloc.
SPARSE_ATTN_EXPORT Status reorderRows(const Value &source, const std::vector<int32_t> &order, OrderDirection direction,
                                      const Value &result);

} // namespace sparse_attn

#endif // SPARSE_ATTN_TOKENORDER_H
