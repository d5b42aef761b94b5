//===- TensorMaps.cpp - Boxes of arrays in memory -------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/TensorMaps.h"

#include <cstring>

namespace sparse_attn::sim {

namespace {

constexpr uint64_t mapMark = 0x7370'6172'7365'6d70;
static_assert(sizeof(ArrayMap) <= sizeof(TensorMap));

} // namespace

Status encodeMap(const TensorMapRequest &request, TensorMap &map) {
  if (Status status = request.check(); !status.isOk())
    return status;
  ArrayMap content{};
  content.mark = mapMark;
  TiledArray tiled = request.tile();
  content.base = tiled.address;
  content.size = tiled.size;
  for (size_t i = 0; i < tiled.stride.size(); ++i)
    content.stride[i] = tiled.stride[i] * TensorMapRequest::elementBytes;
  content.rowDimension = tiled.rowDimension;
  content.boxRows = request.boxRows;
  content.boxColumns = request.boxColumns;
  content.swizzleSpan = request.swizzleBytes();
  std::memset(map.bytes, 0, sizeof(map.bytes));
  std::memcpy(map.bytes, &content, sizeof(content));
  return {};
}

Status decodeMap(const void *bytes, ArrayMap &map) {
  if (bytes != nullptr)
    std::memcpy(&map, bytes, sizeof(map));
  if (bytes == nullptr || map.mark != mapMark)
    return makeError(StatusCode::DeviceError,
                     "expects a tensor map of the simulated device, but got other contents at ", bytes);
  return {};
}

} // namespace sparse_attn::sim
