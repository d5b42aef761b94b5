//===- MaskKernels.cpp - The inner loops of block masks -------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/MaskKernels.h"

#include "sparse_attn/CpuFeatures.h"

#include <algorithm>
#include <cstring>
#include <immintrin.h>

/// A body of a kernel, compiled anew into each of its callers with the caller's instructions.
#define SPARSE_ATTN_KERNEL_BODY __attribute__((always_inline)) inline

namespace sparse_attn::mask {

namespace {

template <typename T> SPARSE_ATTN_KERNEL_BODY void fill(T *out, uint32_t first, size_t count) {
  T next = static_cast<T>(first); // Counted in T, or vectors of a wider type would be narrowed.
#pragma GCC unroll 4
  for (size_t i = 0; i < count; ++i)
    out[i] = next++;
}

SPARSE_ATTN_KERNEL_BODY void widenKeys(uint32_t *out, uint32_t first, const uint16_t *keys, size_t count) {
  for (size_t i = 0; i < count; ++i)
    out[i] = first + keys[i];
}

SPARSE_ATTN_KERNEL_BODY void narrowKeys(uint16_t *out, uint32_t first, const uint32_t *keys, size_t count) {
  for (size_t i = 0; i < count; ++i)
    out[i] = static_cast<uint16_t>(keys[i] - first);
}

// The next two look at all keys, without a branch, so that several are compared at a time.

SPARSE_ATTN_KERNEL_BODY bool areAscending(const uint32_t *keys, size_t count) {
  uint32_t falls = 0;
  for (size_t i = 1; i < count; ++i)
    falls |= keys[i] <= keys[i - 1];
  return falls == 0;
}

SPARSE_ATTN_KERNEL_BODY bool haveRun(const uint16_t *keys, size_t count, size_t length) {
  uint16_t runs = 0;
  uint16_t distance = static_cast<uint16_t>(length - 1);
  for (size_t i = distance; i < count; ++i)
    runs |= static_cast<uint16_t>(keys[i] - keys[i - distance]) == distance;
  return runs != 0;
}

/// Keys below `bound` among all, without a branch.
SPARSE_ATTN_KERNEL_BODY size_t countBelow(const uint16_t *keys, size_t count, uint16_t bound) {
  uint16_t below = 0;
  for (size_t i = 0; i < count; ++i)
    below = static_cast<uint16_t>(below + (keys[i] < bound));
  return below;
}

/// The number of keys below `bound`. Branches on keys cannot be predicted; so the search halves the list only while it
/// is long, and then compares what is left all at once.
SPARSE_ATTN_KERNEL_BODY size_t countBelowInList(const uint16_t *keys, size_t count, uint16_t bound) {
  constexpr size_t shortList = 128;
  const uint16_t *first = keys;
  while (count > shortList) {
    size_t half = count / 2;
    first = first[half] < bound ? first + half : first;
    count -= half;
  }
  return static_cast<size_t>(first - keys) + countBelow(first, count, bound);
}

/// Keys that are compared at a time: a vector, or several where the CPU has shorter ones.
constexpr size_t lanes = 16;
using Lanes = uint16_t __attribute__((vector_size(lanes * sizeof(uint16_t))));

/// The next keys of a list; behind its end, its last key again.
SPARSE_ATTN_KERNEL_BODY void loadLanes(const uint16_t *keys, size_t count, Lanes &loaded) {
  if (count >= lanes) {
    std::memcpy(&loaded, keys, sizeof(loaded));
    return;
  }
  uint16_t padded[lanes];
  for (size_t i = 0; i < lanes; ++i)
    padded[i] = keys[i < count ? i : count - 1];
  std::memcpy(&loaded, padded, sizeof(loaded));
}

/// Writes those of `count` keys of `block` whose lane of `kept` has its lowest bit set; writes `lanes` elements.
SPARSE_ATTN_KERNEL_BODY uint16_t *writeLanes(const Lanes &block, const Lanes &kept, size_t count, uint16_t *out) {
  for (size_t i = 0; i < lanes; ++i) {
    *out = block[i];
    out += (kept[i] & 1) & static_cast<uint16_t>(i < count);
  }
  return out;
}

SPARSE_ATTN_KERNEL_BODY bool isZero(const Lanes &block) {
  using Words = uint64_t __attribute__((vector_size(sizeof(Lanes))));
  Words words = reinterpret_cast<const Words &>(block);
  return (words[0] | words[1] | words[2] | words[3]) == 0;
}

/// Writes the keys of `a` that are in `b`, or with `Missing` those that are not. Some keys of `a` at a time are
/// compared with each key of `b` between the first and the last of them.
template <bool Missing>
SPARSE_ATTN_KERNEL_BODY size_t selectKeys(const uint16_t *a, size_t countA, const uint16_t *b, size_t countB,
                                          uint16_t *out) {
  uint16_t *next = out;
  while (countA != 0) {
    size_t count = countA < lanes ? countA : lanes;
    Lanes block, found = {};
    loadLanes(a, countA, block);
    uint16_t first = a[0], last = a[count - 1];
    size_t skipped = countB == 0 || *b >= first ? 0 : countBelowInList(b, countB, first);
    b += skipped;
    countB -= skipped;
    for (; countB != 0 && *b <= last; ++b, --countB)
      found |= reinterpret_cast<Lanes>(block == *b);
    if (Missing)
      next = writeLanes(block, ~found, count, next);
    else if (!isZero(found))
      next = writeLanes(block, found, count, next);
    a += count;
    countA -= count;
  }
  return static_cast<size_t>(next - out);
}

SPARSE_ATTN_KERNEL_BODY uint16_t *append(const uint16_t *first, const uint16_t *end, uint16_t *out) {
  size_t count = static_cast<size_t>(end - first);
  if (count != 0)
    std::memcpy(out, first, count * sizeof(uint16_t));
  return out + count;
}

/// Two lists on their way into one. Which of them has the next key cannot be predicted if they are random, so that a
/// step must not branch on it; signs are shifted into masks, as compilers make branches of comparisons.
struct Merge {
  const uint16_t *a, *endA, *b, *endB;
  uint16_t *next;

