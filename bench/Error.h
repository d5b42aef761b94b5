//===- Error.h - What ends a measurement ---------------------- -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_BENCH_ERROR_H
#define SPARSE_ATTN_BENCH_ERROR_H

#include "sparse_attn/Status.h"

#include <sstream>
#include <stdexcept>
#include <utility>

namespace sparse_attn::bench {

/// Something that a measurement needs did not work.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <typename... Parts> [[noreturn]] void fail(const Parts &...parts) {
  std::ostringstream message;
  (message << ... << parts);
  throw Error(message.str());
}

inline void check(const Status &status) {
  if (!status.isOk())
    fail(status.message());
}

template <typename T> T valueOf(Result<T> result) {
  check(result.status());
  return std::move(*result);
}

} // namespace sparse_attn::bench

#endif // SPARSE_ATTN_BENCH_ERROR_H
