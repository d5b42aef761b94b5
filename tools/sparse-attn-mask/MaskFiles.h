//===- MaskFiles.h - Reading and writing mask files -----------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_MASK_MASKFILES_H
#define SPARSE_ATTN_MASK_MASKFILES_H

#include "Options.h"

#include "sparse_attn/BlockMask.h"
#include "support/AtomicFile.h"

#include <string>

namespace sparse_attn::tools::mask {

/// How masks are kept that will be written: as --representation says, or else with what is structured in closed form.
FreezeOptions freezeOptions(const Options &options);

/// Loads a mask. Throws an InputError that names the file and the field that is wrong.
BlockMask readMask(const std::string &path, const FreezeOptions &options = {});

/// Writes a mask file and commits it.
void writeMask(AtomicFile &file, const BlockMask &mask);

/// The file that `-o` names; throws an InputError unless it is given once.
const std::string &onlyOutput(const Options &options);

} // namespace sparse_attn::tools::mask

#endif // SPARSE_ATTN_MASK_MASKFILES_H
