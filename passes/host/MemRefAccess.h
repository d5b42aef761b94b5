//===- MemRefAccess.h - Predicates over memrefs -----------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_HOST_MEMREFACCESS_H
#define SPARSE_ATTN_PASSES_HOST_MEMREFACCESS_H

#include "passes/PredicateEmitter.h"
#include <functional>

namespace mlir::sparse_attn::host {

/// Captured arrays are memrefs; reads by a vector of indices become gathers.
class MemRefAccess final : public PredicateAccess {
public:
  using BlockTest = std::function<Value(BlockActiveOp active, Value row, Value key)>;

  MemRefAccess(OpBuilder &builder, Location loc, BlockTest test) : builder(builder), loc(loc), test(std::move(test)) {}

  Value getSize(Value array, int64_t dimension) override;
  Value read(Value array, ArrayRef<Value> indices, int64_t lanes) override;
  Value testBlock(BlockActiveOp active, Value row, Value key) override { return test(active, row, key); }

private:
  Value gather(Value array, ArrayRef<Value> indices, int64_t lanes);

  OpBuilder &builder;
  Location loc;
  BlockTest test;
};

} // namespace mlir::sparse_attn::host

#endif // SPARSE_ATTN_PASSES_HOST_MEMREFACCESS_H
