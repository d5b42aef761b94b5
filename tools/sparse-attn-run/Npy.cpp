//===- Npy.cpp - NumPy's .npy files ----------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Npy.h"

#include "InputError.h"
#include "InputFile.h"
#include "NpyHeader.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace sparse_attn::run {

namespace {

/// The dtypes of NumPy that can become `dtype`, the one we write first.
std::vector<std::string> descriptorsOf(DType dtype) {
  switch (dtype) {
  case DType::F32:
    return {"<f4"};
  case DType::F16:
    return {"<f2"};
  case DType::BF16:
    return {"<u2", "<V2", "|V2", "bfloat16"};
  case DType::I32:
    return {"<i4", "<i8"};
  }
  return {};
}

/// "float32" for "<f4" and so on; the descriptor itself where it is none of the common ones.
std::string numpyName(const std::string &descriptor) {
  static const std::pair<const char *, const char *> names[] = {{"f2", "float16"}, {"f4", "float32"}, {"f8", "float64"},
                                                                {"i2", "int16"},   {"i4", "int32"},   {"i8", "int64"},
                                                                {"u2", "uint16"},  {"u4", "uint32"},  {"u8", "uint64"}};
  std::string suffix = descriptor.empty() ? "" : descriptor.substr(1);
  for (auto [code, name] : names)
    if (suffix == code)
      return std::string(descriptor[0] == '>' ? "big endian " : "") + name;
  return "'" + descriptor + "'";
}

void checkHeader(const std::string &path, const NpyHeader &header, DType dtype) {
  if (header.fortranOrder)
    fail(path, ": expects C order, but got Fortran order; numpy.ascontiguousarray converts it");
  const std::vector<std::string> accepted = descriptorsOf(dtype);
  if (std::find(accepted.begin(), accepted.end(), header.descriptor) == accepted.end()) {
    std::string names;
    for (const std::string &descriptor : accepted)
      if (descriptor.find('V') == std::string::npos)
        names += (names.empty() ? "" : " or ") + (descriptor == "bfloat16" ? descriptor : numpyName(descriptor));
    fail(path, ": expects ", names, " for dtype ", dtypeName(dtype), ", but got ", numpyName(header.descriptor));
  }
}

Shape shapeOf(const std::string &path, const NpyHeader &header) {
  Shape shape;
  if (header.sizes.empty() || header.sizes.size() > shape.size.size())
    fail(path, ": expects an array of rank 1 to ", shape.size.size(), ", but got rank ", header.sizes.size());
  shape.rank = static_cast<int32_t>(header.sizes.size());
  std::copy(header.sizes.begin(), header.sizes.end(), shape.size.begin());
  return shape;
}

/// Checks that the rest of the file is just the array's data.
void checkDataBytes(const InputFile &file, const Shape &shape, int64_t elementBytes) {
  int64_t bytes = elementBytes, got = file.remaining();
  bool empty = std::find(shape.size.begin(), shape.size.begin() + shape.rank, 0) != shape.size.begin() + shape.rank;
  for (int32_t d = 0; d < shape.rank; ++d)
    if (!empty && __builtin_mul_overflow(bytes, shape.size[d], &bytes))
      fail(file.path, ": expects an array of less than 2^63 bytes, but got shape ", shape);
  bytes = empty ? 0 : bytes;
  if (got < bytes)
    fail(file.path, ": file is truncated: expects ", bytes, " bytes of data for shape ", shape, ", but got ", got);
  if (got > bytes)
    fail(file.path, ": expects ", bytes, " bytes of data for shape ", shape, ", but got ", got);
}

/// Reads int64 values and stores them as int32.
void readNarrowed(InputFile &file, Array &array) {
  constexpr int64_t chunk = 1 << 16;
  std::vector<int64_t> values(static_cast<size_t>(std::min(chunk, array.elements())));
  for (int64_t begin = 0; begin < array.elements(); begin += chunk) {
    int64_t count = std::min(chunk, array.elements() - begin);
    file.read(values.data(), count * 8, "data");
    for (int64_t i = 0; i < count; ++i) {
      int64_t value = values[static_cast<size_t>(i)];
      if (value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max())
        fail(file.path, ": expects values that fit 32 bits, but element ", begin + i, " is ", value);
      array.data<int32_t>()[begin + i] = static_cast<int32_t>(value);
    }
  }
}

} // namespace

Array readNpy(const std::string &path, DType dtype) {
  InputFile file(path);
  NpyHeader header = readNpyHeader(file);
  checkHeader(path, header, dtype);
  Shape shape = shapeOf(path, header);
  bool narrow = header.descriptor == "<i8";
  checkDataBytes(file, shape, narrow ? 8 : elementBytes(dtype));
  Array array(dtype, shape);
  if (narrow)
    readNarrowed(file, array);
  else
    file.read(array.data(), array.bytes(), "data");
  return array;
}

void writeNpy(AtomicFile &file, const Array &array) {
  const Shape &shape = array.shape();
  NpyHeader header;
  header.descriptor = descriptorsOf(array.dtype()).front();
  header.sizes.assign(shape.size.begin(), shape.size.begin() + shape.rank);
  file.write(makeNpyHeader(header));
  file.write(array.data(), static_cast<size_t>(array.bytes()));
}

} // namespace sparse_attn::run
