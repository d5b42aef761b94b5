//===- KernelVerifier.cpp - Order of asynchronous work --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/nvvm/KernelVerifier.h"
#include "dialect/nvvm/Nvvm.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace mlir::sparse_attn::nvvm;

/// Does the op continue a product that is in flight? The registers of the two are the same, so nothing else wrote them.
static bool continuesProduct(WgmmaOp product) {
  return !product.getAccumulator().empty() && product.getAccumulator().front().getDefiningOp<WgmmaOp>();
}

/// kernel_k1
static LogicalResult verifyFence(WgmmaOp product) {
  if (continuesProduct(product))
    return success();
  for (Operation *op = product->getPrevNode(); op; op = op->getPrevNode()) {
    if (isa<NVVM::WgmmaFenceAlignedOp>(op))
      return success();
    if (isa<WgmmaWaitOp>(op) || op->getNumRegions() > 0)
      break;
  }
  return product.emitOpError(
      "expects a fence of registers (nvvm.wgmma.fence.aligned) before the first step of a product");
}

/// Commits in a block between two of its ops.
static int64_t countCommits(Operation *first, Operation *last) {
  int64_t commits = 0;
  for (Operation *op = first; op && op != last; op = op->getNextNode())
    commits += isa<NVVM::WgmmaGroupSyncAlignedOp>(op);
  return commits;
}

/// kernel_k2
static LogicalResult verifyWait(WgmmaWaitOp wait) {
  for (Value value : wait.getValues()) {
    auto product = value.getDefiningOp<WgmmaOp>();
    if (!product)
      continue;
    if (product->getBlock() != wait->getBlock())
      return wait.emitOpError("expects to wait in the block of the product");
    int64_t commits = countCommits(product, wait), pending = wait.getPending();
    if (commits <= pending)
      return wait.emitOpError("expects more commits since its product than the ")
             << pending << " groups that may stay pending, but got " << commits;
  }
  return success();
}

/// kernel_k3
static LogicalResult verifyArrive(NVVM::MBarrierArriveOp arrive) {
  // An arrival of one lane stands in a branch of its own.
  for (Operation *at = arrive; at && !isa<LLVM::LLVMFuncOp>(at); at = at->getParentOp())
    for (Operation *op = at->getPrevNode(); op; op = op->getPrevNode()) {
      if (auto wait = dyn_cast<WgmmaWaitOp>(op); wait && wait.getPending() == 0)
        break;
      if (isa<WgmmaOp>(op))
        return arrive.emitOpError("expects no product in flight; sparse_attn_nvvm.release says what it comes after");
    }
  return success();
}

static bool storesToSharedMemory(Operation *op) {
  auto store = dyn_cast<LLVM::StoreOp>(op);
  return store && store.getAddr().getType().getAddressSpace() == 3;
}

/// kernel_k4. In the order of the text, which all threads of a role follow.
static LogicalResult verifyProxyFences(LLVM::LLVMFuncOp kernel) {
  enum { Visible, Stored, Fenced } state = Visible;
  WalkResult result = kernel.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (storesToSharedMemory(op))
      state = Stored;
    else if (isa<NVVM::FenceProxyOp>(op) && state == Stored)
      state = Fenced;
    else if (isa<NVVM::BarrierOp>(op) && state == Fenced)
      state = Visible;
    else if (isa<NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp>(op) && state != Visible) {
      op->emitOpError("expects ") << (state == Stored ? "a fence (nvvm.fence.proxy) and then a barrier" : "a barrier")
                                  << " since the last store to shared memory";
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult mlir::sparse_attn::nvvm::verifyKernel(LLVM::LLVMFuncOp kernel) {
  WalkResult result = kernel.walk([](Operation *op) {
    LogicalResult valid = success();
    if (auto product = dyn_cast<WgmmaOp>(op))
      valid = verifyFence(product);
    else if (auto wait = dyn_cast<WgmmaWaitOp>(op))
      valid = verifyWait(wait);
    else if (auto arrive = dyn_cast<NVVM::MBarrierArriveOp>(op))
      valid = verifyArrive(arrive);
    return failed(valid) ? WalkResult::interrupt() : WalkResult::advance();
  });
  return failure(result.wasInterrupted() || failed(verifyProxyFences(kernel)));
}
