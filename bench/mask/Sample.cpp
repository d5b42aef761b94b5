//===- Sample.cpp - The masks that are measured ---------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include "Error.h"
#include "sparse_attn/BlockMaskBuilder.h"

#include <algorithm>
#include <random>
#include <set>

namespace sparse_attn::bench {

namespace {

constexpr size_t questionCount = 20'000;

/// `count` different numbers below `bound`, ascending. Floyd's algorithm: Bentley and Floyd, "A sample of brilliance",
/// Communications of the ACM 30(9), 1987.
std::vector<uint32_t> pickDifferent(uint32_t count, uint32_t bound, std::mt19937_64 &random) {
  std::set<uint32_t> picked;
  for (uint32_t last = bound - count; last < bound; ++last)
    if (!picked.insert(static_cast<uint32_t>(random() % (last + 1))).second)
      picked.insert(last);
  return {picked.begin(), picked.end()};
}

} // namespace

std::string MaskShape::description() const {
  return name + ", " + std::to_string(blocks) + " x " + std::to_string(blocks) + " blocks, window " +
         std::to_string(window) + ", " + std::to_string(global) + " global, " + std::to_string(randomKeys) +
         " random a row";
}

const std::vector<MaskShape> &maskShapes() {
  static const std::vector<MaskShape> shapes = {
      {"16k tokens", 1000, 128, 16, 10}, {"100k tokens", 6250, 256, 32, 31}, {"1M tokens", 62500, 512, 64, 62}};
  return shapes;
}

MaskSample::MaskSample(const MaskShape &shape) : form(shape) {
  std::mt19937_64 random(shape.blocks);
  for (uint32_t q = 0; q < shape.blocks; ++q)
    lists.push_back(pickDifferent(shape.randomKeys, shape.blocks, random));
  for (size_t i = 0; i < questionCount; ++i)
    rows.push_back(static_cast<uint32_t>(random() % shape.blocks));
}

void MaskSample::row(uint32_t q, std::vector<uint32_t> &keys) const {
  uint32_t first = q > form.window / 2 ? q - form.window / 2 : 0;
  uint32_t past = std::min(form.blocks, q + form.window / 2);
  keys.clear();
  for (uint32_t k = 0; k < form.global; ++k)
    keys.push_back(k);
  for (uint32_t k = std::max(first, form.global); k < past; ++k)
    keys.push_back(k);
  size_t structured = keys.size();
  for (uint32_t k : lists[q])
    if (k >= form.global && (k < first || k >= past))
      keys.push_back(k);
  std::inplace_merge(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(structured), keys.end());
}

BlockMask MaskSample::build(const FreezeOptions &options) const {
  BlockMaskBuilder builder(form.grid());
  check(builder.addWindow(form.window / 2, form.window / 2 - 1));
  check(builder.addPrefix(form.global));
  for (uint32_t q = 0; q < form.blocks; ++q)
    check(builder.addAttention(q, lists[q]));
  return valueOf(builder.freeze(options));
}

} // namespace sparse_attn::bench
