//===- ReindexDilation.cpp - Dilated attention as dense work --------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where every pair that attends lies a multiple of s apart, tiles of
// neighbouring positions hold one attending pair in s at most. The same
// attention over each residue class modulo s computes no other pair.
//
//===----------------------------------------------------------------------===//

#include "dialect/SparseAttn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Passes.h"
#include "passes/PatternBands.h"
#include <numeric>

namespace mlir::sparse_attn {
#define GEN_PASS_DEF_REINDEXDILATION
#include "passes/Passes.h.inc"
} // namespace mlir::sparse_attn

using namespace mlir;
using namespace mlir::sparse_attn;

namespace {

/// What the distances of all attending pairs are multiples of; 1 where the bands do not say, or pick keys by residues
/// of their own.
int64_t findCommonModulus(PatternOp pattern) {
  int64_t common = 0;
  for (const BandShape &band : findBandShapes(pattern)) {
    if (band.columns.period > 1)
      return 1;
    common = std::gcd(common, band.modulus);
  }
  return std::max<int64_t>(common, 1);
}

struct ReindexDilationPass final : sparse_attn::impl::ReindexDilationBase<ReindexDilationPass> {
  using Base::Base;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    getOperation().walk([&](AttentionOp attention) {
      int64_t modulus = findCommonModulus(symbols.lookup<PatternOp>(attention.getPattern()));
      if (modulus > 1 && attention.getModulo() == 1)
        attention.setModulo(modulus);
    });
  }
};

} // namespace
