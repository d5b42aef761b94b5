//===- Masks.h - Block masks from files -----------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_SUPPORT_MASKS_H
#define SPARSE_ATTN_SUPPORT_MASKS_H

#include "sparse_attn/BlockMask.h"
#include "sparse_attn/Value.h"

#include <string>
#include <vector>

namespace sparse_attn::tools {

/// The masks of one argument: one for all batches and heads, one a head, or one for each batch and head.
class MaskTable {
public:
  /// Loads the files; `heads` is the number of query heads. Throws an InputError where a file is no mask, or where
  /// there are several but not as many as heads, or a multiple of them.
  MaskTable(const std::string &option, const std::vector<std::string> &files, int64_t heads);

  /// A view, valid while this lives, even where it is moved.
  Value view() const;

private:
  std::vector<BlockMask> masks;
  std::vector<const BlockMask *> pointers; ///< To `masks`.
  Shape shape;
};

} // namespace sparse_attn::tools

#endif // SPARSE_ATTN_SUPPORT_MASKS_H
