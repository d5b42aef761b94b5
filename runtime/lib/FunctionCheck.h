//===- FunctionCheck.h - Do the parts of a manifest agree? ------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// JSON whose every value is in range may still contradict itself: a step that
// reads what no step has written, or an array of another type than its kernel
// takes. Plans rely on none of that happening.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_FUNCTIONCHECK_H
#define SPARSE_ATTN_LIB_FUNCTIONCHECK_H

#include "JsonNode.h"
#include "sparse_attn/Manifest.h"

namespace sparse_attn {

/// Checks the steps of a function, parsed from `node`, against its arrays and the kernels. A failure is recorded in
/// the status of the node.
void checkFunction(const JsonNode &node, const FunctionInfo &function, const std::vector<KernelInfo> &kernels);

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_FUNCTIONCHECK_H
