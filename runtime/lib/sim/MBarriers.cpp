//===- MBarriers.cpp - The mbarriers of a block ---------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/MBarriers.h"

#include <cstring>
#include <sstream>

namespace sparse_attn::sim {

namespace {

/// The largest count, and the most bytes that may be pending: 20 bits each.
constexpr int32_t limit = (1 << 20) - 1;
/// In the upper half of the 8 bytes; the index is in the lower.
constexpr uint64_t mark = 0x6d62'6172'0000'0000;
constexpr uint64_t indexMask = 0xffff'ffff;

} // namespace

Status MBarriers::init(const Thread &thread, void *address, int32_t count) {
  size_t offset;
  if (Status status = shared.find(address, 8, 8, offset); !status.isOk())
    return status;
  if (count < 1 || count > limit)
    return makeError(StatusCode::DeviceError, "expects a count of an mbarrier from 1 to ", limit, ", but got ", count);
  for (const MBarrier &barrier : barriers)
    if (barrier.offset == offset)
      return makeError(StatusCode::DeviceError,
                       "expects an mbarrier to be initialised once, but got a second time at "
                       "offset ",
                       offset);
  MBarrier barrier{};
  barrier.offset = offset;
  barrier.count = barrier.pending = count;
  barrier.maker = thread.index;
  uint64_t content = mark | barriers.size();
  barriers.push_back(barrier);
  std::memcpy(address, &content, sizeof(content));
  return {};
}

void MBarriers::makeVisible(const Thread &thread) {
  for (MBarrier &barrier : barriers)
    barrier.visible |= barrier.maker == thread.index;
}

Status MBarriers::find(const void *address, int32_t &index) const {
  size_t offset;
  if (Status status = shared.find(address, 8, 8, offset); !status.isOk())
    return status;
  uint64_t content;
  std::memcpy(&content, address, sizeof(content));
  size_t place = content & indexMask;
  if ((content & ~indexMask) != mark || place >= barriers.size() || barriers[place].offset != offset)
    return makeError(StatusCode::DeviceError, "expects an initialised mbarrier, but got other contents at offset ",
                     offset);
  index = static_cast<int32_t>(place);
  return {};
}

Status MBarriers::findVisible(const void *address, int32_t &index) const {
  if (Status status = find(address, index); !status.isOk())
    return status;
  const MBarrier &barrier = barriers[static_cast<size_t>(index)];
  if (!barrier.visible)
    return makeError(StatusCode::DeviceError, "race: expects fence_mbarrier_init in thread ", barrier.maker,
                     " before a copy names the mbarrier at offset ", barrier.offset);
  return {};
}

Status MBarriers::addBytes(MBarrier &barrier, int32_t bytes) {
  int64_t sum = int64_t(barrier.bytes) + bytes;
  if (sum > limit || sum < -limit)
    return makeError(StatusCode::DeviceError, "expects at most ", limit, " pending bytes of the mbarrier at offset ",
                     barrier.offset, ", but got ", sum);
  barrier.bytes = static_cast<int32_t>(sum);
  return {};
}

void MBarriers::endPhase(MBarrier &barrier) {
  if (barrier.pending != 0 || barrier.bytes != 0)
    return;
  ++barrier.phase;
  barrier.pending = barrier.count;
  for (Thread *thread : barrier.waiting)
    scheduler.makeReady(*thread);
  barrier.waiting.clear();
}

Status MBarriers::arrive(const void *address, int32_t bytes) {
  int32_t index;
  if (Status status = find(address, index); !status.isOk())
    return status;
  MBarrier &barrier = barriers[static_cast<size_t>(index)];
  if (barrier.pending == 0)
    return makeError(StatusCode::DeviceError, "expects ", barrier.count,
                     " arrivals in a phase, but got one more: mbarrier at ", describe(index));
  if (bytes < 0)
    return makeError(StatusCode::DeviceError, "expects no less than 0 bytes, but got ", bytes);
  if (Status status = addBytes(barrier, bytes); !status.isOk())
    return status;
  --barrier.pending;
  endPhase(barrier);
  return {};
}

Status MBarriers::complete(int32_t index, int32_t bytes) {
  MBarrier &barrier = barriers[static_cast<size_t>(index)];
  if (Status status = addBytes(barrier, -bytes); !status.isOk())
    return status;
  endPhase(barrier);
  return {};
}

Status MBarriers::wait(Thread &thread, const void *address, int32_t parity) {
  int32_t index;
  if (Status status = find(address, index); !status.isOk())
    return status;
  if (parity != 0 && parity != 1)
    return makeError(StatusCode::DeviceError, "expects a parity of 0 or 1, but got ", parity);
  // Other threads may make the table grow while this one waits.
  while (barriers[static_cast<size_t>(index)].phase % 2 == parity) {
    barriers[static_cast<size_t>(index)].waiting.push_back(&thread);
    scheduler.wait(thread, {Call::mbarrier_wait, index, parity});
  }
  return {};
}

std::string MBarriers::describe(int32_t index) const {
  const MBarrier &barrier = barriers[static_cast<size_t>(index)];
  std::ostringstream text;
  text << "offset " << barrier.offset << ", phase " << barrier.phase << ", " << barrier.pending << " of "
       << barrier.count << " arrivals and " << barrier.bytes << " bytes pending";
  return text.str();
}

} // namespace sparse_attn::sim
