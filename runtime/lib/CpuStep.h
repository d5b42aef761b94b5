//===- CpuStep.h - A step whose items run on the CPU ----------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_CPUSTEP_H
#define SPARSE_ATTN_LIB_CPUSTEP_H

#include "StepLaunch.h"

#include <vector>

namespace sparse_attn {

class CpuStep final : public StepLaunch {
public:
  /// `block` is the argument block but for the addresses of a launch. All but the entry must outlive this.
  CpuStep(ItemsEntry items, const BlockLayout &layout, const std::vector<uint64_t> &block, const ItemOrder &order)
      : items(items), layout(layout), block(block), order(order) {}

  Status run(const StepArrays &arrays, const LaunchResources &resources) const override;

private:
  ItemsEntry items;
  const BlockLayout &layout;
  const std::vector<uint64_t> &block;
  const ItemOrder &order;
};

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_CPUSTEP_H
