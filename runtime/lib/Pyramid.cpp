//===- Pyramid.cpp - Block minima and maxima of an array ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Pyramid.h"

#include "Threads.h"
#include "sparse_attn/Device.h"

#include <algorithm>

namespace sparse_attn {

namespace {

/// Entries that a thread takes at a time.
constexpr int64_t chunkEntries = 4096;

int64_t entriesAtLevelZero(int64_t elements) {
  int64_t blocks = elements / Pyramid::blockElements + (elements % Pyramid::blockElements != 0 ? 1 : 0);
  int64_t entries = 1;
  while (entries < blocks)
    entries *= 2;
  return entries;
}

} // namespace

Pyramid::Pyramid(const Value &array) {
  int64_t rows = array.rank == 2 ? array.size[0] : 1;
  int64_t rowStride = array.rank == 2 ? array.stride[0] : 0;
  int64_t elements = array.size[array.rank - 1];
  levelZero = entriesAtLevelZero(elements);
  size_t allocated = static_cast<size_t>(rows) * 2 * static_cast<size_t>(levelZero);
  minimum.assign(allocated, INT32_MAX);
  maximum.assign(allocated, INT32_MIN);

  const int32_t *data = static_cast<const int32_t *>(array.data);
  parallelChunks(rows * levelZero, chunkEntries, threadCount(), [&](int32_t, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t row = i / levelZero;
      int64_t entry = i % levelZero;
      int64_t first = entry * blockElements;
      int64_t last = std::min(first + blockElements, elements);
      for (int64_t element = first; element < last; ++element) {
        int32_t value = data[row * rowStride + element];
        minimum[2 * levelZero * row + entry] = std::min(minimum[2 * levelZero * row + entry], value);
        maximum[2 * levelZero * row + entry] = std::max(maximum[2 * levelZero * row + entry], value);
      }
    }
  });
  // A level of n entries is followed at once by the n / 2 entries of the next, and entry i of the latter covers
  // entries 2i and 2i + 1 of the former: so entry e of the whole pyramid covers 2 (e - m) and 2 (e - m) + 1.
  for (int64_t row = 0; row < rows; ++row) {
    int32_t *rowMinima = minimum.data() + 2 * levelZero * row;
    int32_t *rowMaxima = maximum.data() + 2 * levelZero * row;
    for (int64_t entry = levelZero; entry < 2 * levelZero - 1; ++entry) {
      int64_t child = 2 * (entry - levelZero);
      rowMinima[entry] = std::min(rowMinima[child], rowMinima[child + 1]);
      rowMaxima[entry] = std::max(rowMaxima[child], rowMaxima[child + 1]);
    }
  }
}

} // namespace sparse_attn
