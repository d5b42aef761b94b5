//===- AtomicFile.h - Files that appear whole or not at all ---*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_ATOMICFILE_H
#define SPARSE_ATTN_LIB_MASK_ATOMICFILE_H

#include "sparse_attn/Status.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace sparse_attn::mask {

/// Makes `path` a file of these bytes: writes them beside it under another name, waits until the disk has them, and
/// moves that file over the old one. At any moment, and after a failure, `path` is the old file or the new one, whole.
/// Where it is a link, the file it leads to is replaced; where it is a pipe or a device, it is written as it is.
///
/// Errors: InvalidArgument, naming `path` and the system's reason.
Status writeFileAtomically(const std::string &path, const uint8_t *bytes, size_t size);

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_ATOMICFILE_H
