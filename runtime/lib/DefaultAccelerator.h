//===- DefaultAccelerator.h - The device of GPU artifacts -----*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_DEFAULTACCELERATOR_H
#define SPARSE_ATTN_LIB_DEFAULTACCELERATOR_H

#include "sparse_attn/Accelerator.h"

namespace sparse_attn {

/// The accelerator of plans that are given none: the GPU of the current context, or the simulated device where the
/// environment variable SPARSE_ATTN_DEVICE is `sim`. Each is opened once, a GPU once for each context, and kept as long
/// as the process lives, or until another context has come to the address of a destroyed one.
///
/// Errors: InvalidArgument for another value of the variable; as `openCuda` and `openSimulator`.
SPARSE_ATTN_EXPORT Result<std::shared_ptr<const Accelerator>> defaultAccelerator();

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_DEFAULTACCELERATOR_H
