//===- PatternBands.cpp - What the bands of a pattern look like -----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/PatternBands.h"

using namespace mlir;
using namespace mlir::sparse_attn;

Block &mlir::sparse_attn::addPatternBody(Region &region, PatternOp pattern, unsigned positions) {
  Block &body = region.emplaceBlock();
  for (unsigned i = 0; i < positions; ++i)
    body.addArgument(IndexType::get(pattern.getContext()), pattern.getLoc());
  for (BlockArgument capture : pattern.getCaptures())
    body.addArgument(capture.getType(), capture.getLoc());
  return body;
}

SmallVector<BandShape> mlir::sparse_attn::findBandShapes(PatternOp pattern) {
  return findBandShapes(pattern, pattern.getRoot());
}

SmallVector<BandShape> mlir::sparse_attn::findBandShapes(PatternOp pattern, PatternOpInterface op) {
  Region scratch;
  Block &body = addPatternBody(scratch, pattern, 5);
  OpBuilder builder(pattern.getContext());
  builder.setInsertionPointToEnd(&body);
  PatternScope scope(builder, pattern.getLoc(), pattern, ValueRange(body.getArguments()).drop_front(5),
                     body.getArgument(0), body.getArgument(1), body.getArgument(3), body.getArgument(4));
  SmallVector<Band> bands;
  if (failed(op.buildKeyBands(builder, scope, body.getArgument(2), bands)))
    return {};
  return llvm::map_to_vector(bands, [](const Band &band) { return BandShape{band.modulus, band.columns}; });
}
