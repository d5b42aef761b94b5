//===- HeavyHitters.cpp - The blocks that keep being read -----------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse_attn/HeavyHitters.h"

#include "ArrayCheck.h"
#include "Threads.h"
#include "sparse_attn/Device.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace sparse_attn {

namespace {

/// Below this a mass is 0: decayed further it would become subnormal, which is slow to compute with.
constexpr double leastMass = 1e-100;

/// More are a mistake, and would be taken for memory.
constexpr int64_t maxHeads = 1 << 20;

const float *rowOf(const Value &array, int64_t head) {
  return static_cast<const float *>(array.data) + head * array.stride[0];
}

Status checkMasses(const Value &added) {
  for (int64_t head = 0; head < added.size[0]; ++head)
    for (int64_t i = 0; i < added.size[1]; ++i)
      if (float mass = rowOf(added, head)[i]; !(mass >= 0.0f && std::isfinite(mass)))
        return makeError(StatusCode::InvalidArgument, "expects masses of at least 0 that are finite, but got ", mass,
                         " for head ", head, ", element ", i);
  return {};
}

} // namespace

Result<HeavyHitters> HeavyHitters::make(const HeavyHitterOptions &options) {
  if (options.heads < 1 || options.heads > maxHeads)
    return makeError(StatusCode::InvalidArgument, "expects 1 to ", maxHeads, " heads, but got ", options.heads);
  if (options.keyBlockSize < 1 || options.keyBlockSize > BlockGrid::maxBlockSize)
    return makeError(StatusCode::InvalidArgument, "expects a block size of 1 to ", BlockGrid::maxBlockSize,
                     " tokens, but got ", options.keyBlockSize);
  if (!(options.decay > 0.0 && options.decay <= 1.0))
    return makeError(StatusCode::InvalidArgument, "expects a decay above 0 and at most 1, but got ", options.decay);
  return HeavyHitters(options);
}

Status HeavyHitters::addBlockMass(const Value &added) { return add(added, 1); }

Status HeavyHitters::addKeyMass(const Value &added) { return add(added, settings.keyBlockSize); }

Status HeavyHitters::add(const Value &added, int64_t keysOfBlock) {
  static const std::string name = "mass";
  ValueName what = {"argument", 0, &name};
  for (Status status : {checkArray(what, added, {DType::F32, {2, {settings.heads, dynamicSize}}}, Access::Read),
                        checkData(what, added)})
    if (!status.isOk())
      return status;
  int64_t blocks = added.size[1] / keysOfBlock + (added.size[1] % keysOfBlock != 0 ? 1 : 0);
  if (blocks > BlockGrid::maxBlocks)
    return makeError(StatusCode::ShapeMismatch, "expects at most ", BlockGrid::maxBlocks, " blocks, but got ", blocks);
  if (Status status = checkMasses(added); !status.isOk())
    return status;
  for (std::vector<double> &head : masses)
    head.resize(std::max(head.size(), static_cast<size_t>(blocks)));
  parallelChunks(settings.heads, 1, threadCount(), [&](int32_t, int64_t head, int64_t) {
    std::vector<double> &sums = masses[static_cast<size_t>(head)];
    for (double &sum : sums)
      sum = sum * settings.decay < leastMass ? 0.0 : sum * settings.decay;
    for (int64_t i = 0; i < added.size[1]; ++i)
      sums[static_cast<size_t>(i / keysOfBlock)] += rowOf(added, head)[i];
  });
  return {};
}

Status HeavyHitters::forget(BlockList blocks) {
  if (blocks.count != 0 && !blocks.blocks)
    return makeError(StatusCode::InvalidArgument, "expects ", blocks.count, " blocks, but got null");
  for (std::vector<double> &head : masses)
    for (size_t i = 0; i < blocks.count; ++i)
      if (blocks.blocks[i] < head.size())
        head[blocks.blocks[i]] = 0.0;
  return {};
}

double HeavyHitters::mass(int64_t head, int64_t block) const {
  if (head < 0 || head >= settings.heads || block < 0)
    return 0.0;
  const std::vector<double> &sums = masses[static_cast<size_t>(head)];
  return static_cast<size_t>(block) < sums.size() ? sums[static_cast<size_t>(block)] : 0.0;
}

Result<TopKMasks> HeavyHitters::topBlocks(const HeavyHitterSelection &selection) const {
  SequenceBlocks blocks = {selection.queryLength, selection.keyLength, selection.queryBlockSize, settings.keyBlockSize};
  if (Status status = blocks.check(); !status.isOk())
    return status;
  TopKOptions options;
  options.count = selection.count;
  options.keepSinks = selection.keepSinks;
  options.keepDiagonal = selection.keepRecent;
  options.causal = true;
  options.freeze = selection.freeze;

  int64_t maskCount = selection.headsShare ? 1 : settings.heads, keyBlocks = blocks.keyBlocks();
  std::vector<double> sums(static_cast<size_t>(maskCount * keyBlocks));
  for (int64_t head = 0; head < settings.heads; ++head)
    for (int64_t k = 0; k < keyBlocks; ++k)
      sums[static_cast<size_t>((selection.headsShare ? 0 : head) * keyBlocks + k)] += mass(head, k);
  std::vector<float> scores(sums.begin(), sums.end());
  // Masses that f32 cannot hold tie; all else would be an error.
  for (float &score : scores)
    score = std::min(score, std::numeric_limits<float>::max());
  // Every row of blocks reads the same scores.
  Value array = makeArray(scores.data(), DType::F32, {4, {1, maskCount, blocks.queryBlocks(), keyBlocks}},
                          {maskCount * keyBlocks, keyBlocks, 0, 1});
  Result<TopKMasks> masks = selectTopK(array, blocks, options);
  if (masks.isOk() && selection.headsShare)
    masks->headsPerMask = settings.heads;
  return masks;
}

} // namespace sparse_attn
