//===- FindTerms.h - Bands among stored rows ------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Who gives a window as coordinates or bytes did not say that it is one. Where
// runs of successive rows stay where they are, or move by one key block a row,
// a band takes less memory and time than they do.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_FINDTERMS_H
#define SPARSE_ATTN_LIB_MASK_FINDTERMS_H

#include "mask/MaskStore.h"

#include <vector>

namespace sparse_attn::mask {

/// Bands without step that lie within the stored runs, each over enough rows to be smaller than the runs. Finds nothing
/// where few runs belong to bands. O(runs).
std::vector<BandTerm> findTerms(const MaskStore &store);

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_FINDTERMS_H
