//===- Commands.h - What the tool can do ----------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_MASK_COMMANDS_H
#define SPARSE_ATTN_MASK_COMMANDS_H

#include "Options.h"

namespace sparse_attn::tools::mask {

/// All commands, in the order of the help.
const std::vector<Command> &commands();

// Each throws an InputError for bad options and files; nothing has been written then.

ExitCode create(const Options &options);
/// Scores blocks of queries against blocks of keys.
ExitCode scores(const Options &options);
ExitCode info(const Options &options);
ExitCode convert(const Options &options);
/// The pairs that are in all masks, in one at least, in the first but in no other.
ExitCode intersect(const Options &options);
ExitCode unite(const Options &options);
ExitCode subtract(const Options &options);
ExitCode exportDeviceLists(const Options &options);
/// Refused where a file is no good mask.
ExitCode verify(const Options &options);
ExitCode plot(const Options &options);
ExitCode show(const Options &options);

} // namespace sparse_attn::tools::mask

#endif // SPARSE_ATTN_MASK_COMMANDS_H
