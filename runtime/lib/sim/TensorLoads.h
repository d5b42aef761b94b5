//===- TensorLoads.h - Tensor maps to shared memory -------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_TENSORLOADS_H
#define SPARSE_ATTN_LIB_SIM_TENSORLOADS_H

#include "sim/TensorMaps.h"

#include <cstddef>
#include <vector>

namespace sparse_attn::sim {

class Block;

/// A box on its way to the shared memory of a block.
struct TensorLoad {
  Block *block;
  int32_t thread; ///< That issued it.
  size_t offset;  ///< In shared memory.
  int32_t mbarrier;
  ArrayMap map;
  Coordinates at;
};

/// The loads of all blocks that have not landed yet. Until then their destination holds poison.
class TensorLoads {
public:
  bool isEmpty() const { return loads.empty(); }
  size_t size() const { return loads.size(); }

  Status issue(const TensorLoad &load);
  /// Copies, and tells the mbarrier. Errors: DeviceError where something else was written to where it lands.
  Status land(size_t index);
  /// Errors: DeviceError where a load of the block has not landed.
  Status checkNone(const Block &block) const;

private:
  std::vector<TensorLoad> loads; ///< In the order of issue.
};

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_TENSORLOADS_H
