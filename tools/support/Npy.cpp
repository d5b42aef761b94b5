//===- Npy.cpp - NumPy's .npy files ----------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/Npy.h"

#include "support/InputError.h"
#include "support/NpyHeader.h"
#include "support/NpyReader.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace sparse_attn::tools {

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
  case DType::I64:
    return {"<i8"};
  }
  return {};
}

void checkDescriptor(const NpyReader &reader, DType dtype) {
  const std::vector<std::string> accepted = descriptorsOf(dtype);
  if (std::find(accepted.begin(), accepted.end(), reader.descriptor()) != accepted.end())
    return;
  std::string names;
  for (const std::string &descriptor : accepted)
    if (descriptor.find('V') == std::string::npos)
      names += (names.empty() ? "" : " or ") + (descriptor == "bfloat16" ? descriptor : numpyName(descriptor));
  fail(reader.path(), ": expects ", names, " for dtype ", dtypeName(dtype), ", but got ",
       numpyName(reader.descriptor()));
}

/// Reads int64 values and stores them as int32.
void readNarrowed(NpyReader &reader, Array &array) {
  constexpr int64_t chunk = 1 << 16;
  std::vector<int64_t> values(static_cast<size_t>(std::min(chunk, array.elements())));
  for (int64_t begin = 0; begin < array.elements(); begin += chunk) {
    int64_t count = std::min(chunk, array.elements() - begin);
    reader.read(values.data(), count * 8);
    for (int64_t i = 0; i < count; ++i) {
      int64_t value = values[static_cast<size_t>(i)];
      if (value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max())
        fail(reader.path(), ": expects values that fit 32 bits, but element ", begin + i, " is ", value);
      array.data<int32_t>()[begin + i] = static_cast<int32_t>(value);
    }
  }
}

} // namespace

Array readNpy(const std::string &path, DType dtype) {
  NpyReader reader(path);
  checkDescriptor(reader, dtype);
  bool narrow = dtype == DType::I32 && reader.descriptor() == "<i8";
  reader.checkData(narrow ? 8 : elementBytes(dtype));
  Array array(dtype, reader.shape());
  if (narrow)
    readNarrowed(reader, array);
  else
    reader.read(array.data(), array.bytes());
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

} // namespace sparse_attn::tools
