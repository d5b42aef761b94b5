//===- FromArrays.cpp - Masks from NumPy arrays ---------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FromArrays.h"

#include "FromPattern.h"
#include "FromScores.h"
#include "MaskFiles.h"

#include "sparse_attn/BlockMaskBuilder.h"
#include "support/Check.h"
#include "support/NpyReader.h"

#include <algorithm>

namespace sparse_attn::tools::mask {

namespace {

BlockSize blockSize(const Options &options) {
  if (!options.block)
    fail("expects --block=B or --block=BQxBK, the tokens of a block");
  return *options.block;
}

BlockGrid makeGrid(const Options &options, uint32_t queryBlocks, uint32_t keyBlocks) {
  BlockSize block = blockSize(options);
  return {queryBlocks, keyBlocks, static_cast<uint32_t>(block.queries), static_cast<uint32_t>(block.keys)};
}

/// Adds the name of the file to a failure.
void check(const std::string &path, const Status &status) {
  if (!status.isOk())
    fail(path, ": ", status.message());
}

BlockMask freeze(const std::string &path, BlockMaskBuilder &builder, const Options &options) {
  Result<BlockMask> mask = builder.freeze(freezeOptions(options));
  check(path, mask.status());
  return std::move(*mask);
}

/// Reads the elements of a file, which are of type Stored, as Element.
template <typename Element, typename Stored = Element> std::vector<Element> readElements(NpyReader &reader) {
  reader.checkData(sizeof(Stored));
  std::vector<Stored> stored(static_cast<size_t>(reader.elements()));
  reader.read(stored.data(), reader.elements() * static_cast<int64_t>(sizeof(Stored)));
  if constexpr (std::is_same_v<Element, Stored>)
    return stored;
  else
    return {stored.begin(), stored.end()};
}

/// Calls `visitor` with the elements of a file of integers, in one of the types that builders take.
template <typename Visitor> void withIntegers(NpyReader &reader, Visitor &&visitor) {
  const std::string &type = reader.descriptor();
  if (type == "<i4")
    return visitor(readElements<int32_t>(reader));
  if (type == "<i8")
    return visitor(readElements<int64_t>(reader));
  if (type == "<u4")
    return visitor(readElements<uint32_t>(reader));
  if (type == "<i2")
    return visitor(readElements<int32_t, int16_t>(reader));
  if (type == "<u2")
    return visitor(readElements<uint32_t, uint16_t>(reader));
  fail(reader.path(), ": expects int16, int32, int64, uint16 or uint32, but got ", numpyName(type));
}

/// The number of blocks that a command line gives, or that the largest index needs. `stride` elements lie between one
/// index and the next.
template <typename Index>
uint32_t chooseBlocks(const char *option, std::optional<uint32_t> given, const std::vector<Index> &indices,
                      size_t first, size_t stride, const std::string &path) {
  if (given)
    return *given;
  int64_t largest = -1;
  for (size_t i = first; i < indices.size(); i += stride)
    largest = std::max<int64_t>(largest, indices[i]);
  if (largest >= BlockGrid::maxBlocks)
    fail(path, ": expects indices below ", BlockGrid::maxBlocks, ", but got ", largest);
  if (largest < 0)
    fail(path, ": expects an index, or ", option, "=N, but got none");
  return static_cast<uint32_t>(largest + 1);
}

void checkMatrixSize(const char *option, std::optional<uint32_t> given, int64_t size, const std::string &path) {
  if (size > BlockGrid::maxBlocks)
    fail(path, ": expects at most ", BlockGrid::maxBlocks, " blocks, but got ", size);
  if (given && *given != size)
    fail(option, " expects ", size, ", as ", path, " has, but got ", *given);
}

BlockMask maskFromPairs(NpyReader &reader, const Options &options) {
  if (reader.shape().rank != 2 || reader.shape().size[1] != 2)
    fail(reader.path(), ": expects pairs [n, 2], but got shape ", reader.shape());
  BlockMask mask;
  withIntegers(reader, [&](const auto &indices) {
    uint32_t queries = chooseBlocks("--query-blocks", options.queryBlocks, indices, 0, 2, reader.path());
    uint32_t keys = chooseBlocks("--key-blocks", options.keyBlocks, indices, 1, 2, reader.path());
    BlockMaskBuilder builder(makeGrid(options, queries, keys));
    check(reader.path(), builder.addPairs(indices.data(), indices.data() + 1, indices.size() / 2, 2));
    mask = freeze(reader.path(), builder, options);
  });
  return mask;
}

BlockMask maskFromMatrix(NpyReader &reader, const Options &options) {
  const Shape &shape = reader.shape();
  if (shape.rank != 2)
    fail(reader.path(), ": expects a matrix [query blocks, key blocks], but got shape ", shape);
  checkMatrixSize("--query-blocks", options.queryBlocks, shape.size[0], reader.path());
  checkMatrixSize("--key-blocks", options.keyBlocks, shape.size[1], reader.path());
  BlockMaskBuilder builder(
      makeGrid(options, static_cast<uint32_t>(shape.size[0]), static_cast<uint32_t>(shape.size[1])));
  std::vector<uint8_t> bytes = readElements<uint8_t>(reader);
  check(reader.path(), builder.addDense(bytes.data(), static_cast<size_t>(shape.size[1])));
  return freeze(reader.path(), builder, options);
}

std::vector<int64_t> readOffsets(const std::string &path) {
  NpyReader reader(path);
  if (reader.shape().rank != 1 || reader.shape().size[0] == 0)
    fail(path, ": expects offsets [query blocks + 1], but got shape ", reader.shape());
  std::vector<int64_t> offsets;
  withIntegers(reader, [&](const auto &values) { offsets.assign(values.begin(), values.end()); });
  return offsets;
}

BlockMask maskFromRows(const std::string &offsetsPath, const std::string &columnsPath, const Options &options) {
  std::vector<int64_t> offsets = readOffsets(offsetsPath);
  int64_t rows = static_cast<int64_t>(offsets.size()) - 1;
  checkMatrixSize("--query-blocks", options.queryBlocks, rows, offsetsPath);
  NpyReader reader(columnsPath);
  if (reader.shape().rank != 1)
    fail(columnsPath, ": expects key blocks [pairs], but got shape ", reader.shape());
  BlockMask mask;
  withIntegers(reader, [&](const auto &columns) {
    uint32_t keys = chooseBlocks("--key-blocks", options.keyBlocks, columns, 0, 1, columnsPath);
    BlockMaskBuilder builder(makeGrid(options, static_cast<uint32_t>(rows), keys));
    check(offsetsPath + " and " + columnsPath, builder.addCsr(offsets.data(), columns.data(), columns.size()));
    mask = freeze(columnsPath, builder, options);
  });
  return mask;
}

} // namespace

BlockMask maskFromArrays(const Options &options) {
  blockSize(options);
  refuseOptions(options, patternOptions, "a pattern");
  NpyReader reader(options.inputs[0]);
  std::optional<DType> scores = scoreType(reader.descriptor());
  if (scores && options.inputs.size() == 1)
    return maskFromScores(options.inputs[0], *scores, options);
  refuseOptions(options, scoreOptions, "scores");
  refuseOptions(options, {"--queries", "--keys", "--batch", "--head"}, "scores or a pattern");
  if (options.inputs.size() == 2)
    return maskFromRows(options.inputs[0], options.inputs[1], options);
  return reader.descriptor() == "|b1" ? maskFromMatrix(reader, options) : maskFromPairs(reader, options);
}

} // namespace sparse_attn::tools::mask
