//===- ExpandMath.h - Transcendental functions as arithmetic ----*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_EXPANDMATH_H
#define SPARSE_ATTN_PASSES_EXPANDMATH_H

#include "mlir/IR/BuiltinOps.h"

namespace mlir::sparse_attn {

/// Replaces transcendental functions of scalars and vectors by arithmetic: a library would take vectors lane by lane,
/// and a GPU has none.
void expandMath(ModuleOp module);

namespace nvvm {

/// The same first for the exponential functions, logarithms and the hyperbolic tangent in the kernels of a GPU, which
/// has instructions for 2^x and log2(x) that are good to 2 units in the last place.
void expandMath(Operation *device);

} // namespace nvvm
} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_PASSES_EXPANDMATH_H
