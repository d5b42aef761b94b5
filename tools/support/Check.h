//===- Check.h - Failures of the runtime as exceptions --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_SUPPORT_CHECK_H
#define SPARSE_ATTN_SUPPORT_CHECK_H

#include "sparse_attn/Status.h"
#include "support/InputError.h"

#include <utility>

namespace sparse_attn::tools {

/// Throws an InputError with the message of a failure.
inline void check(const Status &status) {
  if (!status.isOk())
    fail(status.message());
}

/// The value; throws likewise.
template <typename T> T valueOf(Result<T> result) {
  check(result.status());
  return std::move(*result);
}

} // namespace sparse_attn::tools

#endif // SPARSE_ATTN_SUPPORT_CHECK_H
