//===- MaskKernels.h - The inner loops of block masks ---------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What most of the time goes into, once for each level of CPU: the library
// itself is built for the oldest.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_MASK_MASKKERNELS_H
#define SPARSE_ATTN_LIB_MASK_MASKKERNELS_H

#include "sparse_attn/Export.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sparse_attn::mask {

/// Elements that set operations on lists may write behind their result.
constexpr size_t kernelSlack = 32;

/// The loops of one level of CPU. Lists ascend strictly; results overlap no argument. The set operations on lists
/// return how many elements they have written, and may write `kernelSlack` more.
struct MaskKernels {
  const char *level;

  /// out[i] = first + i.
  void (*fill16)(uint16_t *out, uint32_t first, size_t count);
  void (*fill32)(uint32_t *out, uint32_t first, size_t count);
  /// out[i] = first + keys[i].
  void (*widen)(uint32_t *out, uint32_t first, const uint16_t *keys, size_t count);
  /// out[i] = low 16 bits of keys[i] - first.
  void (*narrow)(uint16_t *out, uint32_t first, const uint32_t *keys, size_t count);
  /// Whether keys ascend strictly.
  bool (*ascends)(const uint32_t *keys, size_t count);
  /// Whether some `length` keys, at least 2, are consecutive.
  bool (*hasRun)(const uint16_t *keys, size_t count, size_t length);

  /// The number of keys below `bound`.
  size_t (*below)(const uint16_t *keys, size_t count, uint16_t bound);

  size_t (*intersect)(const uint16_t *a, size_t countA, const uint16_t *b, size_t countB, uint16_t *out);
  size_t (*unite)(const uint16_t *a, size_t countA, const uint16_t *b, size_t countB, uint16_t *out);
  size_t (*subtract)(const uint16_t *a, size_t countA, const uint16_t *b, size_t countB, uint16_t *out);

  /// Writes the positions of all set bits, and returns how many there are.
  size_t (*decode16)(const uint64_t *bits, size_t words, uint16_t *out);
  size_t (*decode32)(const uint64_t *bits, size_t words, uint32_t *out);
  /// The number of runs of set bits.
  uint64_t (*countRuns)(const uint64_t *bits, size_t words);
  /// Set bits of a, and of a & b.
  uint64_t (*countBits)(const uint64_t *a, size_t words);
  uint64_t (*countCommonBits)(const uint64_t *a, const uint64_t *b, size_t words);
};

/// Those that this CPU runs, fastest first. The last one runs everywhere.
SPARSE_ATTN_EXPORT const std::vector<MaskKernels> &maskKernels();

/// The fastest.
inline const MaskKernels &kernels() {
  static const MaskKernels &fastest = maskKernels().front();
  return fastest;
}

} // namespace sparse_attn::mask

#endif // SPARSE_ATTN_LIB_MASK_MASKKERNELS_H
