//===- TensorStores.h - Shared memory to tensor maps ------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_TENSORSTORES_H
#define SPARSE_ATTN_LIB_SIM_TENSORSTORES_H

#include "sim/Groups.h"
#include "sim/SharedMemory.h"
#include "sim/TensorMaps.h"

namespace sparse_attn::sim {

/// The stores of one thread. They read shared memory when the thread waits, which is as late as they may.
class TensorStores {
public:
  Status issue(const SharedMemory &shared, const void *from, const ArrayMap &map, const Coordinates &at);
  void commit() { groups.commit(); }
  /// Errors: DeviceError where the box in shared memory has changed since the store was issued.
  Status wait(const SharedMemory &shared, int32_t allowed);
  /// Errors: DeviceError where a store may still read the shared memory of the block.
  Status finish() const;
  void reset() { groups.clear(); }

private:
  struct Store {
    size_t offset;
    ArrayMap map;
    Coordinates at;
    std::vector<char> box; ///< As it was when the store was issued.
  };
  Groups<Store> groups;
};

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_TENSORSTORES_H
