//===- Products.h - Products of small matrices ------------------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_LIB_SIM_PRODUCTS_H
#define SPARSE_ATTN_LIB_SIM_PRODUCTS_H

#include <cstddef>
#include <cstdint>

namespace sparse_attn::sim {

/// What the tensor cores of a GPU do, with the best instructions of this CPU. Depth is 16 always.
struct Products {
  static constexpr size_t depth = 16;

  /// Widens `count` numbers, a multiple of 8, of f16 or bf16.
  void (*widen)(const uint16_t *from, float *to, size_t count, bool bfloat16);
  /// c[rows][columns] += a[rows][16] b[16][columns]; both multiples of 8.
  void (*multiplyAdd)(const float *a, const float *b, float *c, size_t rows, size_t columns);
};

/// Chosen once.
const Products &products();

} // namespace sparse_attn::sim

#endif // SPARSE_ATTN_LIB_SIM_PRODUCTS_H
