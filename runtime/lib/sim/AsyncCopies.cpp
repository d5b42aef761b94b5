//===- AsyncCopies.cpp - cp.async -----------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/AsyncCopies.h"

#include <cstring>

namespace sparse_attn::sim {

namespace {

constexpr size_t pieceBytes = 16;

} // namespace

Status AsyncCopies::issue(const SharedMemory &shared, void *to, const void *from, int32_t bytes) {
  size_t offset;
  if (Status status = shared.find(to, pieceBytes, pieceBytes, offset); !status.isOk())
    return status;
  if (bytes < 0 || bytes > static_cast<int32_t>(pieceBytes))
    return makeError(StatusCode::DeviceError, "expects 0 to 16 bytes to copy, but got ", bytes);
  if (bytes != 0 && reinterpret_cast<uintptr_t>(from) % pieceBytes != 0)
    return makeError(StatusCode::DeviceError, "expects an address to copy from that is a multiple of 16, but got ",
                     from);
  std::memset(to, SharedMemory::poison, pieceBytes);
  groups.issue({static_cast<char *>(to), static_cast<const char *>(from), static_cast<size_t>(bytes)});
  return {};
}

Status AsyncCopies::wait(const SharedMemory &shared, int32_t allowed) {
  if (allowed < 0)
    return makeError(StatusCode::DeviceError, "expects to wait for no less than 0 groups, but got ", allowed);
  return groups.wait(static_cast<size_t>(allowed), [&](const Copy &copy) {
    char poison[pieceBytes], content[pieceBytes] = {};
    std::memset(poison, SharedMemory::poison, pieceBytes);
    if (std::memcmp(copy.to, poison, pieceBytes) != 0)
      return makeError(StatusCode::DeviceError, "race: the destination of a copy_async at offset ",
                       copy.to - shared.base(), " was written before the copy landed");
    if (copy.bytes != 0)
      std::memcpy(content, copy.from, copy.bytes);
    std::memcpy(copy.to, content, pieceBytes);
    return Status();
  });
}

Status AsyncCopies::finish(const SharedMemory &shared) {
  groups.commit();
  return wait(shared, 0);
}

} // namespace sparse_attn::sim
