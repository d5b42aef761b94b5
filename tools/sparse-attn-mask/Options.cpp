//===- Options.cpp - The command line -------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include "support/CommandLine.h"

#include <algorithm>
#include <cstring>
#include <iostream>
#include <sstream>

namespace sparse_attn::tools::mask {

namespace {

/// The value that `text` names.
template <typename Value>
Value parseChoice(const char *option, const std::string &text,
                  const std::vector<std::pair<const char *, Value>> &choices) {
  std::string names;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (text == choices[i].first)
      return choices[i].second;
    names += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + std::string(choices[i].first);
  }
  fail(option, " expects ", names, ", but got '", text, "'");
}

/// "64", or "64x16" for queries and keys.
BlockSize parseBlock(const std::string &text) {
  auto parse = [](const std::string &number) {
    return parseInteger<int64_t>("--block", number, 1, BlockGrid::maxBlockSize);
  };
  size_t cross = text.find('x');
  int64_t queries = parse(text.substr(0, cross));
  return {queries, cross == std::string::npos ? queries : parse(text.substr(cross + 1))};
}

uint32_t parseBlocks(const std::string &option, const std::string &text) {
  return parseInteger<uint32_t>(option, text, 0, BlockGrid::maxBlocks);
}

int64_t parseCount(const std::string &option, const std::string &text, int64_t low = 0) {
  return parseInteger<int64_t>(option, text, low, maxLength);
}

const std::vector<std::pair<const char *, Representation>> representations = {
    {"automatic", Representation::Automatic},
    {"terms-and-rows", Representation::TermsAndRows},
    {"packed-bits", Representation::PackedBits},
    {"roaring", Representation::Roaring}};

/// The options of all commands, in the order of their help.
const std::vector<Option<Options>> allOptions = {
    {"-o", "FILE", "the file to write; it appears whole or not at all",
     [](Options &o, const std::string &v) { o.outputs.push_back(v); }},
    {"--to", "FORM", "mask (default), bool, coo, csr or roaring",
     [](Options &o, const std::string &v) {
       o.form = parseChoice<Form>("--to", v,
                                  {{"mask", Form::Mask},
                                   {"bool", Form::Bool},
                                   {"coo", Form::Coordinates},
                                   {"csr", Form::CompressedRows},
                                   {"roaring", Form::Roaring}});
     }},
    {"--transpose", nullptr, "exchange queries and keys", [](Options &o, const std::string &) { o.transpose = true; }},
    {"--block", "B|BQxBK", "tokens of a block, for instance 64, or 128x64 for queries and keys",
     [](Options &o, const std::string &v) { o.block = parseBlock(v); }},
    {"--query-blocks", "N", "query blocks (default: the largest index + 1)",
     [](Options &o, const std::string &v) { o.queryBlocks = parseBlocks("--query-blocks", v); }},
    {"--key-blocks", "N", "key blocks, likewise",
     [](Options &o, const std::string &v) { o.keyBlocks = parseBlocks("--key-blocks", v); }},
    {"--queries", "N", "queries of the sequence, in tokens",
     [](Options &o, const std::string &v) { o.queries = parseCount("--queries", v); }},
    {"--keys", "N", "keys (patterns: as many as queries by default); both sequences end together",
     [](Options &o, const std::string &v) { o.keys = parseCount("--keys", v); }},
    {"--batches", "N", "pattern: batches, where the function leaves them open (default: one more than --batch)",
     [](Options &o, const std::string &v) { o.batches = parseCount("--batches", v, 1); }},
    {"--heads", "N", "pattern: query heads, likewise",
     [](Options &o, const std::string &v) { o.heads = parseCount("--heads", v, 1); }},
    {"--batch", "N", "the batch to look at (default 0)",
     [](Options &o, const std::string &v) { o.batch = parseCount("--batch", v); }},
    {"--head", "N", "the query head to look at (default 0)",
     [](Options &o, const std::string &v) { o.head = parseCount("--head", v); }},
    {"--function", "NAME", "pattern: the function; needed where there are several",
     [](Options &o, const std::string &v) { o.function = v; }},
    {"--step", "N", "pattern: which attention of the function (default 0)",
     [](Options &o, const std::string &v) { o.step = parseCount("--step", v); }},
    {"--capture", "NAME=FILE.npy|INT", "pattern: an array or an integer that it captures",
     [](Options &o, const std::string &v) { o.files.captures.push_back(splitAssignment("--capture", v)); }},
    {"--mask", "NAME=FILE", "pattern: a mask that it captures; once for all heads, or for each batch and head in order",
     [](Options &o, const std::string &v) { o.files.masks.push_back(splitAssignment("--mask", v)); }},
    {"--cpu", "NAME", "pattern: CPU to compile a .mlir for (default: native)",
     [](Options &o, const std::string &v) { o.cpu = v; }},
    {"--write-partial", "FILE", "pattern: write the mask of the blocks that it cuts, too",
     [](Options &o, const std::string &v) { o.partialFile = v; }},
    {"--top-k", "K", "scores: the K best blocks of each row",
     [](Options &o, const std::string &v) { o.topK.count = parseCount("--top-k", v); }},
    {"--mass", "P", "scores: the fewest blocks whose softmax adds up to P",
     [](Options &o, const std::string &v) { o.topK.mass = parseShare("--mass", v); }},
    {"--keep-sinks", "N", "scores: keep the first N key blocks whatever they score",
     [](Options &o, const std::string &v) { o.topK.keepSinks = parseCount("--keep-sinks", v); }},
    {"--keep-diagonal", "N", "scores: keep the last N key blocks up to the row's own",
     [](Options &o, const std::string &v) { o.topK.keepDiagonal = parseCount("--keep-diagonal", v); }},
    {"--causal", nullptr, "scores: leave out blocks that lie after the row's last query",
     [](Options &o, const std::string &) { o.topK.causal = true; }},
    {"--method", "METHOD", "mean (default; of both blocks), or antidiagonal (of 16 x 16 squares of pairs)",
     [](Options &o, const std::string &v) {
       o.method = parseChoice<BlockScoreMethod>(
           "--method", v, {{"mean", BlockScoreMethod::MeanPooling}, {"antidiagonal", BlockScoreMethod::Antidiagonal}});
     }},
    {"--heads-per-mask", "N", "scores: so many heads share a mask",
     [](Options &o, const std::string &v) { o.topK.headsPerMask = parseCount("--heads-per-mask", v, 1); }},
    {"--batches-share", nullptr, "scores: all batches share their masks",
     [](Options &o, const std::string &) { o.topK.batchesShare = true; }},
    {"--representation", "R", "in memory: automatic, terms-and-rows, packed-bits or roaring",
     [](Options &o, const std::string &v) { o.representation = parseChoice("--representation", v, representations); }},
    {"--partial", "FILE", "a mask of the blocks that need an element mask; part of the other",
     [](Options &o, const std::string &v) { o.partialFile = v; }},
    {"--entry", "KIND", "interval (default; first block and number of blocks), block16 or block32",
     [](Options &o, const std::string &v) {
       o.lists.entry = parseChoice<ListEntry>(
           "--entry", v,
           {{"interval", ListEntry::Interval}, {"block16", ListEntry::Block16}, {"block32", ListEntry::Block32}});
     }},
    {"--offset", "BITS", "offsets in 32 (default) or 64 bits",
     [](Options &o, const std::string &v) {
       o.lists.offset =
           parseChoice<ListOffset>("--offset", v, {{"32", ListOffset::Bits32}, {"64", ListOffset::Bits64}});
     }},
    {"--blob", "FILE", "write the closed form and the rest as one blob, too",
     [](Options &o, const std::string &v) { o.blob = v; }},
    {"--cells", "N", "cells a side at most; larger grids are drawn with several blocks a cell (default 256)",
     [](Options &o, const std::string &v) { o.cells = parseInteger<uint32_t>("--cells", v, 1, 2048); }},
    {"--bare", nullptr, "the cells alone, small: no title, axes and legend",
     [](Options &o, const std::string &) { o.bare = true; }},
    {"--json", "FILE", "write the same as JSON", [](Options &o, const std::string &v) { o.json = v; }},
    {"--threads", "N", "threads to use (default: all cores)",
     [](Options &o, const std::string &v) { o.threads = parseInteger<int>("--threads", v, 1, 4096); }},
};

/// The options that a command takes.
std::vector<Option<Options>> optionsOf(const Command &command) {
  std::vector<Option<Options>> options;
  for (const Option<Options> &option : allOptions)
    for (const char *name : command.options)
      if (std::strcmp(option.name, name) == 0)
        options.push_back(option);
  return options;
}

void checkInputs(const Command &command, const std::vector<std::string> &inputs) {
  if (inputs.size() < command.leastInputs || inputs.size() > command.mostInputs)
    fail(command.name, " expects ", command.arguments, ", but got ", inputs.size(),
         inputs.size() == 1 ? " file" : " files");
}

} // namespace

