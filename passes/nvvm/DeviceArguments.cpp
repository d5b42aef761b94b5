//===- DeviceArguments.cpp - Kernel arguments on a GPU --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/nvvm/DeviceArguments.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include <limits>

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::nvvm;

Value DeviceArguments::pointerAt(int64_t word) {
  return wordAt(word, LLVM::LLVMPointerType::get(b.builder.getContext(), Global));
}

DeviceArray DeviceArguments::getArray(Value argument) {
  int64_t word = wordOf(argument), rank = cast<MemRefType>(argument.getType()).getRank();
  DeviceArray array{pointerAt(word), {}, {}};
  for (int64_t i = 0; i < rank; ++i) {
    array.sizes.push_back(integerAt(word + 1 + i));
    array.strides.push_back(wordAt(word + 1 + rank + i, b.builder.getI64Type()));
  }
  return array;
}

Value DeviceArguments::getSize(Value argument, int64_t dimension) {
  auto type = cast<MemRefType>(argument.getType());
  if (!type.isDynamicDim(dimension))
    return b.integer(type.getDimSize(dimension));
  return integerAt(wordOf(argument) + 1 + dimension);
}

/// Numbers have 64 bits in the block; beyond 31 a pattern cannot tell them apart.
Value DeviceArguments::getNumber(Value argument) {
  OpBuilder &builder = b.builder;
  auto constant = [&](int64_t value) { return arith::ConstantIntOp::create(builder, b.loc, value, 64).getResult(); };
  Value wide = wordAt(wordOf(argument), builder.getI64Type());
  wide = arith::MinSIOp::create(builder, b.loc, wide, constant(std::numeric_limits<int32_t>::max()));
  wide = arith::MaxSIOp::create(builder, b.loc, wide, constant(-std::numeric_limits<int32_t>::max()));
  return arith::TruncIOp::create(builder, b.loc, builder.getI32Type(), wide);
}
