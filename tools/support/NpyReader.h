//===- NpyReader.h - Reads NumPy's .npy files piece by piece --------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_SUPPORT_NPYREADER_H
#define SPARSE_ATTN_SUPPORT_NPYREADER_H

#include "sparse_attn/Value.h"
#include "support/InputFile.h"

#include <string>

namespace sparse_attn::tools {

/// "float32" for "<f4" and so on; the descriptor itself where it is none of the common ones.
std::string numpyName(const std::string &descriptor);

/// A .npy file (format versions 1 to 3, C order, rank 1 to 4) at its data. Members throw an InputError that names the
/// file and the first thing wrong with it. Never reads past the file's end.
class NpyReader {
public:
  explicit NpyReader(const std::string &path);

  const std::string &path() const { return file.path; }
  /// NumPy's name of the dtype, for instance "<f4".
  const std::string &descriptor() const { return dtype; }
  const Shape &shape() const { return sizes; }
  /// Only after `checkData`.
  int64_t elements() const { return count; }

  /// Checks that the rest of the file is just the array's data, of so many bytes an element.
  void checkData(int64_t elementBytes);
  void read(void *data, int64_t bytes) { file.read(data, bytes, "data"); }

private:
  InputFile file;
  std::string dtype;
  Shape sizes;
  int64_t count = 0;
};

} // namespace sparse_attn::tools

#endif // SPARSE_ATTN_SUPPORT_NPYREADER_H
