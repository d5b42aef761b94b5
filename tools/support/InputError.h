//===- InputError.h - Mistakes of the user ---------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_SUPPORT_INPUTERROR_H
#define SPARSE_ATTN_SUPPORT_INPUTERROR_H

#include <sstream>
#include <stdexcept>

namespace sparse_attn::tools {

/// Bad options, files or shapes. The tool prints the message and exits with 2; nothing has been written.
struct InputError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws an InputError whose message is the arguments, one behind another.
template <typename... Parts> [[noreturn]] void fail(const Parts &...parts) {
  std::ostringstream message;
  (message << ... << parts);
  throw InputError(message.str());
}

} // namespace sparse_attn::tools

#endif // SPARSE_ATTN_SUPPORT_INPUTERROR_H
