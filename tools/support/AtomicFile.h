//===- AtomicFile.h - Files that appear whole or not at all ----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_SUPPORT_ATOMICFILE_H
#define SPARSE_ATTN_SUPPORT_ATOMICFILE_H

#include <cstddef>
#include <string>

namespace sparse_attn::tools {

/// Writes beside the file's final place, under a temporary name, and moves it there on `commit`. Without `commit`
/// nothing remains. A path that is no regular file (a pipe, /dev/stdout) is written directly.
/// All members throw an InputError that names the file where the system refuses.
class AtomicFile {
public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;

  void write(const void *data, size_t bytes);
  void write(const std::string &text) { write(text.data(), text.size()); }
  void commit();

private:
  std::string path, temporary;
  int descriptor = -1;
};

} // namespace sparse_attn::tools

#endif // SPARSE_ATTN_SUPPORT_ATOMICFILE_H
