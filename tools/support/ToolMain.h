//===- ToolMain.h - What every tool does with failures --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_SUPPORT_TOOLMAIN_H
#define SPARSE_ATTN_SUPPORT_TOOLMAIN_H

#include <exception>
#include <iostream>
#include <new>

namespace sparse_attn::tools {

/// How a tool ends. `Refused`: it did what it was asked to, and what it looked at is not good.
enum ExitCode { Success = 0, Refused = 1, BadInput = 2 };

/// Calls `body`, which returns an exit code, and turns an exception into an error message and BadInput.
template <typename Body> int runTool(const char *tool, Body &&body) {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    std::cerr << tool << ": error: out of memory\n";
  } catch (const std::exception &error) {
    std::cerr << tool << ": error: " << error.what() << '\n';
  }
  return BadInput;
}

} // namespace sparse_attn::tools

#endif // SPARSE_ATTN_SUPPORT_TOOLMAIN_H
