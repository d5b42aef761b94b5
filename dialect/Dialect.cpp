//===- Dialect.cpp - The sparse_attn dialect ------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/PatternSyntax.h"
#include "dialect/SparseAttn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/FoldInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::sparse_attn;

#include "dialect/SparseAttnDialect.cpp.inc"
#include "dialect/SparseAttnInterfaces.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialect/SparseAttnTypes.cpp.inc"

#define GET_OP_CLASSES
#include "dialect/SparseAttnOps.cpp.inc"

namespace {

/// Constants of a predicate stay in it: it is read, printed and cloned as one piece.
struct FoldInterface : DialectFoldInterface {
  using DialectFoldInterface::DialectFoldInterface;

  bool shouldMaterializeInto(Region *region) const final { return isa<PredicateOp>(region->getParentOp()); }
};

} // namespace

void SparseAttnDialect::initialize() {
  addInterfaces<FoldInterface>();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialect/SparseAttnTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/SparseAttnOps.cpp.inc"
      >();
}

Type TileType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  if (parser.parseLess() || parser.parseDimensionList(shape, /*allowDynamic=*/false) || parser.parseType(elementType) ||
      parser.parseGreater())
    return {};
  return TileType::get(parser.getContext(), shape, elementType);
}

void TileType::print(AsmPrinter &printer) const {
  printer << "<";
  for (int64_t size : getShape())
    printer << size << "x";
  printer << getElementType() << ">";
}
