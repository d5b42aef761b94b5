//===- TokenOrder.cpp - Grids of tokens, stored tile by tile --------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/TokenOrder.h"

#include "ArrayCheck.h"
#include "Threads.h"
#include "sparse_attn/Device.h"

#include <algorithm>
#include <cstring>

namespace sparse_attn {

namespace {

constexpr size_t maxRank = 3;
/// Rows that a thread takes at a time.
constexpr int64_t chunkRows = 256;

/// A grid of three axes; those in front that it lacks have one token.
struct Grid {
  std::array<int64_t, maxRank> shape = {1, 1, 1}, tile = {1, 1, 1};

  int64_t tokens() const { return shape[0] * shape[1] * shape[2]; }
};

Result<Grid> makeGrid(const std::vector<int64_t> &shape, const std::vector<int64_t> &tile) {
  if (shape.empty() || shape.size() > maxRank)
    return makeError(StatusCode::InvalidArgument, "expects a shape of 1 to 3 numbers, but got ", shape.size());
  if (!tile.empty() && tile.size() != shape.size())
    return makeError(StatusCode::InvalidArgument, "expects a tile of ", shape.size(), " numbers, but got ",
                     tile.size());
  Grid grid;
  int64_t tokens = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    size_t axis = maxRank - shape.size() + i;
    grid.shape[axis] = shape[i];
    grid.tile[axis] = tile.empty() ? 1 : tile[i];
    if (shape[i] < 1)
      return makeError(StatusCode::InvalidArgument, "expects size ", i, " of the shape to be at least 1, but got ",
                       shape[i]);
    if (grid.tile[axis] < 1 || shape[i] % grid.tile[axis] != 0)
      return makeError(StatusCode::InvalidArgument, "expects size ", i, " of the tile to divide ", shape[i],
                       ", but got ", grid.tile[axis]);
    if (__builtin_mul_overflow(tokens, shape[i], &tokens) || tokens >= maxLength)
      return makeError(StatusCode::InvalidArgument, "expects a grid of less than ", maxLength,
                       " tokens, but got more along axis ", i);
  }
  return grid;
}

/// Calls visit(coordinates) for each point of a box, in row-major order.
template <typename Visit> void forEachPoint(const std::array<int64_t, maxRank> &sizes, const Visit &visit) {
  for (int64_t z = 0; z < sizes[0]; ++z)
    for (int64_t y = 0; y < sizes[1]; ++y)
      for (int64_t x = 0; x < sizes[2]; ++x)
        visit(std::array<int64_t, maxRank>{z, y, x});
}

Status checkPermutation(const std::vector<int32_t> &order) {
  std::vector<bool> seen(order.size());
  for (size_t p = 0; p < order.size(); ++p) {
    if (order[p] < 0 || static_cast<size_t>(order[p]) >= order.size())
      return makeError(StatusCode::InvalidArgument, "expects an order of numbers in [0, ", order.size(), "), but got ",
                       order[p], " at position ", p);
    if (seen[static_cast<size_t>(order[p])])
      return makeError(StatusCode::InvalidArgument, "expects an order that has each number once, but got ", order[p],
                       " again at position ", p);
    seen[static_cast<size_t>(order[p])] = true;
  }
  return {};
}

Status checkArrays(const Value &source, int64_t rows, const Value &result) {
  static const std::string sourceName = "source", resultName = "result";
  ValueName nameOfSource = {"argument", 0, &sourceName}, nameOfResult = {"argument", 1, &resultName};
  // The check refuses an unknown type, whatever is asked for.
  bool known = source.dtype >= SPARSE_ATTN_F32 && source.dtype <= SPARSE_ATTN_I32;
  ArrayType type = {known ? static_cast<DType>(source.dtype) : DType::F32,
                    {4, {dynamicSize, dynamicSize, rows, dynamicSize}}};
  if (Status status = checkArray(nameOfSource, source, type, Access::Read); !status.isOk())
    return status;
  type.shape = shapeOf(source);
  if (Status status = checkArray(nameOfResult, result, type, Access::Write); !status.isOk())
    return status;
  if (Status status = checkData(nameOfSource, source); !status.isOk())
    return status;
  if (Status status = checkData(nameOfResult, result); !status.isOk())
    return status;
  if (source.data && source.data == result.data)
    return makeError(StatusCode::InvalidArgument, "expects two arrays, but got one as source and result");
  return {};
}

/// The address of a row.
char *rowOf(const Value &value, int64_t b, int64_t h, int64_t row) {
  int64_t offset = b * value.stride[0] + h * value.stride[1] + row * value.stride[2];
  return static_cast<char *>(value.data) + offset * elementBytes(static_cast<DType>(value.dtype));
}

} // namespace

Result<std::vector<int32_t>> orderTokens(const std::vector<int64_t> &shape, const std::vector<int64_t> &tile) {
  Result<Grid> grid = makeGrid(shape, tile);
  if (!grid.isOk())
    return grid.status();
  std::vector<int32_t> order;
  order.reserve(static_cast<size_t>(grid->tokens()));
  std::array<int64_t, maxRank> tiles{};
  for (size_t i = 0; i < maxRank; ++i)
    tiles[i] = grid->shape[i] / grid->tile[i];
  forEachPoint(tiles, [&](const std::array<int64_t, maxRank> &corner) {
    forEachPoint(grid->tile, [&](const std::array<int64_t, maxRank> &offset) {
      int64_t token = 0;
      for (size_t i = 0; i < maxRank; ++i)
        token = token * grid->shape[i] + corner[i] * grid->tile[i] + offset[i];
      order.push_back(static_cast<int32_t>(token));
    });
  });
  return order;
}

Status reorderRows(const Value &source, const std::vector<int32_t> &order, OrderDirection direction,
                   const Value &result) {
  int64_t rows = static_cast<int64_t>(order.size());
  if (Status status = checkPermutation(order); !status.isOk())
    return status;
  if (Status status = checkArrays(source, rows, result); !status.isOk())
    return status;
  int64_t heads = source.size[1];
  size_t bytes = static_cast<size_t>(source.size[3] * elementBytes(static_cast<DType>(source.dtype)));
  if (bytes == 0)
    return {};
  bool into = direction == OrderDirection::Into;
  parallelChunks(source.size[0] * heads * rows, chunkRows, threadCount(), [&](int32_t, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t head = i / rows, position = i % rows, token = order[static_cast<size_t>(position)];
      int64_t b = head / heads, h = head % heads;
      std::memcpy(rowOf(result, b, h, into ? position : token), rowOf(source, b, h, into ? token : position), bytes);
    }
  });
  return {};
}

} // namespace sparse_attn
