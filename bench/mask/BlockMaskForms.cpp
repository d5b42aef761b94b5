//===- BlockMaskForms.cpp - Our own representations -----------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "MaskForm.h"
#include "sparse_attn/MaskLists.h"

namespace sparse_attn::bench {

MaskForm::~MaskForm() = default;

namespace {

class BlockMaskForm final : public MaskForm {
public:
  explicit BlockMaskForm(BlockMask mask) : mask(std::move(mask)) {}

  size_t bytes() const override { return mask.stats().heapBytes; }
  uint32_t row(uint32_t q, uint32_t *out) const override { return mask.activeBlocks(q, out); }
  uint32_t intersection(uint32_t q1, uint32_t q2, uint32_t *out) const override {
    return mask.intersection(q1, q2, out);
  }
  void exportAll(uint32_t *offsets, uint16_t *blocks) const override {
    check(exportLists(mask, nullptr, {ListEntry::Block16, ListOffset::Bits32, 1}, {offsets, blocks, nullptr, nullptr}));
  }

private:
  BlockMask mask;
};

MaskFormKind kind(const std::string &name, Representation representation,
                  std::function<uint64_t(const MaskShape &)> bytes) {
  auto make = [representation](const MaskSample &sample) -> std::unique_ptr<MaskForm> {
    return std::make_unique<BlockMaskForm>(sample.build({representation, 1}));
  };
  return {name, make, std::move(bytes)};
}

} // namespace

std::vector<MaskFormKind> blockMaskForms() {
  auto few = [](const MaskShape &shape) { return uint64_t(shape.blocks) * 1000; };
  auto bits = [](const MaskShape &shape) { return uint64_t(shape.blocks) * shape.blocks / 8; };
  return {kind("BlockMask", Representation::Automatic, few), kind("packed bits", Representation::PackedBits, bits),
          kind("Roaring, one bitmap a slab", Representation::Roaring, few)};
}

} // namespace sparse_attn::bench