  bool hasBoth() const { return a != endA && b != endB; }

  SPARSE_ATTN_KERNEL_BODY void step() {
    int32_t distance = int32_t(*a) - *b;
    *next++ = static_cast<uint16_t>(*b + (distance & distance >> 31));
    a -= (distance - 1) >> 31;
    b -= (-distance - 1) >> 31;
  }

  SPARSE_ATTN_KERNEL_BODY uint16_t *finish() {
    while (hasBoth())
      step();
    return append(b, endB, append(a, endA, next));
  }
};

/// A step waits for the one before. So the lists are cut in two where the middle of `a` is, and both halves are merged
/// at the same time.
SPARSE_ATTN_KERNEL_BODY size_t uniteLists(const uint16_t *a, size_t countA, const uint16_t *b, size_t countB,
                                          uint16_t *out) {
  size_t middle = countA / 2;
  size_t middleB = countA == 0 ? countB : countBelowInList(b, countB, a[middle]);
  Merge low = {a, a + middle, b, b + middleB, out};
  Merge high = {a + middle, a + countA, b + middleB, b + countB, out + middle + middleB};
  while (low.hasBoth() && high.hasBoth()) {
    low.step();
    high.step();
  }
  uint16_t *lowEnd = low.finish(), *highEnd = high.finish();
  size_t highCount = static_cast<size_t>(highEnd - (out + middle + middleB));
  if (highCount != 0 && lowEnd != out + middle + middleB)
    std::memmove(lowEnd, out + middle + middleB, highCount * sizeof(uint16_t));
  return static_cast<size_t>(lowEnd - out) + highCount;
}

template <typename T> SPARSE_ATTN_KERNEL_BODY size_t decodeBits(const uint64_t *bits, size_t words, T *out) {
  T *next = out;
  for (size_t i = 0; i < words; ++i)
    for (uint64_t word = bits[i]; word != 0; word &= word - 1)
      *next++ = static_cast<T>(i * 64 + static_cast<size_t>(__builtin_ctzll(word)));
  return static_cast<size_t>(next - out);
}

SPARSE_ATTN_KERNEL_BODY uint64_t countBitRuns(const uint64_t *bits, size_t words) {
  uint64_t runs = 0, before = 0;
  for (size_t i = 0; i < words; ++i) {
    runs += static_cast<uint64_t>(__builtin_popcountll(bits[i] & ~(bits[i] << 1 | before)));
    before = bits[i] >> 63;
  }
  return runs;
}

SPARSE_ATTN_KERNEL_BODY uint64_t countSetBits(const uint64_t *a, size_t words) {
  uint64_t sum = 0;
  for (size_t i = 0; i < words; ++i)
    sum += static_cast<uint64_t>(__builtin_popcountll(a[i]));
  return sum;
}

SPARSE_ATTN_KERNEL_BODY uint64_t countBitsInBoth(const uint64_t *a, const uint64_t *b, size_t words) {
  uint64_t sum = 0;
  for (size_t i = 0; i < words; ++i)
    sum += static_cast<uint64_t>(__builtin_popcountll(a[i] & b[i]));
  return sum;
}

/// Defines the kernels of a level, as static members of a class.
#define SPARSE_ATTN_DEFINE_KERNELS(name, instructions)                                                                 \
  struct name {                                                                                                        \
    instructions static void fill16(uint16_t *out, uint32_t first, size_t count) { fill(out, first, count); }          \
    instructions static void fill32(uint32_t *out, uint32_t first, size_t count) { fill(out, first, count); }          \
    instructions static void widen(uint32_t *out, uint32_t first, const uint16_t *keys, size_t count) {                \
      widenKeys(out, first, keys, count);                                                                              \
    }                                                                                                                  \
    instructions static void narrow(uint16_t *out, uint32_t first, const uint32_t *keys, size_t count) {               \
      narrowKeys(out, first, keys, count);                                                                             \
    }                                                                                                                  \
    instructions static bool ascends(const uint32_t *keys, size_t count) { return areAscending(keys, count); }         \
    instructions static bool hasRun(const uint16_t *keys, size_t count, size_t length) {                               \
      return haveRun(keys, count, length);                                                                             \
    }                                                                                                                  \
    instructions static size_t below(const uint16_t *keys, size_t count, uint16_t bound) {                             \
      return countBelowInList(keys, count, bound);                                                                     \
    }                                                                                                                  \
    instructions static size_t intersect(const uint16_t *a, size_t countA, const uint16_t *b, size_t countB,           \
                                         uint16_t *out) {                                                              \
      return selectKeys<false>(a, countA, b, countB, out);                                                             \
    }                                                                                                                  \
    instructions static size_t unite(const uint16_t *a, size_t countA, const uint16_t *b, size_t countB,               \
                                     uint16_t *out) {                                                                  \
      return uniteLists(a, countA, b, countB, out);                                                                    \
    }                                                                                                                  \
    instructions static size_t subtract(const uint16_t *a, size_t countA, const uint16_t *b, size_t countB,            \
                                        uint16_t *out) {                                                               \
      return selectKeys<true>(a, countA, b, countB, out);                                                              \
    }                                                                                                                  \
    instructions static size_t decode16(const uint64_t *bits, size_t words, uint16_t *out) {                           \
      return decodeBits(bits, words, out);                                                                             \
    }                                                                                                                  \
    instructions static size_t decode32(const uint64_t *bits, size_t words, uint32_t *out) {                           \
      return decodeBits(bits, words, out);                                                                             \
    }                                                                                                                  \
    instructions static uint64_t countRuns(const uint64_t *bits, size_t words) { return countBitRuns(bits, words); }   \
    instructions static uint64_t countBits(const uint64_t *a, size_t words) { return countSetBits(a, words); }         \
    instructions static uint64_t countCommonBits(const uint64_t *a, const uint64_t *b, size_t words) {                 \
      return countBitsInBoth(a, b, words);                                                                             \
    }                                                                                                                  \
  };

SPARSE_ATTN_DEFINE_KERNELS(LevelV4, __attribute__((target("arch=x86-64-v4,avx512vpopcntdq"))))
SPARSE_ATTN_DEFINE_KERNELS(LevelV3, __attribute__((target("arch=x86-64-v3"))))
SPARSE_ATTN_DEFINE_KERNELS(LevelV1, )

#undef SPARSE_ATTN_DEFINE_KERNELS

#define SPARSE_ATTN_V4 __attribute__((target("arch=x86-64-v4")))

/// AVX-512 moves the set positions of 16 bits together at once.
struct DecoderV4 {
  SPARSE_ATTN_V4 static size_t decode16(const uint64_t *bits, size_t words, uint16_t *out) {
    uint16_t *next = out;
    for (size_t i = 0; i < words; ++i) {
      uint32_t first = static_cast<uint32_t>(i * 64);
      for (uint64_t word = bits[i]; word != 0; word >>= 16, first += 16) {
        uint32_t count = static_cast<uint32_t>(_mm_popcnt_u32(static_cast<uint16_t>(word)));
        // The form with a mask, as GCC 12 warns of the other one.
        __m256i narrow = _mm512_maskz_cvtepi32_epi16(lanesBelow(16), positions(word, first));
        _mm256_mask_storeu_epi16(next, lanesBelow(count), narrow);
        next += count;
      }
    }
    return static_cast<size_t>(next - out);
  }

