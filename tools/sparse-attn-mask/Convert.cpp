//===- Convert.cpp - The command convert ----------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "MaskFiles.h"
#include "NpyOutput.h"

#include "sparse_attn/MaskFile.h"
#include "support/Check.h"

#include <algorithm>
#include <cstring>

namespace sparse_attn::tools::mask {

namespace {

void writeBool(const BlockMask &mask, NpyOutput &file) {
  const BlockGrid &grid = mask.grid();
  file.begin("|b1", {grid.queryBlocks, grid.keyBlocks});
  std::vector<uint8_t> row(grid.keyBlocks);
  std::vector<BlockRange> ranges;
  for (uint32_t q = 0; q < grid.queryBlocks; ++q) {
    std::fill(row.begin(), row.end(), 0);
    mask.ranges(q, ranges);
    for (BlockRange range : ranges)
      std::fill(row.begin() + range.first, row.begin() + range.past, 1);
    file.append(row.data(), row.size());
  }
  file.commit();
}

void writeCoordinates(const BlockMask &mask, NpyOutput &file) {
  file.begin("<i4", {static_cast<int64_t>(mask.count()), 2});
  mask.forEachRow([&](uint32_t q, RangeList ranges) {
    for (BlockRange range : ranges)
      for (uint32_t k = range.first; k < range.past; ++k) {
        const uint32_t pair[] = {q, k};
        file.append(pair, sizeof pair);
      }
  });
  file.commit();
}

void writeCompressedRows(const BlockMask &mask, NpyOutput &offsets, NpyOutput &columns) {
  uint32_t rows = mask.grid().queryBlocks;
  offsets.begin("<i8", {int64_t(rows) + 1});
  columns.begin("<i4", {static_cast<int64_t>(mask.count())});
  int64_t offset = 0;
  std::vector<uint32_t> blocks;
  for (uint32_t q = 0; q < rows; ++q) {
    offsets.append(&offset, sizeof offset);
    blocks.resize(mask.rowCount(q));
    offset += mask.activeBlocks(q, blocks.data());
    columns.append(blocks.data(), blocks.size() * sizeof(uint32_t));
  }
  offsets.append(&offset, sizeof offset);
  offsets.commit();
  columns.commit();
}

/// A number of a mask file; docs/mask-format.md says where they are.
template <typename T> T numberAt(const std::vector<uint8_t> &file, size_t position) {
  T value;
  std::memcpy(&value, file.data() + position, sizeof value);
  return value;
}

/// Cuts the bitmap out of the file of a mask that has no terms.
void writeRoaring(const BlockMask &mask, AtomicFile &file, const Options &options) {
  constexpr uint32_t slabBlocks = 1 << 16;
  constexpr size_t headerBytes = 64, slabCountAt = 48, offsetAt = headerBytes + 8, bytesAt = headerBytes + 16;
  // The bitmap without values: the cookie, and no container.
  static const uint8_t emptyBitmap[] = {0x3a, 0x30, 0, 0, 0, 0, 0, 0};
  if (mask.grid().queryBlocks > slabBlocks || mask.grid().keyBlocks > slabBlocks)
    fail("--to=roaring expects at most ", slabBlocks, " blocks a side, but got ", mask.grid());
  std::vector<uint8_t> bytes;
  check(saveMask(valueOf(mask.withRepresentation({Representation::Roaring, options.threads})), bytes));
  if (numberAt<uint32_t>(bytes, slabCountAt) == 0)
    file.write(emptyBitmap, sizeof emptyBitmap);
  else
    file.write(bytes.data() + numberAt<uint64_t>(bytes, offsetAt), numberAt<uint64_t>(bytes, bytesAt));
  file.commit();
}

BlockMask readSource(const Options &options) {
  BlockMask mask = readMask(options.inputs[0], freezeOptions(options));
  return options.transpose ? mask.transpose(options.threads) : mask;
}

void convertToRows(const Options &options) {
  if (options.outputs.size() != 2)
    fail("--to=csr expects -o OFFSETS.npy -o COLUMNS.npy, but got ", options.outputs.size(), " times -o");
  NpyOutput offsets(options.outputs[0]), columns(options.outputs[1]);
  writeCompressedRows(readSource(options), offsets, columns);
}

} // namespace

ExitCode convert(const Options &options) {
  switch (options.form) {
  case Form::Mask: {
    AtomicFile file(onlyOutput(options));
    writeMask(file, readSource(options));
    break;
  }
  case Form::Bool: {
    NpyOutput file(onlyOutput(options));
    writeBool(readSource(options), file);
    break;
  }
  case Form::Coordinates: {
    NpyOutput file(onlyOutput(options));
    writeCoordinates(readSource(options), file);
    break;
  }
  case Form::CompressedRows:
    convertToRows(options);
    break;
  case Form::Roaring: {
    AtomicFile file(onlyOutput(options));
    writeRoaring(readSource(options), file, options);
    break;
  }
  }
  return Success;
}

} // namespace sparse_attn::tools::mask
