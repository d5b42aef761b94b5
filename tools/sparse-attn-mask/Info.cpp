//===- Info.cpp - The command info ----------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "MaskFiles.h"
#include "RowSummary.h"

#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <system_error>

namespace sparse_attn::tools::mask {

namespace {

/// All that is printed.
struct MaskInfo {
  BlockGrid grid;
  uint64_t pairs;
  double density;
  RowSummary rows;
  MaskStats stats;
  std::optional<uint64_t> fileBytes; ///< Of a regular file.
  std::string hash;
};

std::string hexadecimal(const ContentHash &hash) {
  char text[33];
  std::snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, hash.high, hash.low);
  return text;
}

/// Nothing for a pipe.
std::optional<uint64_t> fileSize(const std::string &path) {
  std::error_code unknown;
  uint64_t bytes = std::filesystem::file_size(path, unknown);
  return unknown ? std::nullopt : std::optional(bytes);
}

std::string describeBytes(uint64_t bytes) {
  std::ostringstream text;
  text << bytes << " bytes";
  if (bytes >= 1 << 10)
    text << std::fixed << std::setprecision(2) << " ("
         << (bytes < 1 << 20 ? static_cast<double>(bytes) / 1024 : static_cast<double>(bytes) / 1048576)
         << (bytes < 1 << 20 ? " KiB)" : " MiB)");
  return text.str();
}

void print(std::ostream &stream, const MaskInfo &info) {
  const MaskStats &stats = info.stats;
  stream << "grid            " << info.grid << '\n'
         << "pairs           " << info.pairs << " of " << uint64_t(info.grid.queryBlocks) * info.grid.keyBlocks << " ("
         << std::setprecision(3) << 100 * info.density << " %)\n"
         << "rows            " << info.rows.fewest << " to " << info.rows.most << " key blocks, "
         << std::setprecision(4) << info.rows.mean << " on average; " << info.rows.emptyRows << " empty\n"
         << "representation  " << representationName(stats.representation) << ": " << stats.terms << " terms, "
         << stats.storedRanges << " ranges, " << stats.storedBlocks << " single blocks, " << stats.slabs << " slabs\n"
         << "memory          " << describeBytes(stats.heapBytes) << '\n';
  if (info.fileBytes)
    stream << "file            " << describeBytes(*info.fileBytes) << '\n';
  stream << "hash            " << info.hash << '\n';
}

std::string toJson(const MaskInfo &info) {
  nlohmann::ordered_json json;
  json["query_blocks"] = info.grid.queryBlocks;
  json["key_blocks"] = info.grid.keyBlocks;
  json["query_block_size"] = info.grid.queryBlockSize;
  json["key_block_size"] = info.grid.keyBlockSize;
  json["pairs"] = info.pairs;
  json["density"] = info.density;
  json["fewest_blocks"] = info.rows.fewest;
  json["most_blocks"] = info.rows.most;
  json["empty_rows"] = info.rows.emptyRows;
  json["intervals"] = info.rows.ranges;
  json["representation"] = representationName(info.stats.representation);
  json["terms"] = info.stats.terms;
  json["stored_ranges"] = info.stats.storedRanges;
  json["stored_blocks"] = info.stats.storedBlocks;
  json["slabs"] = info.stats.slabs;
  json["heap_bytes"] = info.stats.heapBytes;
  if (info.fileBytes)
    json["file_bytes"] = *info.fileBytes;
  json["hash"] = info.hash;
  return json.dump(2) + '\n';
}

} // namespace

ExitCode info(const Options &options) {
  std::optional<AtomicFile> json;
  if (!options.json.empty())
    json.emplace(options.json);
  const std::string &path = options.inputs[0];
  BlockMask mask = readMask(path, {options.representation.value_or(Representation::Automatic), options.threads});
  MaskInfo info{mask.grid(),
                mask.count(),
                mask.density(),
                summarizeRows(mask),
                mask.stats(),
                fileSize(path),
                hexadecimal(mask.contentHash())};
  print(std::cout, info);
  if (json) {
    json->write(toJson(info));
    json->commit();
  }
  return Success;
}

} // namespace sparse_attn::tools::mask
