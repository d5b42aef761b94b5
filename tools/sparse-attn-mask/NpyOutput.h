//===- NpyOutput.h - .npy files written as their data comes ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_MASK_NPYOUTPUT_H
#define SPARSE_ATTN_MASK_NPYOUTPUT_H

#include "support/AtomicFile.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sparse_attn::tools::mask {

/// NumPy's name of a type.
template <typename T> inline constexpr const char *npyDescriptor = nullptr;
template <> inline constexpr const char *npyDescriptor<bool> = "|b1";
template <> inline constexpr const char *npyDescriptor<uint16_t> = "<u2";
template <> inline constexpr const char *npyDescriptor<uint32_t> = "<u4";
template <> inline constexpr const char *npyDescriptor<int32_t> = "<i4";
template <> inline constexpr const char *npyDescriptor<int64_t> = "<i8";

/// A .npy file of elements of type T. It appears on `commit`, by when all elements have been appended. Members throw an
/// InputError that names the file where the system refuses.
class NpyOutput {
public:
  explicit NpyOutput(const std::string &path) : file(path) {}

  void begin(const char *descriptor, const std::vector<int64_t> &sizes);
  void append(const void *data, size_t bytes);
  void commit();

private:
  AtomicFile file;
  std::vector<char> pending;
};

} // namespace sparse_attn::tools::mask

#endif // SPARSE_ATTN_MASK_NPYOUTPUT_H