std::string helpText(const Command &command) {
  std::ostringstream text;
  text << "usage: sparse-attn-mask " << command.name << " " << command.arguments << " [options]\n\n"
       << command.details << '\n';
  for (const Option<Options> &option : optionsOf(command))
    text << helpLine(describeOption(option.name, option.metavar), option.help);
  text << "  --help                this text\n";
  return text.str();
}

std::optional<Options> parseOptions(const Command &command, const std::vector<std::string> &words) {
  auto addInput = [](Options &options, const std::string &word) { options.inputs.push_back(word); };
  Options options;
  std::string hint = "'sparse-attn-mask " + std::string(command.name) + " --help'";
  CommandLine line = parseCommandLine(words, optionsOf(command), hint, options, addInput);
  switch (line.request) {
  case Request::Help:
    std::cout << helpText(command);
    return std::nullopt;
  case Request::Version:
    printVersion();
    return std::nullopt;
  case Request::Work:
    break;
  }
  checkInputs(command, options.inputs);
  options.given = std::move(line.given);
  return options;
}

void refuseOptions(const Options &options, const std::vector<const char *> &names, const char *subject) {
  for (const char *name : names)
    if (std::find(options.given.begin(), options.given.end(), name) != options.given.end())
      fail(name, " expects ", subject, ", but got ", options.inputs[0]);
}

void printVersion() { std::cout << "sparse-attn-mask " SPARSE_ATTN_VERSION "\n"; }

} // namespace sparse_attn::tools::mask
