//===- RoaringForms.cpp - One Roaring bitmap a row ------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskForm.h"

#include <roaring/roaring.h>

namespace sparse_attn::bench {

namespace {

struct FreeBitmap {
  void operator()(roaring_bitmap_t *bitmap) const { roaring_bitmap_free(bitmap); }
};
using Bitmap = std::unique_ptr<roaring_bitmap_t, FreeBitmap>;

class RoaringRows final : public MaskForm {
public:
  RoaringRows(const MaskSample &sample, bool optimize) {
    std::vector<uint32_t> keys;
    for (uint32_t q = 0; q < sample.shape().blocks; ++q) {
      sample.row(q, keys);
      rows.emplace_back(roaring_bitmap_of_ptr(keys.size(), keys.data()));
      if (optimize)
        roaring_bitmap_run_optimize(rows.back().get());
      roaring_bitmap_shrink_to_fit(rows.back().get());
    }
  }

  /// What a bitmap takes besides its content: itself and a container, as measured with a counting allocator.
  static constexpr size_t rowBytes = 115;

  size_t bytes() const override {
    size_t sum = 0;
    for (const Bitmap &row : rows)
      sum += rowBytes + roaring_bitmap_portable_size_in_bytes(row.get());
    return sum;
  }

  uint32_t row(uint32_t q, uint32_t *out) const override {
    roaring_bitmap_to_uint32_array(rows[q].get(), out);
    return static_cast<uint32_t>(roaring_bitmap_get_cardinality(rows[q].get()));
  }

  uint32_t intersection(uint32_t q1, uint32_t q2, uint32_t *out) const override {
    Bitmap both(roaring_bitmap_and(rows[q1].get(), rows[q2].get()));
    roaring_bitmap_to_uint32_array(both.get(), out);
    return static_cast<uint32_t>(roaring_bitmap_get_cardinality(both.get()));
  }

  void exportAll(uint32_t *offsets, uint16_t *out) const override {
    std::vector<uint32_t> keys(rows.size());
    uint32_t sum = 0;
    for (uint32_t q = 0; q < rows.size(); ++q) {
      offsets[q] = sum;
      uint32_t count = row(q, keys.data());
      for (uint32_t i = 0; i < count; ++i)
        out[sum + i] = static_cast<uint16_t>(keys[i]);
      sum += count;
    }
    offsets[rows.size()] = sum;
  }

private:
  std::vector<Bitmap> rows;
};

MaskFormKind kind(const std::string &name, bool optimize) {
  auto make = [optimize](const MaskSample &sample) -> std::unique_ptr<MaskForm> {
    return std::make_unique<RoaringRows>(sample, optimize);
  };
  return {name, make, [](const MaskShape &shape) { return uint64_t(shape.blocks) * 2000; }};
}

} // namespace

std::vector<MaskFormKind> roaringForms() {
  return {kind("Roaring, one a row", false), kind("Roaring, one a row, runs", true)};
}

} // namespace sparse_attn::bench
