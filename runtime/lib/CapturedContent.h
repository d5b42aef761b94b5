//===- CapturedContent.h - What captured arrays must hold -----*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A captured array may hold anything, unless a pattern relies on more. Kernels
// read it unasked; so `prepare` looks at every element once.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_CAPTUREDCONTENT_H
#define SPARSE_ATTN_LIB_CAPTUREDCONTENT_H

#include "ArrayCheck.h"

#include <functional>

namespace sparse_attn {

/// Calls `visit` with the elements of each row of an array, of any rank but 0; the innermost stride is 1. Rows without
/// elements are left out.
SPARSE_ATTN_EXPORT void visitRows(const Value &array,
                                  const std::function<void(const void *elements, int64_t count)> &visit);

/// Checks the elements of a captured array, whose shape and data have been checked. Errors: InvalidArgument.
Status checkContent(const ValueName &name, const CaptureInfo &capture, const Value &array);

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_CAPTUREDCONTENT_H
