//===- PlainLibrary.cpp - A shared library that is no artifact ------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Its constructor leaves a trace, so that a test sees whether it ran.
//
//===----------------------------------------------------------------------===//

#include <cstdlib>

__attribute__((constructor)) static void leaveTrace() { setenv("SPARSE_ATTN_PLAIN_LIBRARY_RAN", "1", 1); }
