//===- Masks.cpp - Block masks from files ---------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/Masks.h"

#include "support/Check.h"

#include "sparse_attn/MaskFile.h"

namespace sparse_attn::tools {

MaskTable::MaskTable(const std::string &option, const std::vector<std::string> &files, int64_t heads) {
  int64_t count = static_cast<int64_t>(files.size());
  if (count > 1 && (heads == 0 || count % heads != 0))
    fail(option, " expects one file, or as many as there are heads (", heads, "), for each batch or for all, but got ",
         count);
  shape = count == 1 ? Shape{2, {1, 1}} : Shape{2, {count / heads, heads}};
  for (const std::string &file : files)
    masks.push_back(valueOf(loadMask(file)));
  for (const BlockMask &mask : masks)
    pointers.push_back(&mask);
}

Value MaskTable::view() const {
  Value value{};
  value.data = const_cast<const BlockMask **>(pointers.data());
  value.dtype = SPARSE_ATTN_BLOCK_MASK;
  value.rank = shape.rank;
  for (int32_t i = 0; i < shape.rank; ++i)
    value.size[i] = shape.size[i];
  value.stride[0] = shape.size[1];
  value.stride[1] = 1;
  return value;
}

} // namespace sparse_attn::tools
