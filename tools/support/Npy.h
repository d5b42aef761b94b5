//===- Npy.h - NumPy's .npy files ------------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_SUPPORT_NPY_H
#define SPARSE_ATTN_SUPPORT_NPY_H

#include "support/Array.h"
#include "support/AtomicFile.h"

#include <string>

namespace sparse_attn::tools {

/// Reads a .npy file (format versions 1 to 3, C order, little endian) as an array of `dtype`. Files hold:
///   f32   float32                       f16   float16
///   bf16  uint16, or bfloat16 as ml_dtypes writes it
///   i32   int32, or int64 whose values fit
/// Throws an InputError that names the file and the first thing wrong with it. Never reads past the file's end.
Array readNpy(const std::string &path, DType dtype);

/// Writes an array as .npy, version 1; bf16 as uint16.
void writeNpy(AtomicFile &file, const Array &array);

} // namespace sparse_attn::tools

#endif // SPARSE_ATTN_SUPPORT_NPY_H
