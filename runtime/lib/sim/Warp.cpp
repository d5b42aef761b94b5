//===- Warp.cpp - What the threads of a warp do together ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/Warp.h"

#include "sim/Products.h"

#include <cstring>

namespace sparse_attn::sim {

namespace {

/// Transposes an 8x8 matrix of 16-bit numbers.
void transpose(const uint16_t *from, uint16_t *to) {
  for (size_t i = 0; i < 8; ++i)
    for (size_t j = 0; j < 8; ++j)
      to[j * 8 + i] = from[i * 8 + j];
}

} // namespace

Status Warp::shuffle(Thread &thread, Call call, uint32_t &word, int32_t source) {
  size_t lane = static_cast<size_t>(thread.lane());
  if (source < 0 || source >= Thread::warpSize)
    return makeError(StatusCode::DeviceError, "expects a lane from 0 to 31, but got ", source);
  words[lane] = word;
  sources[lane] = source;
  Status status = rendezvous.meet(thread, call, 0, [&] {
    for (size_t i = 0; i < lanes; ++i)
      shuffled[i] = words[sources[i]];
    return Status();
  });
  word = shuffled[lane];
  return status;
}

Status Warp::shuffleXor(Thread &thread, uint32_t &word, int32_t mask) {
  return shuffle(thread, Call::shuffle_xor, word, thread.lane() ^ mask);
}

Status Warp::shuffleIndex(Thread &thread, uint32_t &word, int32_t lane) {
  return shuffle(thread, Call::shuffle_index, word, lane);
}

Status Warp::elect(Thread &thread, int32_t &elected) {
  elected = thread.lane() == 0;
  return rendezvous.meet(thread, Call::elect, 0, [] { return Status(); });
}

Status Warp::loadMatrix(Thread &thread, uint32_t *result, const void *row, bool transposed) {
  size_t lane = static_cast<size_t>(thread.lane());
  if (Status status = shared.find(row, 16, 16, rows[lane]); !status.isOk())
    return status;
  Status status = rendezvous.meet(thread, Call::load_matrix, transposed, [&] {
    for (size_t m = 0; m < 4; ++m) {
      uint16_t matrix[64], columns[64];
      for (size_t i = 0; i < 8; ++i)
        std::memcpy(matrix + 8 * i, shared.base() + rows[8 * m + i], 16);
      if (transposed)
        transpose(matrix, columns);
      // In the order of its rows, a matrix is the words of the lanes one after the other.
      std::memcpy(loaded[m], transposed ? columns : matrix, sizeof(matrix));
    }
    return Status();
  });
  for (size_t m = 0; m < 4; ++m)
    result[m] = loaded[m][lane];
  return status;
}

void Warp::computeProduct(bool bfloat16) {
  uint16_t a[16 * 16], b[16 * 8], columns[64];
  for (size_t m = 0; m < 4; ++m)
    for (size_t i = 0; i < 8; ++i)
      std::memcpy(a + (m % 2 * 8 + i) * 16 + m / 2 * 8, left[m] + 4 * i, 16);
  for (size_t m = 0; m < 2; ++m) {
    std::memcpy(columns, right[m], sizeof(columns));
    transpose(columns, b + 64 * m);
  }
  float wideA[16 * 16], wideB[16 * 8];
  const Products &with = products();
  with.widen(a, wideA, 16 * 16, bfloat16);
  with.widen(b, wideB, 16 * 8, bfloat16);
  with.multiplyAdd(wideA, wideB, &product[0][0], 16, 8);
}

Status Warp::multiply(Thread &thread, float *accumulator, const Operands &operands, bool bfloat16) {
  size_t lane = static_cast<size_t>(thread.lane()), row = lane / 4, column = lane % 4 * 2;
  for (size_t m = 0; m < 4; ++m)
    left[m][lane] = operands.a[m];
  for (size_t m = 0; m < 2; ++m)
    right[m][lane] = operands.b[m];
  std::memcpy(&sum[row][column], accumulator, 8);
  std::memcpy(&sum[row + 8][column], accumulator + 2, 8);
  Status status = rendezvous.meet(thread, Call::multiply, bfloat16, [&] {
    std::memcpy(product, sum, sizeof(product));
    computeProduct(bfloat16);
    return Status();
  });
  std::memcpy(accumulator, &product[row][column], 8);
  std::memcpy(accumulator + 2, &product[row + 8][column], 8);
  return status;
}

} // namespace sparse_attn::sim
