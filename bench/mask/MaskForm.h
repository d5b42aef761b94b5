//===- MaskForm.h - Ways to keep a mask ----------------------- -*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_ATTN_BENCH_MASK_MASKFORM_H
#define SPARSE_ATTN_BENCH_MASK_MASKFORM_H

#include "Sample.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sparse_attn::bench {

/// A mask in one form. Lists of key blocks ascend.
class MaskForm {
public:
  virtual ~MaskForm();
  /// Memory of the mask.
  virtual size_t bytes() const = 0;
  /// Writes row q to `out`, and returns how many key blocks it has.
  virtual uint32_t row(uint32_t q, uint32_t *out) const = 0;
  /// Writes what two rows share to `out`, and returns how much that is.
  virtual uint32_t intersection(uint32_t q1, uint32_t q2, uint32_t *out) const = 0;
  /// Writes all rows one behind another.
  virtual void exportAll(uint32_t *offsets, uint16_t *blocks) const = 0;
};

/// How a form is made from a sample.
struct MaskFormKind {
  std::string name;
  std::function<std::unique_ptr<MaskForm>(const MaskSample &)> make;
  std::function<uint64_t(const MaskShape &)> bytes; ///< An estimate.
};

/// Ours: as the automatic choice has it, packed bits, and one Roaring bitmap a slab.
std::vector<MaskFormKind> blockMaskForms();
/// One byte a pair, coordinates, and compressed rows of 32 and 16 bits.
std::vector<MaskFormKind> plainForms();
/// One Roaring bitmap a row, as it comes and with run containers.
std::vector<MaskFormKind> roaringForms();

} // namespace sparse_attn::bench

#endif // SPARSE_ATTN_BENCH_MASK_MASKFORM_H
