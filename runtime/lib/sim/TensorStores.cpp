//===- TensorStores.cpp - Shared memory to tensor maps --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/TensorStores.h"

#include <cstring>

namespace sparse_attn::sim {

Status TensorStores::issue(const SharedMemory &shared, const void *from, const ArrayMap &map, const Coordinates &at) {
  size_t offset;
  if (Status status = shared.find(from, map.boxBytes(), 128, offset); !status.isOk())
    return status;
  const char *box = shared.base() + offset;
  groups.issue({offset, map, at, std::vector<char>(box, box + map.boxBytes())});
  return {};
}

Status TensorStores::wait(const SharedMemory &shared, int32_t allowed) {
  if (allowed < 0)
    return makeError(StatusCode::DeviceError, "expects to wait for no less than 0 groups, but got ", allowed);
  return groups.wait(static_cast<size_t>(allowed), [&](const Store &store) {
    if (std::memcmp(shared.base() + store.offset, store.box.data(), store.box.size()) != 0)
      return makeError(StatusCode::DeviceError, "race: the source of a tensor_store at offset ", store.offset,
                       " changed before tensor_store_wait");
    store.map.forEachChunk(store.at, [&](size_t offset, char *address, int64_t begin, int64_t end) {
      if (begin < end)
        std::memcpy(address, shared.base() + swizzle(store.offset + offset, store.map.swizzleBytes()) + begin * 2,
                    static_cast<size_t>(end - begin) * 2);
    });
    return Status();
  });
}

Status TensorStores::finish() const {
  if (groups.isEmpty())
    return {};
  return makeError(StatusCode::DeviceError,
                   "race: expects tensor_store_wait before a thread ends, but got a tensor_store that still reads "
                   "shared memory");
}

} // namespace sparse_attn::sim
