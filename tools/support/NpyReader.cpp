//===- NpyReader.cpp - Reads NumPy's .npy files piece by piece ------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/NpyReader.h"

#include "support/InputError.h"
#include "support/NpyHeader.h"

#include <algorithm>
#include <utility>

namespace sparse_attn::tools {

std::string numpyName(const std::string &descriptor) {
  static const std::pair<const char *, const char *> names[] = {
      {"b1", "bool"},  {"f2", "float16"}, {"f4", "float32"}, {"f8", "float64"}, {"i1", "int8"},   {"i2", "int16"},
      {"i4", "int32"}, {"i8", "int64"},   {"u1", "uint8"},   {"u2", "uint16"},  {"u4", "uint32"}, {"u8", "uint64"}};
  std::string suffix = descriptor.empty() ? "" : descriptor.substr(1);
  for (auto [code, name] : names)
    if (suffix == code)
      return std::string(descriptor[0] == '>' ? "big endian " : "") + name;
  return "'" + descriptor + "'";
}

NpyReader::NpyReader(const std::string &path) : file(path) {
  NpyHeader header = readNpyHeader(file);
  if (header.fortranOrder)
    fail(path, ": expects C order, but got Fortran order; numpy.ascontiguousarray converts it");
  if (header.sizes.empty() || header.sizes.size() > sizes.size.size())
    fail(path, ": expects an array of rank 1 to ", sizes.size.size(), ", but got rank ", header.sizes.size());
  dtype = std::move(header.descriptor);
  sizes.rank = static_cast<int32_t>(header.sizes.size());
  std::copy(header.sizes.begin(), header.sizes.end(), sizes.size.begin());
}

void NpyReader::checkData(int64_t elementBytes) {
  int64_t bytes = elementBytes, got = file.remaining();
  bool empty = std::find(sizes.size.begin(), sizes.size.begin() + sizes.rank, 0) != sizes.size.begin() + sizes.rank;
  for (int32_t d = 0; d < sizes.rank; ++d)
    if (!empty && __builtin_mul_overflow(bytes, sizes.size[d], &bytes))
      fail(path(), ": expects an array of less than 2^63 bytes, but got shape ", sizes);
  bytes = empty ? 0 : bytes;
  if (got < bytes)
    fail(path(), ": file is truncated: expects ", bytes, " bytes of data for shape ", sizes, ", but got ", got);
  if (got > bytes)
    fail(path(), ": expects ", bytes, " bytes of data for shape ", sizes, ", but got ", got);
  count = bytes / elementBytes;
}

} // namespace sparse_attn::tools
