//===- MaskFileOverlap.h - Pairs in both parts of a file ------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_MASKFILEOVERLAP_H
#define SPARSE_ATTN_LIB_MASK_MASKFILEOVERLAP_H

#include "mask/MaskStore.h"
#include "sparse_attn/Status.h"

namespace sparse_attn::mask {

/// Whether no pair of `slab` is in one of the terms, which are tight. O(rows + terms of a row * log of its keys), and
/// for a term with a step the smaller of its steps and the row's elements instead of 1. Errors: InvalidArgument, naming
/// the row.
Status checkApart(const Slab &slab, const TermIndex &terms);

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_MASKFILEOVERLAP_H
