//===- Options.h - The command line ---------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_MASK_OPTIONS_H
#define SPARSE_ATTN_MASK_OPTIONS_H

#include "sparse_attn/BlockMask.h"
#include "sparse_attn/MaskLists.h"
#include "sparse_attn/TopK.h"
#include "support/Arguments.h"
#include "support/ToolMain.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sparse_attn::tools::mask {

/// What a mask is written as.
enum class Form { Mask, Bool, Coordinates, CompressedRows, Roaring };

/// The sizes of a block, in tokens.
struct BlockSize {
  int64_t queries = 0;
  int64_t keys = 0;
};

/// Every command reads those that it accepts.
struct Options {
  std::vector<std::string> inputs, outputs;
  std::vector<std::string> given; ///< Names of the options on the command line.
  int threads = 0;                ///< 0: all cores.

  std::optional<uint32_t> queryBlocks, keyBlocks;
  std::optional<BlockSize> block;
  std::optional<int64_t> queries, keys; ///< Lengths, in tokens.
  int64_t batch = 0, head = 0;
  std::optional<Representation> representation;

  // Of patterns.
  std::string function; ///< Empty: the only one.
  std::optional<int64_t> batches, heads;
  int64_t step = 0;
  ArgumentFiles files;     ///< Captures and masks.
  std::string cpu;         ///< Empty: this one.
  std::string partialFile; ///< A mask of the partial blocks, read or written; empty: none.

  TopKOptions topK;
  BlockScoreMethod method = BlockScoreMethod::MeanPooling;

  Form form = Form::Mask;
  bool transpose = false;
  ListOptions lists;
  std::string blob; ///< A file to write; empty: none.
  std::string json; ///< Likewise.
  uint32_t cells = 256;
  bool bare = false; ///< A picture without title, axes and legend.
};

struct Command {
  const char *name;
  const char *arguments; ///< As in a usage line.
  const char *summary;   ///< For the list of commands.
  const char *details;   ///< For its own help, whole lines.
  size_t leastInputs, mostInputs;
  std::vector<const char *> options; ///< Names.
  ExitCode (*run)(const Options &options);
};

/// The help of a command.
std::string helpText(const Command &command);

/// Parses what follows the command's name; throws an InputError that names the option. Returns nothing where --help or
/// --version was given and answered.
std::optional<Options> parseOptions(const Command &command, const std::vector<std::string> &words);

/// Throws an InputError where one of the options is given; they need inputs of another kind, `subject`.
void refuseOptions(const Options &options, const std::vector<const char *> &names, const char *subject);

/// Prints the version.
void printVersion();

} // namespace sparse_attn::tools::mask

#endif // SPARSE_ATTN_MASK_OPTIONS_H
