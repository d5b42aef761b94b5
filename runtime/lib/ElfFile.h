//===- ElfFile.h - What an ELF file holds ---------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The manifest is read from the file itself, because dlopen would run the
// constructors of whatever file it is given. The reader trusts no offset.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_ELFFILE_H
#define SPARSE_ATTN_LIB_ELFFILE_H

#include "sparse_attn/Status.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sparse_attn {

/// Reads section `name` of the x86-64 ELF shared library `path`, and checks that the file holds every byte that
/// loading it would map.
///
/// Errors: Unsupported for another machine; InvalidArgument, telling what the file is instead, for the rest.
Result<std::vector<uint8_t>> readElfSection(const std::string &path, const char *name);

/// Checks that `bytes` bytes of `data` are machine code of CUDA whose headers, and whatever a driver would load, are
/// all there. Errors: InvalidArgument.
Status checkCubin(const void *data, size_t bytes);

} // namespace sparse_attn

#endif // SPARSE_ATTN_LIB_ELFFILE_H
