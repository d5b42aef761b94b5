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

/// Constants of a scalar region stay in it: it is read, printed and cloned as one piece.
struct FoldInterface : DialectFoldInterface {
  using DialectFoldInterface::DialectFoldInterface;

  bool shouldMaterializeInto(Region *region) const final {
    return isa<PredicateOp, AttendOpInterface>(region->getParentOp());
  }
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

LogicalResult BlockMaskType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t queryBlock,
                                    int64_t keyBlock) {
  // block_mask_c1
  for (int64_t size : {queryBlock, keyBlock})
    if (!llvm::is_contained({16, 32, 64, 128, 256}, size))
      return emitError() << "expects blocks of 16, 32, 64, 128 or 256, but got " << queryBlock << "x" << keyBlock;
  return success();
}

Type BlockMaskType::parse(AsmParser &parser) {
  if (failed(parser.parseOptionalLess()))
    return getDefault(parser.getContext());
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<int64_t> sizes;
  if (parser.parseDimensionList(sizes, /*allowDynamic=*/false, /*withTrailingX=*/false) || parser.parseGreater())
    return {};
  if (sizes.size() != 2) {
    parser.emitError(loc, "expects the sizes of a block, such as 64x64, but got ") << sizes.size() << " of them";
    return {};
  }
  auto emitError = [&] { return parser.emitError(loc); };
  return getChecked(emitError, parser.getContext(), sizes[0], sizes[1]);
}

void BlockMaskType::print(AsmPrinter &printer) const {
  if (*this != getDefault(getContext()))
    printer << "<" << getQueryBlock() << "x" << getKeyBlock() << ">";
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
