//===- BlockMaskKernelsTest.cpp - The inner loops of every level ----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/MaskKernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <random>
#include <set>

using namespace sparse_attn::mask;

namespace {

using List = std::vector<uint16_t>;

/// Runs of random lengths, or single keys, of up to `most` keys, up to the largest ones there are.
List pickList(std::mt19937 &random, size_t most) {
  std::set<uint16_t> keys;
  size_t count = random() % (most + 1), longestRun = random() % 3 == 0 ? 20 : 1;
  uint32_t bound = random() % 2 == 0 ? 65536 : 300;
  while (keys.size() < count) {
    uint32_t key = bound == 65536 && random() % 4 == 0 ? 65536 - 1 - random() % 50 : random() % bound;
    for (size_t i = 0; i < 1 + random() % longestRun && key + i < 65536; ++i)
      keys.insert(static_cast<uint16_t>(key + i));
    if (keys.size() >= bound / 2)
      break;
  }
  return {keys.begin(), keys.end()};
}

template <typename Operation> List apply(Operation operation, const List &a, const List &b) {
  List result(a.size() + b.size() + kernelSlack);
  result.resize(operation(a.data(), a.size(), b.data(), b.size(), result.data()));
  return result;
}

bool hasRun(const List &keys, size_t length) {
  size_t run = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    run = i != 0 && keys[i] == keys[i - 1] + 1 ? run + 1 : 1;
    if (run >= length)
      return true;
  }
  return false;
}

TEST(BlockMaskKernels, LastLevelRunsEverywhere) { EXPECT_STREQ(maskKernels().back().level, "x86-64"); }

TEST(BlockMaskKernels, SetOperations) {
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    List a = pickList(random, i % 10 == 0 ? 2000 : 70), b = pickList(random, i % 10 == 1 ? 2000 : 70);
    List both, either, left;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(either));
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(left));
    for (const MaskKernels &kernels : maskKernels()) {
      ASSERT_EQ(apply(kernels.intersect, a, b), both) << kernels.level << " " << i;
      ASSERT_EQ(apply(kernels.unite, a, b), either) << kernels.level << " " << i;
      ASSERT_EQ(apply(kernels.subtract, a, b), left) << kernels.level << " " << i;
    }
  }
}

TEST(BlockMaskKernels, Searches) {
  std::mt19937 random(2);
  for (int i = 0; i < 2000; ++i) {
    List keys = pickList(random, i % 5 == 0 ? 3000 : 100);
    uint16_t bound = keys.empty() || i % 3 == 0 ? static_cast<uint16_t>(random()) : keys[random() % keys.size()];
    size_t below = static_cast<size_t>(std::lower_bound(keys.begin(), keys.end(), bound) - keys.begin());
    std::vector<uint32_t> wide(keys.begin(), keys.end());
    if (i % 2 == 0 && wide.size() > 1)
      std::swap(wide[random() % wide.size()], wide[random() % wide.size()]);
    if (i % 7 == 0 && wide.size() > 1)
      wide.back() = wide[wide.size() - 2];
    bool ascends = std::adjacent_find(wide.begin(), wide.end(), std::greater_equal<>()) == wide.end();
    for (const MaskKernels &kernels : maskKernels()) {
      ASSERT_EQ(kernels.below(keys.data(), keys.size(), bound), below) << kernels.level << " " << i;
      ASSERT_EQ(kernels.ascends(wide.data(), wide.size()), ascends) << kernels.level << " " << i;
      for (size_t length : {2, 4, 9})
        ASSERT_EQ(kernels.hasRun(keys.data(), keys.size(), length), hasRun(keys, length)) << kernels.level << " " << i;
    }
  }
}

TEST(BlockMaskKernels, Copies) {
  for (const MaskKernels &kernels : maskKernels())
    for (size_t count : {0, 1, 15, 16, 17, 63, 64, 100, 1000}) {
      uint32_t first = 65536 - static_cast<uint32_t>(count);
      List narrow(count + 1, 7);
      std::vector<uint32_t> wide(count + 1, 7);
      kernels.fill16(narrow.data(), first, count);
      kernels.fill32(wide.data(), first, count);
      ASSERT_EQ(narrow[count], 7) << "nothing is written behind the end";
      ASSERT_EQ(wide[count], 7u);
      std::vector<uint32_t> widened(count + 1, 7);
      kernels.widen(widened.data(), 1u << 20, narrow.data(), count);
      ASSERT_EQ(widened[count], 7u);
      List narrowed(count + 1, 7);
      kernels.narrow(narrowed.data(), 1u << 20, widened.data(), count);
      ASSERT_EQ(narrowed[count], 7);
      for (size_t i = 0; i < count; ++i) {
        ASSERT_EQ(narrow[i], first + i);
        ASSERT_EQ(wide[i], first + i);
        ASSERT_EQ(widened[i], (1u << 20) + first + i);
        ASSERT_EQ(narrowed[i], narrow[i]);
      }
    }
}

TEST(BlockMaskKernels, Bits) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 500; ++i) {
    size_t words = random() % 20;
    std::vector<uint64_t> a(words), b(words);
    for (size_t w = 0; w < words; ++w) {
      a[w] = i % 3 == 0 ? random() & random() & random() : random() | (i % 3 == 1 ? random() | random() : 0);
      b[w] = random();
    }
    List positions;
    uint64_t both = 0, runs = 0;
    for (size_t bit = 0; bit < words * 64; ++bit) {
      auto isSet = [bit](const std::vector<uint64_t> &bits) { return (bits[bit / 64] >> bit % 64 & 1) != 0; };
      if (!isSet(a))
        continue;
      runs += positions.empty() || positions.back() + 1u != bit;
      both += isSet(b);
      positions.push_back(static_cast<uint16_t>(bit));
    }
    for (const MaskKernels &kernels : maskKernels()) {
      List narrow(positions.size() + 1, 7);
      std::vector<uint32_t> wide(positions.size() + 1, 7);
      ASSERT_EQ(kernels.decode16(a.data(), words, narrow.data()), positions.size());
      ASSERT_EQ(kernels.decode32(a.data(), words, wide.data()), positions.size());
      ASSERT_EQ(narrow.back(), 7) << "nothing is written behind the end";
      ASSERT_EQ(wide.back(), 7u);
      ASSERT_TRUE(std::equal(positions.begin(), positions.end(), narrow.begin()));
      ASSERT_TRUE(std::equal(positions.begin(), positions.end(), wide.begin()));
      ASSERT_EQ(kernels.countBits(a.data(), words), positions.size());
      ASSERT_EQ(kernels.countRuns(a.data(), words), runs);
      ASSERT_EQ(kernels.countCommonBits(a.data(), b.data(), words), both);
    }
  }
}

} // namespace
