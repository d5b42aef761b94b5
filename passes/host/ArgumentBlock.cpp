//===- ArgumentBlock.cpp - Kernel arguments from their flat block ---------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/host/ArgumentBlock.h"
#include "dialect/ScalarBuilder.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/ArgumentLayout.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::host;

Value host::toIndex(OpBuilder &builder, Location loc, Value value) {
  return builder.createOrFold<arith::IndexCastOp>(loc, builder.getIndexType(), value);
}

Value host::toInteger(OpBuilder &builder, Location loc, Value index, unsigned bits) {
  return builder.createOrFold<arith::IndexCastOp>(loc, builder.getIntegerType(bits), index);
}

static Value buildAddress(OpBuilder &builder, Location loc, Value pointer, LLVM::GEPArg index, Type type) {
  return LLVM::GEPOp::create(builder, loc, pointer.getType(), type, pointer, ArrayRef<LLVM::GEPArg>{index});
}

Value host::getWordAddress(OpBuilder &builder, Location loc, Value pointer, Value index, Type type) {
  return buildAddress(builder, loc, pointer, toInteger(builder, loc, index, 64), type);
}

Value host::loadWord(OpBuilder &builder, Location loc, Value pointer, Value index, Type type) {
  return LLVM::LoadOp::create(builder, loc, type, getWordAddress(builder, loc, pointer, index, type));
}

Value host::loadWord(OpBuilder &builder, Location loc, Value pointer, int64_t index, Type type) {
  return LLVM::LoadOp::create(builder, loc, type,
                              buildAddress(builder, loc, pointer, static_cast<int32_t>(index), type));
}

void host::storeWord(OpBuilder &builder, Location loc, Value value, Value pointer, Value index) {
  LLVM::StoreOp::create(builder, loc, value, getWordAddress(builder, loc, pointer, index, value.getType()));
}

Value host::buildMemRef(OpBuilder &builder, Location loc, MemRefType type, Value address, ValueRange sizes,
                        ValueRange strides) {
  LLVMTypeConverter converter(builder.getContext());
  auto descriptor = MemRefDescriptor::poison(builder, loc, converter.convertType(type));
  auto word = [&](Value index) { return toInteger(builder, loc, index, 64); };
  descriptor.setAllocatedPtr(builder, loc, address);
  descriptor.setAlignedPtr(builder, loc, address);
  descriptor.setConstantOffset(builder, loc, 0);
  for (auto [dimension, size] : llvm::enumerate(sizes)) {
    if (type.isDynamicDim(dimension))
      descriptor.setSize(builder, loc, dimension, word(size));
    else
      descriptor.setConstantSize(builder, loc, dimension, type.getDimSize(dimension));
  }
  auto [typeStrides, offset] = type.getStridesAndOffset();
  for (auto [dimension, stride] : llvm::enumerate(strides)) {
    if (ShapedType::isDynamic(typeStrides[dimension]))
      descriptor.setStride(builder, loc, dimension, word(stride));
    else
      descriptor.setConstantStride(builder, loc, dimension, typeStrides[dimension]);
  }
  return UnrealizedConversionCastOp::create(builder, loc, type, ValueRange{descriptor}).getResult(0);
}

Value host::buildRows(OpBuilder &builder, Location loc, Value array, Value first, Value count, int64_t step) {
  constexpr int64_t kLength = 2; // of [batch, heads, length, ...]
  auto type = cast<MemRefType>(array.getType());
  MemRefDescriptor descriptor(array.getDefiningOp<UnrealizedConversionCastOp>().getInputs().front());
  ScalarBuilder s(builder, loc);
  SmallVector<Value> sizes, strides;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    sizes.push_back(toIndex(builder, loc, descriptor.size(builder, loc, i)));
    strides.push_back(toIndex(builder, loc, descriptor.stride(builder, loc, i)));
  }
  Value address = getWordAddress(builder, loc, descriptor.alignedPtr(builder, loc), s.mul(first, strides[kLength]),
                                 type.getElementType());
  sizes[kLength] = count ? count : s.ceilDivPositive(s.max(s.sub(sizes[kLength], first), 0), step);
  strides[kLength] = s.mul(strides[kLength], step);
  return buildMemRef(builder, loc, type, address, sizes, strides);
}

namespace {

/// Reads words one after the other.
class WordReader {
public:
  WordReader(OpBuilder &builder, Location loc, Value block, int64_t first)
      : builder(builder), loc(loc), block(block), next(first) {}

  Value pointer() { return loadWord(builder, loc, block, next++, LLVM::LLVMPointerType::get(builder.getContext())); }
  Value index() { return toIndex(builder, loc, loadWord(builder, loc, block, next++, builder.getI64Type())); }

  Value array(MemRefType type) {
    Value address = pointer();
    SmallVector<Value> sizes, strides;
    for (int64_t i = 0; i < type.getRank(); ++i)
      sizes.push_back(index());
    for (int64_t i = 0; i < type.getRank(); ++i)
      strides.push_back(index());
    return buildMemRef(builder, loc, type, address, sizes, strides);
  }

  PyramidArguments pyramid() {
    Value minima = pointer(), maxima = pointer();
    return {minima, maxima, index()};
  }

private:
  OpBuilder &builder;
  Location loc;
  Value block;
  int64_t next;
};

} // namespace

KernelArguments host::readArguments(OpBuilder &builder, Location loc, Value block, KernelParts parts) {
  ArgumentLayout layout(parts);
  auto readerAt = [&](int64_t word) { return WordReader(builder, loc, block, word); };
  KernelOp kernel = parts.kernel;
  KernelArguments arguments;
  arguments.pyramids.resize(kernel.getCaptures().size());
  for (auto [array, word] : llvm::zip_equal(kernel.getArrays(), layout.arrays)) {
    WordReader reader = readerAt(word);
    Value value;
    if (auto type = dyn_cast<MemRefType>(array.getType())) {
      value = reader.array(type);
    } else if (isa<BlockMaskType>(array.getType())) {
      PyramidArguments &states = arguments.pyramids[kernel.getCaptureNumber(array)] = reader.pyramid();
      value = UnrealizedConversionCastOp::create(builder, loc, array.getType(), states.maxima).getResult(0);
    } else {
      value = reader.index();
    }
    arguments.arrays.push_back(value);
  }
  if (layout.isListed) {
    WordReader reader = readerAt(layout.lists);
    ListArguments &lists = arguments.lists;
    for (Value *pointer : {&lists.partialOffsets, &lists.partialIntervals, &lists.fullOffsets, &lists.fullIntervals})
      *pointer = reader.pointer();
    lists.batchStride = reader.index();
    lists.headStride = reader.index();
    if (layout.hasMasks) {
      lists.partialEntries = reader.pointer();
      lists.partialWords = reader.pointer();
    }
  }
  for (auto [entry, word] : llvm::zip_equal(arguments.pyramids, layout.pyramids))
    if (word >= 0)
      entry = readerAt(word).pyramid();
  return arguments;
}
