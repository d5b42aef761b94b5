//===- InputFile.h - Files read to their ends and no further ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_SUPPORT_INPUTFILE_H
#define SPARSE_ATTN_SUPPORT_INPUTFILE_H

#include <cstdint>
#include <string>

namespace sparse_attn::tools {

/// A regular file open for reading, whose size is known. Members throw an InputError that names the file.
class InputFile {
public:
  explicit InputFile(const std::string &path);
  ~InputFile();
  InputFile(const InputFile &) = delete;
  InputFile &operator=(const InputFile &) = delete;

  /// Bytes between the position and the end.
  int64_t remaining() const { return left; }

  /// Reads exactly `bytes`; `what` names them in the error where the file ends before.
  void read(void *data, int64_t bytes, const char *what);

  const std::string path;

private:
  int descriptor;
  int64_t left = 0;
};

} // namespace sparse_attn::tools

#endif // SPARSE_ATTN_SUPPORT_INPUTFILE_H
