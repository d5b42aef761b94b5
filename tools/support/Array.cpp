//===- Array.cpp - Owned, typed, contiguous arrays -------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/Array.h"

#include "sparse_attn/NumericTypes.h"
#include "support/InputError.h"

#include <cstring>

namespace sparse_attn::tools {

Array::Array(DType dtype, const Shape &shape) : elementType(dtype), sizes(shape), count(1) {
  constexpr int64_t alignment = 64;
  int64_t bytes = 0;
  bool overflow = false;
  for (int32_t d = 0; d < sizes.rank; ++d)
    overflow |= sizes.size[d] < 0 || __builtin_mul_overflow(count, sizes.size[d], &count);
  overflow |= __builtin_mul_overflow(count, elementBytes(dtype), &bytes);
  overflow |= __builtin_add_overflow(bytes, alignment, &bytes);
  if (overflow)
    fail("expects an array of at most 2^63 bytes, but got shape ", sizes);
  bytes = bytes / alignment * alignment;
  memory.reset(std::aligned_alloc(alignment, static_cast<size_t>(bytes)));
  if (!memory)
    fail("expects memory for an array of shape ", sizes, ", but got none of the ", bytes, " bytes");
}

double Array::at(int64_t index) const {
  switch (elementType) {
  case DType::F32:
    return data<float>()[index];
  case DType::F16:
    return f16ToFloat(data<uint16_t>()[index]);
  case DType::BF16:
    return bf16ToFloat(data<uint16_t>()[index]);
  case DType::I32:
    return data<int32_t>()[index];
  case DType::I64:
    return static_cast<double>(data<int64_t>()[index]);
  }
  return 0;
}

void Array::set(int64_t index, float value) {
  switch (elementType) {
  case DType::F32:
    data<float>()[index] = value;
    return;
  case DType::F16:
    data<uint16_t>()[index] = floatToF16(value);
    return;
  case DType::BF16:
    data<uint16_t>()[index] = floatToBf16(value);
    return;
  case DType::I32:
    data<int32_t>()[index] = static_cast<int32_t>(value);
    return;
  case DType::I64:
    data<int64_t>()[index] = static_cast<int64_t>(value);
    return;
  }
}

/// All bits set is a NaN of every float type.
void Array::poison() { std::memset(memory.get(), 0xff, static_cast<size_t>(count * elementBytes(elementType))); }

} // namespace sparse_attn::tools
