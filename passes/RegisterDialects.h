//===- RegisterDialects.h - Dialects that compilation needs -----*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_REGISTERDIALECTS_H
#define SPARSE_ATTN_PASSES_REGISTERDIALECTS_H

#include "mlir/IR/DialectRegistry.h"

namespace mlir::sparse_attn {

/// Our dialect, those that users write beside it, and the interfaces that our pipelines need of them.
void registerCompilerDialects(DialectRegistry &registry);

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_PASSES_REGISTERDIALECTS_H