  SPARSE_ATTN_V4 static size_t decode32(const uint64_t *bits, size_t words, uint32_t *out) {
    uint32_t *next = out;
    for (size_t i = 0; i < words; ++i) {
      uint32_t first = static_cast<uint32_t>(i * 64);
      for (uint64_t word = bits[i]; word != 0; word >>= 16, first += 16) {
        uint32_t count = static_cast<uint32_t>(_mm_popcnt_u32(static_cast<uint16_t>(word)));
        _mm512_mask_storeu_epi32(next, lanesBelow(count), positions(word, first));
        next += count;
      }
    }
    return static_cast<size_t>(next - out);
  }

private:
  SPARSE_ATTN_V4 static __mmask16 lanesBelow(uint32_t count) {
    return static_cast<__mmask16>((uint32_t(1) << count) - 1);
  }

  /// `first` and the position of each of the lowest 16 bits that is set, moved to the front.
  SPARSE_ATTN_V4 static __m512i positions(uint64_t word, uint32_t first) {
    __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i all = _mm512_add_epi32(lanes, _mm512_set1_epi32(static_cast<int>(first)));
    return _mm512_maskz_compress_epi32(static_cast<__mmask16>(word), all);
  }
};

#undef SPARSE_ATTN_V4

template <typename Level> MaskKernels kernelsOf(const char *name) {
  MaskKernels kernels = {};
  kernels.level = name;
  kernels.fill16 = Level::fill16;
  kernels.fill32 = Level::fill32;
  kernels.widen = Level::widen;
  kernels.narrow = Level::narrow;
  kernels.ascends = Level::ascends;
  kernels.hasRun = Level::hasRun;
  kernels.below = Level::below;
  kernels.intersect = Level::intersect;
  kernels.unite = Level::unite;
  kernels.subtract = Level::subtract;
  kernels.decode16 = Level::decode16;
  kernels.decode32 = Level::decode32;
  kernels.countRuns = Level::countRuns;
  kernels.countBits = Level::countBits;
  kernels.countCommonBits = Level::countCommonBits;
  return kernels;
}

MaskKernels withDecoder(MaskKernels kernels) {
  kernels.decode16 = DecoderV4::decode16;
  kernels.decode32 = DecoderV4::decode32;
  return kernels;
}

bool runsAll(const std::vector<const char *> &features) {
  const CpuFeatures &host = hostCpuFeatures();
  return std::all_of(features.begin(), features.end(), [&](const char *feature) { return host.count(feature) != 0; });
}

std::vector<MaskKernels> detect() {
  const std::vector<const char *> v3 = {"avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe", "popcnt"};
  const std::vector<const char *> v4 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512vpopcntdq"};
  std::vector<MaskKernels> usable;
  if (runsAll(v3) && runsAll(v4))
    usable.push_back(withDecoder(kernelsOf<LevelV4>("x86-64-v4")));
  if (runsAll(v3))
    usable.push_back(kernelsOf<LevelV3>("x86-64-v3"));
  usable.push_back(kernelsOf<LevelV1>("x86-64"));
  return usable;
}

} // namespace

const std::vector<MaskKernels> &maskKernels() {
  static const std::vector<MaskKernels> kernels = detect();
  return kernels;
}

} // namespace sparse_attn::mask
