//===- ArrayCheck.h - Are the arrays of a call usable? --------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels trust their argument block. Whatever a caller hands in passes these
// checks first: kind, element type, sizes, strides, and that every offset the
// kernel computes fits in 63 bits.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_ARRAYCHECK_H
#define SPARSE_ATTN_LIB_ARRAYCHECK_H

#include "sparse_attn/Manifest.h"

#include <iosfwd>

namespace sparse_attn {

/// How messages call a value: "argument 'q'" or "result 0".
struct ValueName {
  const char *role;
  size_t index;
  const std::string *name; ///< Null for results and buffers, which have none.
};
std::ostream &operator<<(std::ostream &stream, const ValueName &name);

enum class Access { Read, Write };

/// Checks one array against the manifest: kind, element type, rank, static sizes; then the value alone: sizes that
/// are not negative, strides that are not negative and 1 innermost, bytes that fit, alignment. An array that is
/// written must also hold no element twice.
Status checkArray(const ValueName &name, const Value &value, const ArrayType &type, Access access);

/// Checks that a value is a scalar.
Status checkScalar(const ValueName &name, const Value &value);

/// Checks that an array that holds elements has data; scalars pass.
Status checkData(const ValueName &name, const Value &value);

/// Checks sizes found in `prepare` against the manifest's, where they are static.
Status checkShape(const ValueName &name, const Shape &shape, const Shape &declared);

/// Checks that kernels of a GPU can copy an array 16 bytes at a time: its address, and all strides but the innermost
/// where the size is above 1, are multiples of that.
Status checkVectors(const ValueName &name, const Value &value);

ValueName argumentName(const FunctionInfo &function, size_t index);

/// Checks an argument of a function as an array or as a scalar, whichever the manifest says.
Status checkArgument(const FunctionInfo &function, size_t index, const Value &value);

/// Checks that a list holds `expected` values; `what` names them in the message.
Status checkCount(const char *what, size_t expected, ValueList values);

/// Bytes of a contiguous array, or nothing if they do not fit in 63 bits.
std::optional<int64_t> contiguousBytes(const Shape &shape, DType type);

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_ARRAYCHECK_H
