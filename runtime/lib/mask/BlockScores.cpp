//===- BlockScores.cpp - How much a block of keys matters -----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/BlockScores.h"

#include "ArrayCheck.h"
#include "mask/BlockScoresKernels.h"
#include "mask/BlockScoresMethods.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace sparse_attn {

namespace {

Status checkTensor(size_t index, const std::string &name, const Value &value) {
  ValueName what = {"argument", index, &name};
  if (value.dtype < SPARSE_ATTN_F32 || value.dtype > SPARSE_ATTN_BF16)
    return makeError(StatusCode::InvalidArgument, what, ": expects element type f32, f16 or bf16, but got ",
                     value.dtype == SPARSE_ATTN_I32 ? "i32" : "the unknown type " + std::to_string(value.dtype));
  ArrayType any = {static_cast<DType>(value.dtype), {4, {dynamicSize, dynamicSize, dynamicSize, dynamicSize}}};
  if (Status status = checkArray(what, value, any, Access::Read); !status.isOk())
    return status;
  return checkData(what, value);
}

Status checkAgreement(const Value &query, const Value &key) {
  auto differ = [](const char *what, int64_t q, int64_t k) {
    return makeError(StatusCode::ShapeMismatch, "expects query and key to have the same ", what, ", but got ", q,
                     " and ", k);
  };
  if (query.dtype != key.dtype)
    return makeError(StatusCode::InvalidArgument, "expects query and key of one element type, but got ",
                     dtypeName(static_cast<DType>(query.dtype)), " and ", dtypeName(static_cast<DType>(key.dtype)));
  if (query.size[0] != key.size[0])
    return differ("batch", query.size[0], key.size[0]);
  if (query.size[3] != key.size[3])
    return differ("head size", query.size[3], key.size[3]);
  if (query.size[3] == 0)
    return makeError(StatusCode::ShapeMismatch, "expects a head size of at least 1, but got 0");
  if (key.size[1] == 0 ? query.size[1] != 0 : query.size[1] % key.size[1] != 0)
    return makeError(StatusCode::ShapeMismatch,
                     "expects the number of query heads to be a multiple of the number of key heads, but got ",
                     query.size[1], " and ", key.size[1]);
  return {};
}

Status checkStride(const BlockScoreOptions &options) {
  if (options.method != BlockScoreMethod::Antidiagonal)
    return {};
  if (options.stride < 1)
    return makeError(StatusCode::InvalidArgument, "expects a stride of at least 1, but got ", options.stride);
  for (int64_t size : {options.queryBlockSize, options.keyBlockSize})
    if (size % options.stride != 0)
      return makeError(StatusCode::InvalidArgument, "expects a block size that is a multiple of the stride ",
                       options.stride, ", but got ", size);
  return {};
}

/// Checks that neither the result nor the copies of the keys overflow.
Status checkMemory(const mask::ScoreProblem &problem, const Shape &result) {
  const SequenceBlocks &blocks = problem.blocks;
  auto fits = [](const Shape &shape) { return contiguousBytes(shape, DType::F32).has_value(); };
  // Either method pads the rows of a panel, in blocks of keys or in groups of them.
  int64_t padding = mask::panelRows * std::max(problem.stride, blocks.keyBlockSize);
  bool overflows = blocks.keyLength > INT64_MAX - padding;
  if (overflows || !fits(result) ||
      !fits({4, {problem.batch(), problem.keyHeads(), blocks.keyLength + padding, problem.headSize()}}))
    return makeError(StatusCode::ShapeMismatch, "expects scores and keys below 2^63 bytes, but got scores ", result,
                     " of keys ", shapeOf(problem.key));
  return {};
}

} // namespace

BlockGrid SequenceBlocks::grid() const {
  return {static_cast<uint32_t>(queryBlocks()), static_cast<uint32_t>(keyBlocks()),
          static_cast<uint32_t>(queryBlockSize), static_cast<uint32_t>(keyBlockSize)};
}

int64_t SequenceBlocks::visibleKeyBlocks(int64_t index) const {
  int64_t lastQuery = std::min((index + 1) * queryBlockSize, queryLength) - 1;
  int64_t keys = lastQuery + keyLength - queryLength + 1;
  return keys <= 0 ? 0 : blocksOf(keys, keyBlockSize);
}

Status SequenceBlocks::check() const {
  for (int64_t length : {queryLength, keyLength})
    if (length < 0)
      return makeError(StatusCode::InvalidArgument, "expects a length of at least 0, but got ", length);
  for (int64_t size : {queryBlockSize, keyBlockSize})
    if (size < 1 || size > BlockGrid::maxBlockSize)
      return makeError(StatusCode::InvalidArgument, "expects a block size of 1 to ", BlockGrid::maxBlockSize,
                       " tokens, but got ", size);
  for (int64_t count : {queryBlocks(), keyBlocks()})
    if (count > BlockGrid::maxBlocks)
      return makeError(StatusCode::InvalidArgument, "expects at most ", BlockGrid::maxBlocks, " blocks, but got ",
                       count);
  return {};
}

Result<BlockScores> scoreBlocks(const Value &query, const Value &key, const BlockScoreOptions &options) {
  static const std::string queryName = "query", keyName = "key";
  for (Status status : {checkTensor(0, queryName, query), checkTensor(1, keyName, key)})
    if (!status.isOk())
      return status;
  if (Status status = checkAgreement(query, key); !status.isOk())
    return status;
  BlockScores result;
  result.blocks = {query.size[2], key.size[2], options.queryBlockSize, options.keyBlockSize};
  for (Status status : {result.blocks.check(), checkStride(options)})
    if (!status.isOk())
      return status;
  double scale = options.scale.value_or(1.0 / std::sqrt(static_cast<double>(query.size[3])));
  if (!std::isfinite(static_cast<float>(scale)))
    return makeError(StatusCode::InvalidArgument, "expects a scale that f32 can hold, but got ", scale);

  result.shape = {4, {query.size[0], query.size[1], result.blocks.queryBlocks(), result.blocks.keyBlocks()}};
  bool pooled = options.method == BlockScoreMethod::MeanPooling;
  mask::ScoreProblem problem = {
      query, key, result.blocks, pooled ? 1 : options.stride, static_cast<float>(scale), options.causal, nullptr};
  if (Status status = checkMemory(problem, result.shape); !status.isOk())
    return status;
  result.scores.resize(static_cast<size_t>(*contiguousBytes(result.shape, DType::F32)) / sizeof(float));
  problem.scores = result.scores.data();
  if (result.scores.empty())
    return result;
  if (pooled)
    mask::scoreByMeans(problem);
  else
    mask::scoreByAntidiagonals(problem);
  return result;
}

} // namespace sparse_attn
