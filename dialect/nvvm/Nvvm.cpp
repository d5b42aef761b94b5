//===- Nvvm.cpp - What GPU kernels need beyond NVVM -----------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/nvvm/Nvvm.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace mlir::sparse_attn::nvvm;

#include "dialect/nvvm/NvvmDialect.cpp.inc"

#define GET_OP_CLASSES
#include "dialect/nvvm/NvvmOps.cpp.inc"

void SparseAttnNvvmDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialect/nvvm/NvvmOps.cpp.inc"
      >();
}

LogicalResult WgmmaOp::verify() {
  // wgmma_c1
  size_t count = getNumResults();
  if (count == 0 || count % 4 != 0 || count > 128)
    return emitOpError("expects a multiple of 4 results of at most 128, but got ") << count;
  // wgmma_c2
  if (!getAccumulator().empty() && getAccumulator().size() != count)
    return emitOpError("expects as many accumulators as results, but got ")
           << getAccumulator().size() << " and " << count;
  // wgmma_c3
  if (getA().size() != (getDescriptorA() ? 0 : 4))
    return emitOpError("expects either 4 words or a descriptor of A, but got ")
           << getA().size() << " words " << (getDescriptorA() ? "and a" : "and no") << " descriptor";
  // wgmma_c4
  for (OpOperand &use : (*this)->getUses())
    if (!isa<WgmmaOp, WgmmaWaitOp>(use.getOwner()))
      return emitOpError("expects its results to be waited for before they are used by '")
             << use.getOwner()->getName() << "'";
  return success();
}

LogicalResult WgmmaWaitOp::verify() {
  // wgmma_wait_c1
  if (getValues().empty())
    return emitOpError("expects at least one value");
  // wgmma_wait_c2
  if (getPending() > 7)
    return emitOpError("expects 0 to 7 pending groups, but got ") << static_cast<int64_t>(getPending());
  return success();
}

LogicalResult ReleaseOp::verify() {
  // release_c1
  if (!getProduct().getDefiningOp<WgmmaWaitOp>())
    return emitOpError("expects a product that was waited for");
  return success();
}
