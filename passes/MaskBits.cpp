//===- MaskBits.cpp - The blocks of masks within a tile -------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/MaskBits.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::sparse_attn;

bool mlir::sparse_attn::areAligned(int64_t tile, int64_t block) { return tile % block == 0 || block % tile == 0; }

TileBlocks mlir::sparse_attn::getTileBlocks(BlockMaskType mask, int64_t tileQ, int64_t tileK) {
  return {std::max<int64_t>(tileQ / mask.getQueryBlock(), 1), std::max<int64_t>(tileK / mask.getKeyBlock(), 1)};
}

MaskBits::MaskBits(KernelOp kernel) : kernel(kernel) {
  for (BlockArgument capture : kernel.getCaptures()) {
    offsets.push_back(words);
    if (auto mask = dyn_cast<BlockMaskType>(capture.getType()))
      words += getTileBlocks(mask, kernel.getTileQ(), kernel.getTileK()).getWords();
  }
}

Value MaskBits::emitTest(OpBuilder &builder, Location loc, unsigned capture, Value row, Value key,
                         function_ref<Value(Value index)> loadWord) {
  auto mask = cast<BlockMaskType>(kernel.getCaptures()[capture].getType());
  int64_t tileQ = kernel.getTileQ(), tileK = kernel.getTileK();
  TileBlocks blocks = getTileBlocks(mask, tileQ, tileK);
  auto number = [&](int64_t value) -> Value { return arith::ConstantIntOp::create(builder, loc, value, 32); };
  auto blockOf = [&](Value position, int64_t tile, int64_t block, int64_t count) {
    if (count == 1)
      return number(0);
    Value within = builder.createOrFold<arith::RemUIOp>(loc, position, number(tile));
    return builder.createOrFold<arith::DivUIOp>(loc, within, number(block));
  };
  Value r = blockOf(row, tileQ, mask.getQueryBlock(), blocks.rows);
  Value c = blockOf(key, tileK, mask.getKeyBlock(), blocks.columns);
  Value bit =
      builder.createOrFold<arith::AddIOp>(loc, builder.createOrFold<arith::MulIOp>(loc, r, number(blocks.columns)), c);
  Value index = builder.createOrFold<arith::DivUIOp>(loc, bit, number(32));
  index = builder.createOrFold<arith::AddIOp>(loc, index, number(offsets[capture]));
  Value word = loadWord(index);
  Value shift = builder.createOrFold<arith::RemUIOp>(loc, bit, number(32));
  return arith::TruncIOp::create(builder, loc, builder.getI1Type(), arith::ShRUIOp::create(builder, loc, word, shift));
}
