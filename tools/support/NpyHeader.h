//===- NpyHeader.h - Headers of NumPy's .npy files -------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_SUPPORT_NPYHEADER_H
#define SPARSE_ATTN_SUPPORT_NPYHEADER_H

#include "support/InputFile.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sparse_attn::tools {

/// What the header of a .npy file says.
struct NpyHeader {
  std::string descriptor; ///< NumPy's name of the dtype, for instance "<f4".
  bool fortranOrder = false;
  std::vector<int64_t> sizes;
};

/// Reads magic, version and header, and leaves the file at its data. Throws an InputError that names the file and what
/// is wrong with it.
NpyHeader readNpyHeader(InputFile &file);

/// The bytes in front of the data of a C-order array, in format version 1.
std::string makeNpyHeader(const NpyHeader &header);

} // namespace sparse_attn::tools

#endif // SPARSE_ATTN_SUPPORT_NPYHEADER_H
