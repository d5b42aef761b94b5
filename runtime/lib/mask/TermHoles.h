//===- TermHoles.h - Terms less stored pairs ------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_TERMHOLES_H
#define SPARSE_ATTN_LIB_MASK_TERMHOLES_H

#include "mask/MaskStore.h"

#include <vector>

namespace sparse_attn::mask {

/// Appends to `terms` the parts of `term` that lie in rows where `store` stores no pair of it, and that are long enough
/// to be worth a term.
void appendWithoutHoles(const BandTerm &term, const MaskStore &store, std::vector<BandTerm> &terms);

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_TERMHOLES_H
