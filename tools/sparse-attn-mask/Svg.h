//===- Svg.h - Pictures as scalable vector graphics -----------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_MASK_SVG_H
#define SPARSE_ATTN_MASK_SVG_H

#include "Picture.h"

#include <string>

namespace sparse_attn::tools::mask {

/// An SVG document of a picture: title, axes in blocks, cells, and a legend with counts. Cells are in paths of the
/// classes "full" and "partial", a unit a cell; where a cell has several blocks, its opacity tells how
/// many are read, in proportion to the fullest cell.
std::string toSvg(const Subject &subject, const Picture &picture);

/// The cells of it alone, small, as for a table of pictures; the title and the counts are there, but not drawn.
std::string toBareSvg(const Subject &subject, const Picture &picture);

} // namespace sparse_attn::tools::mask

#endif // SPARSE_ATTN_MASK_SVG_H
