//===- FromScores.cpp - Masks from scores of block pairs ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FromScores.h"

#include "MaskFiles.h"

#include "support/Array.h"
#include "support/Check.h"
#include "support/Npy.h"

namespace sparse_attn::tools::mask {

namespace {

Array toFloat(Array array) {
  if (array.dtype() == DType::F32)
    return array;
  Array floats(DType::F32, array.shape());
  for (int64_t i = 0; i < array.elements(); ++i)
    floats.set(i, static_cast<float>(array.at(i)));
  return floats;
}

/// [batch, heads, query blocks, key blocks]: a rank of 2 or 3 has one batch.
Shape fourSizes(const std::string &path, const Shape &shape) {
  if (shape.rank < 2)
    fail(path, ": expects scores [..., query blocks, key blocks], but got shape ", shape);
  Shape result{4, {1, 1, 1, 1}};
  for (int32_t d = 0; d < shape.rank; ++d)
    result.size[4 - shape.rank + d] = shape.size[d];
  return result;
}

void checkIndex(const char *option, int64_t index, int64_t count, const std::string &path) {
  if (index >= count)
    fail(option, " expects a number below ", count, ", as ", path, " has, but got ", index);
}

/// The length of a sequence of so many blocks: the one that is given, or that of whole blocks.
int64_t chooseLength(const char *option, std::optional<int64_t> given, int64_t blocks, int64_t blockSize) {
  int64_t whole = blocks * blockSize;
  if (given && (*given > whole || *given <= whole - blockSize))
    fail(option, " expects a length of ", blocks, " blocks of ", blockSize, ", but got ", *given);
  return given.value_or(whole);
}

/// The scores that decide about the mask of one batch and head, and where that mask is among theirs.
struct Selection {
  Value scores;
  int64_t batch, head;
};

Selection select(const Array &scores, const Shape &shape, const Options &options) {
  const auto &size = shape.size;
  int64_t perHead = size[2] * size[3], group = options.topK.headsPerMask;
  bool oneBatch = !options.topK.batchesShare, oneGroup = size[1] % group == 0;
  int64_t firstBatch = oneBatch ? options.batch : 0, firstHead = oneGroup ? options.head / group * group : 0;
  Shape part{4, {oneBatch ? 1 : size[0], oneGroup ? group : size[1], size[2], size[3]}};
  const float *data = scores.data<float>() + (firstBatch * size[1] + firstHead) * perHead;
  Value view = makeArray(data, DType::F32, part, {size[1] * perHead, perHead, size[3], 1});
  return {view, options.batch - firstBatch, options.head - firstHead};
}

} // namespace

const std::vector<const char *> scoreOptions = {"--top-k",  "--mass",           "--keep-sinks",   "--keep-diagonal",
                                                "--causal", "--heads-per-mask", "--batches-share"};

std::optional<DType> scoreType(const std::string &descriptor) {
  if (descriptor == "<f4")
    return DType::F32;
  if (descriptor == "<f2")
    return DType::F16;
  if (descriptor == "<V2" || descriptor == "|V2" || descriptor == "bfloat16")
    return DType::BF16;
  return std::nullopt;
}

BlockMask maskFromScores(const std::string &path, DType dtype, const Options &options) {
  refuseOptions(options, {"--query-blocks", "--key-blocks"}, "pairs, a matrix or rows");
  if (!options.topK.count && !options.topK.mass)
    fail(path, " has scores: expects --top-k=K, --mass=P or both");
  Array scores = toFloat(readNpy(path, dtype));
  Shape shape = fourSizes(path, scores.shape());
  checkIndex("--batch", options.batch, shape.size[0], path);
  checkIndex("--head", options.head, shape.size[1], path);
  SequenceBlocks blocks;
  blocks.queryBlockSize = options.block->queries;
  blocks.keyBlockSize = options.block->keys;
  blocks.queryLength = chooseLength("--queries", options.queries, shape.size[2], blocks.queryBlockSize);
  blocks.keyLength = chooseLength("--keys", options.keys, shape.size[3], blocks.keyBlockSize);
  TopKOptions topK = options.topK;
  topK.freeze = freezeOptions(options);
  Selection selection = select(scores, shape, options);
  Result<TopKMasks> masks = selectTopK(selection.scores, blocks, topK);
  if (!masks.isOk())
    fail(path, ": ", masks.status().message());
  return masks->mask(selection.batch, selection.head);
}

} // namespace sparse_attn::tools::mask
