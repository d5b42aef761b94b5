//===- AsyncCopies.h - cp.async ---------------------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_ASYNCCOPIES_H
#define SPARSE_ATTN_LIB_SIM_ASYNCCOPIES_H

#include "sim/Groups.h"
#include "sim/SharedMemory.h"

namespace sparse_attn::sim {

/// The copies of one thread. They land as late as they may: when the thread waits. Until then their destination holds
/// poison.
class AsyncCopies {
public:
  /// 16 bytes, of which the first `bytes` are read and the rest are zeros.
  Status issue(const SharedMemory &shared, void *to, const void *from, int32_t bytes);
  void commit() { groups.commit(); }
  /// Errors: DeviceError where something else was written to where a copy lands.
  Status wait(const SharedMemory &shared, int32_t allowed);
  /// A copy that no one waits for lands after the thread's last instruction.
  Status finish(const SharedMemory &shared);
  void reset() { groups.clear(); }

private:
  struct Copy {
    char *to;
    const char *from;
    size_t bytes;
  };
  Groups<Copy> groups;
};

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_ASYNCCOPIES_H
