//===- TensorLoads.cpp - Tensor maps to shared memory ---------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/TensorLoads.h"

#include "sim/Block.h"

#include <cstring>

namespace sparse_attn::sim {

namespace {

constexpr size_t chunkBytes = 16;

bool holdsPoison(const char *chunk) {
  for (size_t i = 0; i < chunkBytes; ++i)
    if (static_cast<unsigned char>(chunk[i]) != SharedMemory::poison)
      return false;
  return true;
}

template <typename... Parts> Status failure(const TensorLoad &load, const Parts &...parts) {
  return makeError(StatusCode::DeviceError, parts..., " (tensor_load of block ", load.block->id(), ", thread ",
                   load.thread, ")");
}

/// False where the destination was written meanwhile.
bool copyBox(const TensorLoad &load, char *shared) {
  bool untouched = true;
  load.map.forEachChunk(load.at, [&](size_t offset, const char *address, int64_t begin, int64_t end) {
    char *to = shared + swizzle(load.offset + offset, load.map.swizzleBytes());
    char content[chunkBytes] = {};
    if (begin < end)
      std::memcpy(content + begin * 2, address, static_cast<size_t>(end - begin) * 2);
    untouched &= holdsPoison(to);
    std::memcpy(to, content, chunkBytes);
  });
  return untouched;
}

} // namespace

Status TensorLoads::issue(const TensorLoad &load) {
  std::memset(load.block->shared.base() + load.offset, SharedMemory::poison, load.map.boxBytes());
  loads.push_back(load);
  return {};
}

Status TensorLoads::land(size_t index) {
  TensorLoad load = loads[index];
  loads.erase(loads.begin() + static_cast<std::ptrdiff_t>(index));
  if (!copyBox(load, load.block->shared.base()))
    return failure(load, "race: the destination of a tensor_load at offset ", load.offset,
                   " was written before the load landed");
  if (Status status = load.block->mbarriers.complete(load.mbarrier, static_cast<int32_t>(load.map.boxBytes()));
      !status.isOk())
    return failure(load, status.message());
  return {};
}

Status TensorLoads::checkNone(const Block &block) const {
  for (const TensorLoad &load : loads)
    if (load.block == &block)
      return failure(load, "race: expects the tensor_load to offset ", load.offset,
                     " to land before the block ends, but got no wait for it");
  return {};
}

} // namespace sparse_attn::sim
