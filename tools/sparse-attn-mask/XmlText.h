//===- XmlText.h - Any text within an XML document ------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_MASK_XMLTEXT_H
#define SPARSE_ATTN_MASK_XMLTEXT_H

#include <string>

namespace sparse_attn::tools::mask {

/// `text` as it is written in XML, within quotes or not. What XML has no character for, and what is no UTF-8, becomes
/// "?": names of files may be any bytes.
std::string xmlText(const std::string &text);

} // namespace sparse_attn::tools::mask

#endif // SPARSE_ATTN_MASK_XMLTEXT_H
